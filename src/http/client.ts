// The one way out: egress policy, base URL, quota, the exchange, redirects, repeats, and what is told about each call.

import type { Clock } from '../core/clock.ts';
import { AppError, type ErrorCode } from '../core/errors.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Governor } from '../limits/governor.ts';
import { applyBaseUrl, overrideOf, type BaseUrls } from './base-url.ts';
import type { EgressPolicy, EgressRights } from './egress.ts';
import { createExchange, readText, type Exchange, type WireAnswer } from './exchange.ts';
import type {
  HttpClient,
  HttpClientScope,
  HttpRequest,
  HttpResponse,
  HttpStream,
  StreamRequest,
  Verdict,
} from './http-client.ts';
import { learnAnswer, learnFailure, learnRefusal, refundQuota, takeQuota } from './quota.ts';
import { readRateHints } from './rate-headers.ts';
import { redactUrl } from './redact.ts';
import { nextHop, type Hop } from './redirects.ts';
import { withRetries } from './retry.ts';

export interface HttpClientDeps {
  readonly governor: Governor;
  readonly egress: EgressPolicy;
  readonly clock: Clock;
  readonly log: EventLog;
  /** Platform id → base URL override. */
  readonly baseUrls: BaseUrls;
  /** Product and contact, as platforms ask for. */
  readonly userAgent: string;
  /** Connections at once, to one host too; default 256, and 64 to one host. */
  readonly maxSockets?: number;
  /** Uniform in [0, 1); for tests. */
  readonly random?: () => number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_BYTES = 32 * 1024 * 1024;
const DEFAULT_ATTEMPTS = 3;
/** What a connector may ask for: its worker is shared. */
const MOST = { timeoutMs: 300_000, attempts: 10 } as const;

/** What is no number is no limit either. */
const atMost = (wanted: number, most: number): number => (wanted <= most ? wanted : most);

/** The address was refused, or Node refused to send such a request. */
const NEVER_SENT: ReadonlySet<ErrorCode> = new Set(['http.egress_denied', 'internal']);

/** Sockets are shared by all clients of one call. Throws `config.invalid` for a platform with a broken base URL. */
export function createHttpClient(deps: HttpClientDeps): (scope: HttpClientScope) => HttpClient {
  const exchange = createExchange(deps.egress, deps.maxSockets);
  return (scope) => {
    const override = overrideOf(deps.baseUrls, scope.platform);
    return new ScopedClient(deps, scope, exchange, override);
  };
}

type Head = Pick<HttpResponse, 'status' | 'headers'>;

/** What becomes of an answer's body. */
interface Reading<Answer> {
  /** Largest body, whatever the request asks for. */
  readonly maxBytes: number;
  read(answer: WireAnswer): Promise<Answer>;
  /** As HttpRequest says. */
  slowDownMs(request: HttpRequest, answer: Answer): number | undefined;
  verdict(request: HttpRequest, answer: Answer, toldMs: number | undefined): Verdict | undefined;
  /** Nobody will read it. */
  drop(answer: Answer): void;
}

const AS_TEXT: Reading<HttpResponse> = {
  maxBytes: 64 * 1024 * 1024,
  read: async ({ status, headers, chunks }) => ({ status, headers, text: await readText(chunks) }),
  slowDownMs: (request, answer) => request.slowDownMs?.(answer),
  verdict: (request, answer, toldMs) => request.verdict?.(answer, toldMs),
  drop: () => undefined,
};

const AS_STREAM: Reading<WireAnswer> = {
  maxBytes: 1024 * 1024 * 1024,
  read: async (answer) => answer,
  slowDownMs: () => undefined,
  verdict: () => undefined,
  drop: (answer) => answer.drop(),
};

class ScopedClient implements HttpClient {
  readonly #deps: HttpClientDeps;
  readonly #scope: HttpClientScope;
  readonly #exchange: Exchange;
  readonly #override: URL | undefined;
  readonly #rights: EgressRights;

  constructor(deps: HttpClientDeps, scope: HttpClientScope, exchange: Exchange, override: URL | undefined) {
    this.#deps = deps;
    this.#scope = scope;
    this.#exchange = exchange;
    this.#override = override;
    this.#rights = { allowedHosts: scope.allowedHosts, overrideOrigin: override?.origin };
  }

  request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    return this.#ask(request, AS_TEXT, signal);
  }

  async stream(request: StreamRequest, signal: AbortSignal): Promise<HttpStream> {
    const { status, headers, chunks } = await this.#ask(request, AS_STREAM, signal);
    return { status, headers, chunks };
  }

  async #ask<Answer extends Head>(
    request: HttpRequest,
    reading: Reading<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    try {
      signal.throwIfAborted();
      const url = this.#addressOf(request);
      return await withRetries(() => this.#attempt(request, url, reading, signal), {
        attempts: atMost(request.attempts ?? DEFAULT_ATTEMPTS, MOST.attempts),
        signal,
        random: this.#deps.random ?? Math.random,
        onRetry: (error, attempt, delayMs) => this.#log('http.retried', url, { code: error.code, attempt, delayMs }),
      });
    } catch (error) {
      // Whatever was under way when the signal fired failed because of it.
      signal.throwIfAborted();
      if (error instanceof AppError && error.code === 'http.egress_denied')
        this.#log('http.egress_denied', request.url);
      throw error;
    }
  }

  /** Where to send: the official address must be allowed even when an override stands in for it. */
  #addressOf({ url }: HttpRequest): URL {
    if (!URL.canParse(url)) throw new AppError('http.egress_denied', 'expected an absolute https address, got no URL');
    const official = new URL(url);
    this.#deps.egress.check(official, { ...this.#rights, overrideOrigin: undefined });
    const address = applyBaseUrl(this.#scope.platform, official, this.#override);
    this.#deps.egress.check(address, this.#rights);
    return address;
  }

  /** One attempt with its redirects; each request on the wire is charged and told on its own. */
  async #attempt<Answer extends Head>(
    request: HttpRequest,
    url: URL,
    reading: Reading<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    let hop: Hop = { method: request.method, url, count: 0 };
    // Ends: `nextHop` refuses the fourth redirect.
    for (;;) {
      await takeQuota(this.#deps, request.charges, this.#scope.workClass, signal);
      const answer = await this.#send(request, hop, reading, signal);
      try {
        await this.#judge(request, hop, answer, reading);
        const next = nextHop(hop, answer);
        if (next === undefined) return answer;
        this.#deps.egress.check(next.url, this.#rights);
        hop = next;
      } catch (error) {
        reading.drop(answer);
        throw error;
      }
      reading.drop(answer);
    }
  }

  async #send<Answer>(request: HttpRequest, hop: Hop, reading: Reading<Answer>, signal: AbortSignal): Promise<Answer> {
    const startedAt = this.#deps.clock.mono();
    const tell = (ok: boolean, status: number): void =>
      this.#scope.onCall?.({ ok, status, durationMs: this.#deps.clock.mono() - startedAt });
    try {
      const wire = await this.#exchange(this.#wire(request, hop, reading.maxBytes), signal);
      const answer = await reading.read(wire);
      tell(wire.status < 400, wire.status);
      return answer;
    } catch (error) {
      // An abort says nothing about the platform, and what was never sent is no call.
      signal.throwIfAborted();
      if (error instanceof AppError && NEVER_SENT.has(error.code)) {
        await refundQuota(this.#deps, request.charges);
        throw error;
      }
      tell(false, 0);
      await learnFailure(this.#deps, request.charges);
      throw error;
    }
  }

  #wire(request: HttpRequest, hop: Hop, mostBytes: number): Parameters<Exchange>[0] {
    return {
      method: hop.method,
      url: hop.url,
      urlSecrets: request.urlSecrets ?? {},
      headers: { 'user-agent': this.#deps.userAgent, ...request.headers },
      body: hop.method === 'GET' ? undefined : request.body,
      timeoutMs: atMost(request.timeoutMs ?? DEFAULT_TIMEOUT_MS, MOST.timeoutMs),
      maxBytes: atMost(request.maxBytes ?? DEFAULT_MAX_BYTES, mostBytes),
      isOverride: hop.url.origin === this.#override?.origin,
    };
  }

  /** Teaches the buckets what the answer means; throws when it is not one for the connector. */
  async #judge<Answer extends Head>(
    request: HttpRequest,
    { url }: Hop,
    response: Answer,
    reading: Reading<Answer>,
  ): Promise<void> {
    const hints = readRateHints(response.headers, this.#deps.clock.now());
    const verdict = reading.verdict(request, response, hints.retryAfterMs);
    if (verdict?.kind === 'slow_down') {
      await learnRefusal(this.#deps, verdict.charges, verdict.error.retryAfterMs);
      throw verdict.error;
    }
    if (verdict?.kind === 'answer') return await learnAnswer(this.#deps, request.charges, response);
    const { status } = response;
    const details = { status, url: redactUrl(url) };
    if (status >= 500) {
      await learnFailure(this.#deps, request.charges);
      const message = `expected an answer below 500 from ${details.url}, got ${status}`;
      const wait = hints.retryAfterMs === undefined ? {} : { retryAfterMs: hints.retryAfterMs };
      throw new AppError('platform.unavailable', message, { details, ...wait });
    }
    const slowDownMs = status === 429 ? (hints.retryAfterMs ?? hints.resetMs) : reading.slowDownMs(request, response);
    if (status === 429 || slowDownMs !== undefined) {
      const retryAfterMs = await learnRefusal(this.#deps, request.charges, slowDownMs);
      const message = `${details.url} asks to slow down (${status}): wait ${retryAfterMs} ms`;
      throw new AppError('platform.rate_limited', message, { details, retryAfterMs });
    }
    await learnAnswer(this.#deps, request.charges, response);
  }

  #log(event: 'http.retried' | 'http.egress_denied', url: URL | string, fields: Record<string, unknown> = {}): void {
    this.#deps.log.emit(event, { platform: this.#scope.platform, url: redactUrl(url), ...fields });
  }
}
