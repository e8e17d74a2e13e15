// What went wrong below HTTP, as our own error. An axios error carries the whole request with its credentials, so it ends
// here: nothing of it goes on but the system's error code.

import { AppError, type ErrorCode } from '../core/errors.ts';

/** Failures of zlib start with this; the body came but is not what its header says. */
const ZLIB = /^Z_|^ERR_(?:BROTLI|_ERROR_FORMAT|ZLIB)/;
/** Node refuses to send these: the request itself is wrong, and stays wrong. */
const UNSENDABLE = /^ERR_(?:INVALID|UNESCAPED|HTTP_INVALID)|^ERR_BAD_OPTION/;

/** Without a connection nothing was sent. A reset or a timeout may come after the platform has read everything. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Whether an error of the http client says that not a byte left. */
export function isNeverConnected(error: unknown): boolean {
  return error instanceof AppError && NOT_CONNECTED.has(String(error.details['systemCode']));
}

export interface FailureContext {
  /** Already redacted. */
  readonly url: string;
  readonly timeoutMs: number;
  readonly isTimeout: boolean;
}

/** `error` of an exchange as AppError, freshly built; AppErrors of our own inside it (egress, body size) come out. */
export function toHttpError(error: unknown, { url, timeoutMs, isTimeout }: FailureContext): AppError {
  const own = ownErrorIn(error);
  if (own !== undefined) return own;
  if (isTimeout) return new AppError('http.timeout', `expected the whole answer of ${url} within ${timeoutMs} ms`);
  const systemCode = systemCodeOf(error);
  const code = codeFor(systemCode);
  const message = `expected an answer from ${url}, got ${systemCode}`;
  return new AppError(code, message, { cause: new Error(systemCode), details: { systemCode } });
}

function codeFor(systemCode: string): ErrorCode {
  if (ZLIB.test(systemCode)) return 'http.body_invalid';
  return UNSENDABLE.test(systemCode) ? 'internal' : 'http.unavailable';
}

/** Error and causes, outermost first, four at most. */
function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let next = error; next instanceof Error && chain.length < 4; next = next.cause) chain.push(next);
  return chain;
}

function ownErrorIn(error: unknown): AppError | undefined {
  return chainOf(error).find((one) => one instanceof AppError);
}

/** `ECONNRESET`, `ENOTFOUND`, `CERT_HAS_EXPIRED`, …; only characters of a code, so that no message text can pass. */
function systemCodeOf(error: unknown): string {
  const codes = chainOf(error).map((one) => (one as { code?: unknown }).code);
  const code = codes.findLast((one) => typeof one === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(one));
  return typeof code === 'string' ? code : 'UNKNOWN';
}
