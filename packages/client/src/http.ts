// One call over HTTP: the request put together, sent again where that is safe, and the answer or a `TidemarkError`.

import { errorOf, TidemarkError } from './errors.ts';

export interface ClientOptions {
  /** `https://tidemark.internal`, with a path where the API lives below one. */
  readonly baseUrl: string;
  /** An API token, `tm_…`; it goes into a header and nowhere else. */
  readonly token: string;
  /** Of one try, in milliseconds; default 30,000. */
  readonly timeoutMs?: number;
  /** Tries after the first one; default 4. */
  readonly retries?: number;
  /** Default: the platform's own. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Default: a new one for each call of an operation that honours it. Give your own to make two calls the same. */
  readonly idempotencyKey?: string;
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
  readonly body: readonly string[];
  readonly idempotent: boolean;
}

export interface Sent {
  readonly operation: Operation;
  readonly request: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Transport {
  /** A successful answer. Throws `TidemarkError`, and the reason of an aborted signal. */
  send(sent: Sent, options: CallOptions): Promise<Response>;
}

const TIMEOUT_MS = 30_000;
const RETRIES = 4;
const BASE_WAIT_MS = 200;
const MAX_WAIT_MS = 60_000;

function pick(request: Sent['request'], names: readonly string[]): readonly (readonly [string, unknown])[] {
  return names.map((name) => [name, request[name]] as const).filter(([, value]) => value !== undefined);
}

function urlOf(base: string, { path, query }: Operation, request: Sent['request']): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => encodeURIComponent(String(request[name])));
  const search = new URLSearchParams(
    pick(request, query).map(([name, value]): [string, string] => [name, String(value)]),
  );
  return `${base}${filled}${search.size === 0 ? '' : `?${search.toString()}`}`;
}

/** Whether the request may be sent again when nobody knows what became of it. */
function isSafe({ method }: Operation, key: string | undefined): boolean {
  return method === 'GET' || method === 'PUT' || key !== undefined;
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

/** How long before the next try; undefined: there is none. */
export function waitBefore(error: TidemarkError, tries: number, safe: boolean): number | undefined {
  const isBusy = error.status === 429;
  const isAway = error.status === 0 || error.status >= 500;
  if (!isBusy && !(isAway && safe)) return undefined;
  const backoff = Math.random() * BASE_WAIT_MS * 2 ** tries;
  return Math.min(MAX_WAIT_MS, Math.max(error.retryAfterMs ?? 0, backoff));
}

function checkedBase(baseUrl: string): string {
  const { protocol, username, password } = new URL(baseUrl);
  if (!['http:', 'https:'].includes(protocol) || username !== '' || password !== '')
    throw new TypeError('baseUrl: expected an http or https address without credentials');
  return baseUrl.replace(/\/+$/, '');
}

export function createTransport(options: ClientOptions): Transport {
  const { token, timeoutMs = TIMEOUT_MS, retries = RETRIES, fetch: send = fetch } = options;
  const base = checkedBase(options.baseUrl);

  async function tryOnce(url: string, init: RequestInit, signal: AbortSignal | undefined): Promise<Response> {
    const timeout = AbortSignal.timeout(timeoutMs);
    let response: Response;
    try {
      response = await send(url, {
        ...init,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
    } catch (error) {
      signal?.throwIfAborted();
      const detail = timeout.aborted ? `no answer within ${timeoutMs} ms` : 'the server could not be reached';
      throw new TidemarkError(0, 'no_answer', detail, { cause: error });
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  return {
    async send({ operation, request, headers = {} }, { signal, idempotencyKey }) {
      const key = operation.idempotent ? (idempotencyKey ?? crypto.randomUUID()) : undefined;
      const body = Object.fromEntries(pick(request, operation.body));
      const hasBody = operation.body.length > 0;
      const init: RequestInit = {
        method: operation.method,
        redirect: 'error',
        headers: {
          authorization: `Bearer ${token}`,
          ...(hasBody ? { 'content-type': 'application/json' } : {}),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
          ...headers,
        },
        ...(hasBody ? { body: JSON.stringify(body) } : {}),
      };
      for (let tries = 0; ; tries++) {
        try {
          return await tryOnce(urlOf(base, operation, request), init, signal);
        } catch (error) {
          if (!(error instanceof TidemarkError) || tries >= retries) throw error;
          const ms = waitBefore(error, tries, isSafe(operation, key));
          if (ms === undefined) throw error;
          await wait(ms, signal);
        }
      }
    },
  };
}
