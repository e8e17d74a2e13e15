// One request to Wildberries: token, category, bucket, and errors inside HTTP 200. Answers are exact JSON; what they hold is for
// the stream to say.

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import { MINUTE_MS } from '../../core/duration.ts';
import { Secret } from '../../core/secret.ts';
import type { HttpRequest } from '../../http/http-client.ts';
import type { BucketCharge } from '../../limits/governor.ts';
import type { ReadContext } from '../contract/stream.ts';
import { parseExactJson } from '../toolkit/exact-json.ts';
import { jsonElements } from '../toolkit/json-elements.ts';
import type { WildberriesCredential } from './credential.ts';
import type { Endpoint } from './endpoints.ts';
import { blockedMs, failureInside, httpFailure } from './errors.ts';
import { chargeOf } from './limits.ts';
import type { WildberriesSettings } from './settings.ts';
import { decodeToken, type Token } from './token.ts';

export type Context = ReadContext<WildberriesCredential, WildberriesSettings>;

export interface Ask {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
}

export interface WildberriesApi {
  /** The token in hand. Throws `credential.*`. */
  token(): Promise<Token>;
  /** The answer as `schema` reads it; null: HTTP 204, there is nothing. Throws `platform.*`, `http.*`, `credential.*`. */
  ask<Data>(endpoint: Endpoint, schema: z.ZodType<Data>, ask?: Ask): Promise<Data | null>;
  /** Elements of an answer that is one huge array, while they come. Throws as `ask`. */
  elements(endpoint: Endpoint, ask?: Ask): AsyncGenerator<unknown>;
}

/** A list of 80,000 rows comes as fast as its reader stores it. */
const LIST_TIMEOUT_MS = 5 * MINUTE_MS;
const LIST_MAX_BYTES = 512 * 1024 * 1024;
/** Of an error's body. */
const WORDS_BYTES = 64 * 1024;

function urlOf({ host, path }: Endpoint, { path: names = {}, query = {} }: Ask): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? ''));
  const search = new URLSearchParams(
    Object.entries(query).map(([name, value]) => [name, String(value)] as [string, string]),
  ).toString();
  return `https://${host}.wildberries.ru${filled}${search === '' ? '' : `?${search}`}`;
}

function requireRight(endpoint: Endpoint, token: Token): BucketCharge {
  const { category, group, host, path } = endpoint;
  const details = { category, kind: token.kind };
  if (category !== null && !token.categories.has(category)) {
    const message = `the token lacks the category "${category}", which ${host}${path} needs: make a new one with it`;
    throw new AppError('platform.scope_missing', message, { details });
  }
  const charge = chargeOf(group, token);
  if (charge !== null) return charge;
  const message = `a token of kind "${token.kind}" may not ask ${host}${path}: make a personal or a service token`;
  throw new AppError('platform.scope_missing', message, { details });
}

export function createWildberriesApi({ http, credential, signal }: Context): WildberriesApi {
  const prepare = async (endpoint: Endpoint, ask: Ask): Promise<HttpRequest> => {
    const secret = await credential.current();
    const charge = requireRight(endpoint, tokenOf(secret));
    return {
      method: endpoint.method,
      url: urlOf(endpoint, ask),
      headers: { Authorization: new Secret(secret.reveal().api_key) },
      ...(ask.body === undefined ? {} : { body: { type: 'json', value: ask.body } }),
      charges: [charge],
    };
  };
  return {
    token: async () => tokenOf(await credential.current()),
    async ask<Data>(endpoint: Endpoint, schema: z.ZodType<Data>, ask: Ask = {}): Promise<Data | null> {
      const request = await prepare(endpoint, ask);
      const { status, text } = await http.request({ ...request, slowDownMs: blockedMs }, signal);
      if (status >= 400) throw httpFailure(endpoint, status, text);
      if (status === 204) return null;
      const body = parseExactJson(text);
      const failure = failureInside(endpoint, body);
      if (failure !== undefined) throw failure;
      return shaped(endpoint, schema, body);
    },
    async *elements(endpoint: Endpoint, ask: Ask = {}): AsyncGenerator<unknown> {
      const request = await prepare(endpoint, ask);
      const limits = { timeoutMs: LIST_TIMEOUT_MS, maxBytes: LIST_MAX_BYTES };
      const { status, chunks } = await http.stream({ ...request, ...limits }, signal);
      if (status >= 400) throw httpFailure(endpoint, status, await firstOf(chunks));
      if (status === 204) return;
      for await (const text of jsonElements(chunks)) yield parseExactJson(text);
    },
  };
}

function tokenOf(secret: Secret<WildberriesCredential>): Token {
  const token = decodeToken(secret.reveal().api_key);
  if (token === null) throw new AppError('credential.invalid', 'expected a token of Wildberries, got something else');
  return token;
}

function shaped<Data>({ host, path }: Endpoint, schema: z.ZodType<Data>, body: unknown): Data {
  const data = schema.safeParse(body);
  if (data.success) return data.data;
  const message = `unexpected shape of ${host}${path}: ${z.prettifyError(data.error).slice(0, 500)}`;
  throw new AppError('platform.answer_invalid', message);
}

/** The beginning of a body as text. */
async function firstOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    if (size > WORDS_BYTES) break;
  }
  return Buffer.concat(parts).subarray(0, WORDS_BYTES).toString('utf8');
}
