// One request to the Graph API: address, token, buckets, exact JSON, and errors by their code. What an answer holds is for its
// reader to say.

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { HttpRequest, HttpResponse, Verdict } from '../../http/http-client.ts';
import type { BucketCharge } from '../../limits/governor.ts';
import type { ReadContext } from '../contract/stream.ts';
import { parseExactJson } from '../toolkit/exact-json.ts';
import type { WhatsAppCredential } from './credential.ts';
import { failureInside, failureOf, restingRules, strangerAnswer, type Failure } from './errors.ts';
import { managementCharges, messageCharges, type Payer } from './limits.ts';
import type { WhatsAppSettings } from './settings.ts';

const HOST = 'https://graph.facebook.com';

export type Context = ReadContext<WhatsAppCredential, WhatsAppSettings>;

export interface Message {
  /** As the chat's key names the person; counts against his limit. */
  readonly recipient: string;
  readonly body: unknown;
  /** How often a limit refused this message before. */
  readonly refusals: number;
}

export interface GraphApi {
  /** The number that the token speaks for. Throws `credential.*`. */
  phoneNumberId(): Promise<string>;
  /** `path` without version: `/1234/phone_numbers`. Throws `platform.*`, `http.*`, `credential.*` (errors.ts). */
  get<Data>(path: string, query: Readonly<Record<string, string>>, schema: z.ZodType<Data>): Promise<Data>;
  /** What Meta says of the token itself. Throws as `get`. */
  debugToken<Data>(schema: z.ZodType<Data>): Promise<Data>;
  /** Posts a message of the number, once. Throws as `get`, and `message.*`. */
  send<Data>(message: Message, schema: z.ZodType<Data>): Promise<Data>;
}

interface Ask {
  /** Without version and query. */
  readonly path: string;
  readonly token: string;
  readonly request: Omit<HttpRequest, 'url' | 'headers' | 'verdict'> & { readonly query?: string };
  readonly refusals?: number;
}

/** Graph repeats in its words a token that it cannot read. */
const TOKENS = /\bEAA[A-Za-z0-9]{8,}/g;

const withoutToken = (failure: Failure, token: string): Failure => ({
  ...failure,
  words: failure.words.replaceAll(token, '***').replace(TOKENS, '***'),
});

function failureIn({ status, text }: HttpResponse): Failure | null {
  // A body of a success is read once, by its reader.
  return status >= 400 || /^\s*\{\s*"error"\s*:/.test(text) ? failureInside(jsonOf(text)) : null;
}

function jsonOf(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

/** Graph's code decides before the status. What may be repeated is left to the client: it knows how. */
function verdictOf(error: AppError, failure: Failure, charges: readonly BucketCharge[]): Verdict | undefined {
  if (error.kind === 'transient') return undefined;
  if (error.code !== 'platform.rate_limited') return { kind: 'answer' };
  const rules = restingRules(failure);
  const resting = charges.filter(({ rule }) => rules === null || rules.includes(rule.id));
  return { kind: 'slow_down', error, charges: resting.length === 0 ? charges : resting };
}

interface Told {
  readonly failure: Failure;
  readonly toldMs?: number | undefined;
}

function errorOf({ path, token, refusals }: Ask, { status }: HttpResponse, { failure, toldMs }: Told): AppError {
  return failureOf(withoutToken(failure, token), { path, status, toldMs, refusals });
}

type Exchange = <Data>(ask: Ask, schema: z.ZodType<Data>) => Promise<Data>;

/** One request and what its answer holds. */
function createExchange({ http, settings, signal, log }: Context): Exchange {
  let isVersionTold = false;

  const noteVersion = ({ headers }: HttpResponse): void => {
    const answered = headers['facebook-api-version'];
    if (isVersionTold || answered === undefined || answered === settings.graph_version) return;
    isVersionTold = true;
    log.emit('platform.version_changed', { platform: 'whatsapp', asked: settings.graph_version, answered });
  };

  return async (ask, schema) => {
    const { path, token, request } = ask;
    const { query = '', ...rest } = request;
    const response = await http.request(
      {
        ...rest,
        url: `${HOST}/${settings.graph_version}${path}${query === '' ? '' : `?${query}`}`,
        headers: { Authorization: new Secret(`Bearer ${token}`) },
        verdict: (answer, toldMs) => {
          const failure = failureIn(answer);
          if (failure === null) return undefined;
          return verdictOf(errorOf(ask, answer, { failure, toldMs }), failure, request.charges);
        },
      },
      signal,
    );
    noteVersion(response);
    const failure = failureIn(response);
    if (failure !== null) throw errorOf(ask, response, { failure });
    const body = jsonOf(response.text);
    if (response.status >= 300 || body === undefined) {
      throw strangerAnswer(path, response.status, response.text.length);
    }
    return shaped(path, schema, body);
  };
}

export function createGraphApi(context: Context): GraphApi {
  const { credential, settings } = context;
  const exchange = createExchange(context);

  const opened = async (): Promise<{ token: string; payer: Payer }> => {
    const { access_token: token, phone_number_id: phoneNumberId } = (await credential.current()).reveal();
    return { token, payer: { phoneNumberId, wabaId: settings.waba_id, appId: settings.app_id } };
  };

  return {
    phoneNumberId: async () => (await opened()).payer.phoneNumberId,
    async get<Data>(path: string, query: Readonly<Record<string, string>>, schema: z.ZodType<Data>): Promise<Data> {
      const { token, payer } = await opened();
      const charges = managementCharges(payer);
      const request = { method: 'GET', query: new URLSearchParams(query).toString(), charges } as const;
      return await exchange({ path, token, request }, schema);
    },
    async debugToken<Data>(schema: z.ZodType<Data>): Promise<Data> {
      const { token, payer } = await opened();
      const urlSecrets = { token: new Secret(token) };
      const charges = managementCharges(payer);
      const request = { method: 'GET', query: 'input_token=$token', urlSecrets, charges } as const;
      return await exchange({ path: '/debug_token', token, request }, schema);
    },
    async send<Data>({ recipient, body, refusals }: Message, schema: z.ZodType<Data>): Promise<Data> {
      const { token, payer } = await opened();
      const charges = messageCharges(payer, recipient);
      const request = { method: 'POST', body: { type: 'json', value: body }, charges, attempts: 1 } as const;
      return await exchange({ path: `/${payer.phoneNumberId}/messages`, token, request, refusals }, schema);
    },
  };
}

function shaped<Data>(path: string, schema: z.ZodType<Data>, body: unknown): Data {
  const data = schema.safeParse(body);
  if (data.success) return data.data;
  const message = `unexpected shape of ${path}: ${z.prettifyError(data.error).slice(0, 500)}`;
  throw new AppError('platform.answer_invalid', message, { details: { path } });
}
