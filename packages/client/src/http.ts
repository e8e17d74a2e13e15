// One call over HTTP: sent, sent again where that is safe, and the answer or a `TidemarkError`.

import { errorOf, TidemarkError } from './errors.ts';
import { baseOf, bodyOf, checkKey, checkToken, urlOf, type Fields, type Operation } from './request.ts';
import { createDeadline, wait, waitBefore, type Deadline } from './waiting.ts';

export interface ClientOptions {
  /** `https://tidemark.internal`, with a path where the API lives below one. */
  readonly baseUrl: string;
  /** An API token, `tm_…`; it goes into a header and nowhere else. */
  readonly token: string;
  /** Of one try with its whole answer, in milliseconds; default 30,000. */
  readonly timeoutMs?: number;
  /** Tries after the first one; default 4. */
  readonly retries?: number;
  /** Default: the platform's own. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  /** Ends the call wherever it is; it then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Default: a new one for each call of an operation that honours it. Give your own to make two calls the same. */
  readonly idempotencyKey?: string;
}

export interface Sent {
  readonly operation: Operation;
  readonly request: Fields;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on: whoever reads it says that it lives, and closes the deadline. */
export interface OpenAnswer {
  readonly body: ReadableStream<Uint8Array>;
  readonly deadline: Deadline;
}

/** Both throw `TidemarkError`, the reason of an aborted signal, and TypeError for a request that cannot be sent. */
export interface Transport {
  readonly retries: number;
  /** The whole answer: what its JSON says, or its text; undefined when it has no content. */
  send(sent: Sent, options: CallOptions): Promise<unknown>;
  open(sent: Sent, options: CallOptions): Promise<OpenAnswer>;
}

const TIMEOUT_MS = 30_000;
const RETRIES = 4;

type Read<Answer> = (response: Response, deadline: Deadline) => Promise<Answer>;

async function readText(response: Response, deadline: Deadline): Promise<string> {
  const text = await response.text();
  deadline.close();
  return text;
}

async function readAll(response: Response, deadline: Deadline): Promise<unknown> {
  const text = await readText(response, deadline);
  if (response.status === 204) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new TidemarkError(response.status, 'answer_invalid', 'expected JSON: does baseUrl name the API?');
  }
}

function keepOpen(response: Response, deadline: Deadline): Promise<OpenAnswer> {
  if (response.body !== null) return Promise.resolve({ body: response.body, deadline });
  throw new TidemarkError(response.status, 'answer_invalid', 'expected events, got an empty answer');
}

function initOf({ operation, request, headers = {} }: Sent, token: string, key: string | undefined): RequestInit {
  const body = bodyOf(operation, request);
  return {
    method: operation.method,
    // Nobody else gets the token: a redirect is an answer like any other, and no success.
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  };
}

interface Try<Answer> {
  readonly send: (signal: AbortSignal) => Promise<Response>;
  readonly read: Read<Answer>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One try, up to what `read` gives; a connection that broke on the way counts as no answer. */
async function tryOnce<Answer>({ send, read, timeoutMs, signal }: Try<Answer>): Promise<Answer> {
  const deadline = createDeadline(timeoutMs, signal);
  try {
    const response = await send(deadline.signal);
    if (!response.ok) throw await errorOf(response);
    return await read(response, deadline);
  } catch (error) {
    deadline.close();
    signal?.throwIfAborted();
    if (error instanceof TidemarkError) throw error;
    const detail = deadline.isOver ? `no answer within ${timeoutMs} ms` : 'the connection failed';
    throw new TidemarkError(0, 'no_answer', detail, { cause: error });
  }
}

export function createTransport(options: ClientOptions): Transport {
  const { token, timeoutMs = TIMEOUT_MS, retries = RETRIES, fetch: send = fetch } = options;
  checkToken(token);
  const base = baseOf(options.baseUrl);

  async function untilAnswered<Answer>(
    sent: Sent,
    read: Read<Answer>,
    { signal, idempotencyKey }: CallOptions,
  ): Promise<Answer> {
    const { method, idempotent } = sent.operation;
    if (idempotencyKey !== undefined) checkKey(idempotencyKey);
    const key = idempotent ? (idempotencyKey ?? crypto.randomUUID()) : undefined;
    const isSafe = method === 'GET' || method === 'PUT' || key !== undefined;
    const url = urlOf(base, sent.operation, sent.request);
    const init = initOf(sent, token, key);
    for (let tries = 0; ; tries++) {
      try {
        return await tryOnce({ send: (until) => send(url, { ...init, signal: until }), read, timeoutMs, signal });
      } catch (error) {
        const ms = error instanceof TidemarkError && tries < retries ? waitBefore(error, tries, isSafe) : undefined;
        if (ms === undefined) throw error;
        await wait(ms, signal);
      }
    }
  }

  return {
    retries,
    send: async (sent, call) =>
      await untilAnswered<unknown>(sent, sent.operation.form === 'csv' ? readText : readAll, call),
    open: async (sent, call) => await untilAnswered(sent, keepOpen, call),
  };
}
