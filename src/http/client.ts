// The one way out: egress policy, base URL, quota, the exchange, redirects, repeats, and what is told about each call.

import type { Clock } from '../core/clock.ts';
import { AppError, type ErrorCode } from '../core/errors.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Governor } from '../limits/governor.ts';
import { applyBaseUrl, overrideOf, type BaseUrls } from './base-url.ts';
import type { EgressPolicy, EgressRights } from './egress.ts';
import { createExchange, type Exchange } from './exchange.ts';
import type { HttpClient, HttpClientScope, HttpRequest, HttpResponse } from './http-client.ts';
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
  /** Uniform in [0, 1); for tests. */
  readonly random?: () => number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_BYTES = 32 * 1024 * 1024;
const DEFAULT_ATTEMPTS = 3;
/** What a connector may ask for: its worker is shared. */
const MOST = { timeoutMs: 300_000, maxBytes: 64 * 1024 * 1024, attempts: 10 } as const;

/** What is no number is no limit either. */
const atMost = (wanted: number, most: number): number => (wanted <= most ? wanted : most);

/** The address was refused, or Node refused to send such a request. */
const NEVER_SENT: ReadonlySet<ErrorCode> = new Set(['http.egress_denied', 'internal']);

/** Sockets are shared by all clients of one call. Throws `config.invalid` for a platform with a broken base URL. */
export function createHttpClient(deps: HttpClientDeps): (scope: HttpClientScope) => HttpClient {
  const exchange = createExchange(deps.egress);
  return (scope) => {
    const override = overrideOf(deps.baseUrls, scope.platform);
    return new ScopedClient(deps, scope, exchange, override);
  };
}

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

  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    try {
      signal.throwIfAborted();
      const url = this.#addressOf(request);
      return await withRetries(() => this.#attempt(request, url, signal), {
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
  async #attempt(request: HttpRequest, url: URL, signal: AbortSignal): Promise<HttpResponse> {
    let hop: Hop = { method: request.method, url, count: 0 };
    // Ends: `nextHop` refuses the fourth redirect.
    for (;;) {
      await takeQuota(this.#deps, request.charges, this.#scope.workClass, signal);
      const response = await this.#send(request, hop, signal);
      await this.#judge(request, hop, response);
      const next = nextHop(hop, response);
      if (next === undefined) return response;
      this.#deps.egress.check(next.url, this.#rights);
      hop = next;
    }
  }

  async #send(request: HttpRequest, hop: Hop, signal: AbortSignal): Promise<HttpResponse> {
    const startedAt = this.#deps.clock.mono();
    const tell = (ok: boolean, status: number): void =>
      this.#scope.onCall?.({ ok, status, durationMs: this.#deps.clock.mono() - startedAt });
    try {
      const response = await this.#exchange(this.#wire(request, hop), signal);
      tell(response.status < 400, response.status);
      return response;
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

  #wire(request: HttpRequest, hop: Hop): Parameters<Exchange>[0] {
    return {
      method: hop.method,
      url: hop.url,
      headers: { 'user-agent': this.#deps.userAgent, ...request.headers },
      body: hop.method === 'GET' ? undefined : request.body,
      timeoutMs: atMost(request.timeoutMs ?? DEFAULT_TIMEOUT_MS, MOST.timeoutMs),
      maxBytes: atMost(request.maxBytes ?? DEFAULT_MAX_BYTES, MOST.maxBytes),
      isOverride: hop.url.origin === this.#override?.origin,
    };
  }

  /** Teaches the buckets what the answer means; throws when it is not one for the connector. */
  async #judge(request: HttpRequest, { url }: Hop, response: HttpResponse): Promise<void> {
    const { status } = response;
    const hints = readRateHints(response.headers, this.#deps.clock.now());
    const details = { status, url: redactUrl(url) };
    if (status >= 500) {
      await learnFailure(this.#deps, request.charges);
      const message = `expected an answer below 500 from ${details.url}, got ${status}`;
      const wait = hints.retryAfterMs === undefined ? {} : { retryAfterMs: hints.retryAfterMs };
      throw new AppError('platform.unavailable', message, { details, ...wait });
    }
    const slowDownMs = status === 429 ? (hints.retryAfterMs ?? hints.resetMs) : request.slowDownMs?.(response);
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
