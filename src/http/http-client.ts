// The port through which connectors reach the outside. URLs are the platform's official ones; base URL overrides,
// egress policy, quota, retries, size limits, timing and redaction happen behind it.

import type { AppError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { WorkClass } from '../core/work-class.ts';
import type { BucketCharge } from '../limits/governor.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Official address, without credentials: `https://api.upwork.com/graphql`. */
  readonly url: string;
  /** Secrets that the platform wants in its address: each stands there as `$name` and is put in at the socket. */
  readonly urlSecrets?: Readonly<Record<string, Secret>>;
  /** Header values; secrets stay wrapped until the socket. */
  readonly headers?: Readonly<Record<string, string | Secret>>;
  readonly body?:
    | { readonly type: 'json'; readonly value: unknown }
    | { readonly type: 'form'; readonly value: Readonly<Record<string, string | Secret>> };
  /** Buckets that this request is charged to. */
  readonly charges: readonly BucketCharge[];
  /** One attempt from connecting to the last byte, in milliseconds; default 30 s, at most 5 min. Waiting for quota does not count. */
  readonly timeoutMs?: number;
  /** Largest body accepted after decompression, in bytes; default 32 MiB, at most 64 MiB. */
  readonly maxBytes?: number;
  /** Attempts on a transient failure, the first included; default 3, at most 10. Use 1 for requests that must not be repeated. */
  readonly attempts?: number;
  /**
   * For platforms that say "slow down" without a 429: reads an answer below 500 and returns the wait in milliseconds
   * when it means that, else undefined. The buckets are parked and the request throws `platform.rate_limited`.
   */
  readonly slowDownMs?: (response: HttpResponse) => number | undefined;
  /**
   * For platforms whose statuses mislead: what an answer of any status means; undefined: what its status says. `toldMs` is how
   * long its headers ask to wait, in milliseconds. Asked before everything else.
   */
  readonly verdict?: (response: HttpResponse, toldMs: number | undefined) => Verdict | undefined;
}

/**
 * - `answer` one for the connector, a 429 or 5XX too: it is not repeated, and no bucket waits
 * - `slow_down` these buckets are parked for the error's `retryAfterMs`, and the request throws the error
 */
export type Verdict =
  | { readonly kind: 'answer' }
  | { readonly kind: 'slow_down'; readonly error: AppError; readonly charges: readonly BucketCharge[] };

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** An answer whose body is read while it comes. */
export interface HttpStream extends Omit<HttpResponse, 'text'> {
  /**
   * Decompressed. To be read to its end or left early, which closes the connection. Throws `http.*` as `request` does,
   * `http.timeout` when the whole of it takes longer than `timeoutMs`.
   */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** One request as seen from outside, for `platform_metrics`; repeats and redirects count each, aborted ones do not. */
export interface HttpCall {
  /** An answer below 400 came, whole. */
  readonly ok: boolean;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly durationMs: number;
}

export interface HttpClient {
  /**
   * Sends a request and resolves with any answer below 500 that is not 429 and not a redirect, and with any that its
   * `verdict` calls one.
   * Throws `platform.rate_limited` (429, or a quota wait beyond 2 s) with `retryAfterMs`, `http.unavailable`,
   * `http.timeout`, `platform.unavailable` (5XX after the last attempt), `http.body_invalid` (does not decompress),
   * `http.body_too_large`, `http.egress_denied`, `http.redirect_denied`; an aborted signal rejects with its reason.
   */
  request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
  /**
   * Like `request` for a body too large to hold: only the head is waited for and, while that fails, repeated. `maxBytes` may
   * be up to 1 GiB. Answers that are errors come with their body all the same.
   */
  stream(request: StreamRequest, signal: AbortSignal): Promise<HttpStream>;
}

export type StreamRequest = Omit<HttpRequest, 'slowDownMs' | 'verdict'>;

/** What a client is made for: one platform on behalf of one integration. */
export interface HttpClientScope {
  readonly platform: string;
  readonly workClass: WorkClass;
  /** Hosts this connector may reach. */
  readonly allowedHosts: readonly string[];
  readonly onCall?: (call: HttpCall) => void;
}
