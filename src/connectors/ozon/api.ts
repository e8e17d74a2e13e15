// One call of Ozon's API: every method is a POST of JSON. Answers are exact JSON; what they hold is for the stream to say.

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { ReadContext } from '../contract/stream.ts';
import { parseExactJson } from '../toolkit/exact-json.ts';
import type { OzonCredential } from './credential.ts';
import { circleOpenMs, httpFailure } from './errors.ts';
import { chargesOf } from './limits.ts';
import type { OzonSettings } from './settings.ts';

export type Context = ReadContext<OzonCredential, OzonSettings>;

export interface OzonApi {
  /** The answer as `schema` reads it. Throws `platform.*`, `http.*`, `credential.*`, `sync.stale_cursor`. */
  call<Data>(method: string, body: object, schema: z.ZodType<Data>): Promise<Data>;
  clientId(): Promise<string>;
}

export const HOST = 'api-seller.ozon.ru';

export function createOzonApi({ http, credential, signal }: Context): OzonApi {
  return {
    clientId: async () => (await credential.current()).reveal().client_id,
    async call<Data>(method: string, body: object, schema: z.ZodType<Data>): Promise<Data> {
      const secret = await credential.current();
      const { client_id: clientId, api_key: key } = secret.reveal();
      const request = {
        method: 'POST',
        url: `https://${HOST}${method}`,
        headers: { 'Client-Id': clientId, 'Api-Key': new Secret(key) },
        body: { type: 'json', value: body },
        charges: chargesOf(method, clientId),
        slowDownMs: circleOpenMs,
      } as const;
      const { status, text } = await http.request(request, signal);
      if (status !== 200) throw httpFailure(method, status, text);
      const data = schema.safeParse(parseExactJson(text));
      if (data.success) return data.data;
      const message = `unexpected shape of ${method}: ${z.prettifyError(data.error).slice(0, 500)}`;
      throw new AppError('platform.answer_invalid', message);
    },
  };
}
