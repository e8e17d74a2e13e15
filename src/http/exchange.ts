// One request on the wire and its whole answer: axios without its redirects, proxies, transforms and unbounded bodies.
// It must not decide anything about status codes, and no axios error may leave it.

import http from 'node:http';
import https from 'node:https';
import { addAbortSignal, type Readable } from 'node:stream';
import axios, { type AxiosInstance } from 'axios';
import { AppError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { EgressPolicy } from './egress.ts';
import { toHttpError } from './failures.ts';
import type { HttpRequest, HttpStream } from './http-client.ts';
import { redactUrl } from './redact.ts';

export interface WireRequest {
  readonly method: HttpRequest['method'];
  readonly url: URL;
  readonly urlSecrets: NonNullable<HttpRequest['urlSecrets']>;
  readonly headers: Readonly<Record<string, string | Secret>>;
  readonly body: HttpRequest['body'] | undefined;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** The address is a base URL override: its name may resolve to anything. */
  readonly isOverride: boolean;
}

export interface WireAnswer extends HttpStream {
  /** Closes the connection of an answer that nobody will read. */
  drop(): void;
}

/** Resolves with the head; an error of the body is one of `http.*` too. */
export type Exchange = (request: WireRequest, signal: AbortSignal) => Promise<WireAnswer>;

/** Sockets: bounded per host and in all, idle ones closed before most servers do. */
const SOCKETS = {
  keepAlive: true,
  maxSockets: 64,
  maxTotalSockets: 256,
  maxFreeSockets: 16,
  scheduling: 'lifo',
  timeout: 15_000,
} as const;
/** Explicit, so that no environment variable can switch verification off. */
const TLS = { rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const;

/** Where a request goes and where it ends is decided here: a host in a header would pass the egress policy by. */
const OWN_HEADERS =
  /^(?:host|connection|content-length|transfer-encoding|upgrade|expect|te|trailer|keep-alive|proxy-.*)$/i;

/** Throws `http.*`; an aborted signal rejects with its reason. */
export function createExchange(egress: EgressPolicy, maxSockets?: number): Exchange {
  const sockets = maxSockets === undefined ? SOCKETS : { ...SOCKETS, maxSockets, maxTotalSockets: maxSockets };
  const guarded = { ...sockets, lookup: egress.lookup };
  const official = axiosWith(new http.Agent(guarded), new https.Agent({ ...guarded, ...TLS }));
  const override = axiosWith(new http.Agent(sockets), new https.Agent({ ...sockets, ...TLS }));
  return async (request, signal) => {
    signal.throwIfAborted();
    const deadline = AbortSignal.timeout(request.timeoutMs);
    const either = AbortSignal.any([signal, deadline]);
    const failureOf = (error: unknown): AppError => {
      signal.throwIfAborted();
      const { timeoutMs, url } = request;
      return toHttpError(error, { url: redactUrl(url), timeoutMs, isTimeout: deadline.aborted });
    };
    try {
      const { chunks, ...head } = await send(request.isOverride ? override : official, request, either);
      return { ...head, chunks: failingAs(failureOf, chunks) };
    } catch (error) {
      throw failureOf(error);
    }
  };
}

/** `chunks` with every error turned into ours. */
async function* failingAs(
  failureOf: (error: unknown) => AppError,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw failureOf(error);
  }
}

function axiosWith(httpAgent: http.Agent, httpsAgent: https.Agent): AxiosInstance {
  return axios.create({
    adapter: 'http',
    httpAgent,
    httpsAgent,
    // A proxy from the environment would connect for us, past the egress policy.
    proxy: false,
    maxRedirects: 0,
    responseType: 'stream',
    maxContentLength: -1,
    maxBodyLength: -1,
    transformRequest: [(body: unknown) => body],
    transformResponse: [(body: unknown) => body],
    validateStatus: () => true,
  });
}

async function send(client: AxiosInstance, request: WireRequest, signal: AbortSignal): Promise<WireAnswer> {
  const { body, contentType } = encodeBody(request.body);
  const own = revealAll(request.headers);
  // axios would quietly strip what does not belong in a header, and send a credential that nobody gave it.
  for (const [name, value] of Object.entries(own)) {
    if (OWN_HEADERS.test(name)) throw new AppError('http.egress_denied', `expected no header ${name} of a connector`);
    http.validateHeaderValue(name, value);
  }
  const { status, headers, data } = await client.request<Readable>({
    method: request.method,
    url: withSecrets(request),
    headers: {
      accept: 'application/json',
      'accept-encoding': 'gzip, br',
      'content-type': contentType,
      ...own,
    },
    data: body,
    signal,
  });
  const answered = plainHeaders(headers);
  const encoding = answered['content-encoding'] ?? 'identity';
  if (encoding === 'identity') {
    const body = addAbortSignal(signal, data);
    // Who drops an answer does not want to hear of its end.
    const drop = (): void => void body.on('error', () => undefined).destroy();
    return { status, headers: answered, chunks: counted(body, request), drop };
  }
  data.destroy();
  // axios removes the header of what it decoded; what is left is an encoding that we did not ask for.
  throw new AppError('http.body_invalid', `expected a body in gzip or br, got ${encoding.slice(0, 40)}`);
}

/** A secret that could end the part of the address it belongs to would lead somewhere else. */
function withSecrets({ url, urlSecrets }: WireRequest): string {
  let { href } = url;
  for (const [name, secret] of Object.entries(urlSecrets)) {
    href = href.replaceAll(`$${name}`, () => encodeURIComponent(secret.reveal()).replaceAll('%3A', ':'));
  }
  return href;
}

function encodeBody(body: HttpRequest['body']): { body: string | undefined; contentType: string | null } {
  if (body === undefined) return { body: undefined, contentType: null };
  if (body.type === 'json') return { body: JSON.stringify(body.value), contentType: 'application/json' };
  const form = new URLSearchParams(revealAll(body.value)).toString();
  return { body: form, contentType: 'application/x-www-form-urlencoded' };
}

function revealAll(values: Readonly<Record<string, string | Secret>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]),
  );
}

function plainHeaders(headers: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value.join(', ') : String(value)]),
  );
}

/** The body after decompression, counted while it comes: a small bomb never becomes a large one. */
async function* counted(body: Readable, { url, maxBytes }: WireRequest): AsyncGenerator<Uint8Array> {
  let size = 0;
  // Leaving the loop, by an error or early, destroys the stream and with it the socket.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new AppError('http.body_too_large', `expected at most ${maxBytes} bytes from ${redactUrl(url)}, got more`);
    }
    yield chunk;
  }
}

/** A whole body as text. */
export async function readText(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return new TextDecoder().decode(Buffer.concat(parts));
}
