// One request to Ozon: headers, buckets, exact JSON, and errors wherever they stand. What an answer holds is for the stream to say.

import { z } from 'zod';
import { AppError, type ErrorKind } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { HttpResponse } from '../../http/http-client.ts';
import type { ReadContext } from '../contract/stream.ts';
import { parseExactJson } from '../toolkit/exact-json.ts';
import type { OzonCredential } from './credential.ts';
import { failureInside, failureOf, strangerAnswer } from './errors.ts';
import { chargesOf } from './limits.ts';
import type { OzonSettings } from './settings.ts';

const BASE_URL = 'https://api-seller.ozon.ru';

export type Context = ReadContext<OzonCredential, OzonSettings>;

/** Names a method by its path. */
export type Method = `/v${number}/${string}`;

export interface OzonApi {
  /** The account, and the key of its limits. Throws `credential.*`. */
  clientId(): Promise<string>;
  /**
   * Posts `body` as JSON; the answer as `schema` reads it, from exact JSON (numbers that a double cannot hold are text). Throws
   * `platform.*`, `http.*`, `credential.*` (errors.ts); a method that was refused for good is not asked again.
   */
  call<Data>(method: Method, body: unknown, schema: z.ZodType<Data>): Promise<Data>;
}

/** Nothing will be different when the same is asked again. Ozon restricts shops that go on. */
const FINAL: ReadonlySet<ErrorKind> = new Set(['auth', 'scope', 'gone', 'config']);

export function createOzonApi({ http, credential, signal, egressId }: Context): OzonApi {
  const refused = new Map<Method, AppError>();

  const send = async (method: Method, body: unknown): Promise<HttpResponse> => {
    const { client_id: clientId, api_key: apiKey } = (await credential.current()).reveal();
    return await http.request(
      {
        method: 'POST',
        url: `${BASE_URL}${method}`,
        headers: { 'Client-Id': clientId, 'Api-Key': new Secret(apiKey) },
        body: { type: 'json', value: body },
        charges: chargesOf(method, clientId),
      },
      signal,
    );
  };

  const answerOf = (method: Method, { status, text }: HttpResponse): unknown => {
    const body = jsonOf(text);
    const inside = failureInside(body);
    if (inside !== null) throw failureOf({ method, status, egressId, ...inside });
    if (status === 200 && body !== undefined) return body;
    // A page without JSON says nothing about method or key but at 401 and 404, which need no words.
    if (body === undefined && status !== 401 && status !== 404) throw strangerAnswer(method, status, text.length);
    throw failureOf({ method, status, egressId, code: null, words: '' });
  };

  return {
    clientId: async () => (await credential.current()).reveal().client_id,
    async call<Data>(method: Method, body: unknown, schema: z.ZodType<Data>): Promise<Data> {
      const earlier = refused.get(method);
      if (earlier !== undefined) throw earlier;
      const response = await send(method, body);
      try {
        return shaped(method, schema, answerOf(method, response));
      } catch (error) {
        if (error instanceof AppError && FINAL.has(error.kind)) refused.set(method, error);
        throw error;
      }
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

function shaped<Data>(method: Method, schema: z.ZodType<Data>, body: unknown): Data {
  const data = schema.safeParse(body);
  if (data.success) return data.data;
  const message = `unexpected shape of ${method}: ${z.prettifyError(data.error).slice(0, 500)}`;
  throw new AppError('platform.answer_invalid', message, { details: { method } });
}
