// The one error class of Tidemark. Its message is for the operator and says what was expected and what came; it
// must never carry a secret, because it ends in logs, in `sync_logs` and on dashboards.

import { ERROR_CODES, type ErrorCode, type ErrorKind } from './error-codes.ts';
import { storableText } from './storable.ts';

export type { ErrorCode, ErrorKind };

export interface AppErrorOptions {
  /** What led to this error; kept for logs, never shown to a tenant. */
  readonly cause?: unknown;
  /** Facts for the operator, JSON-safe and free of secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** How long the other side asked us to wait, in milliseconds. Read for kind `rate_limited`. */
  readonly retryAfterMs?: number;
}

/** An error with a stable `code`; the code fixes its `kind`, and the kind fixes what happens next. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly details: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.kind = ERROR_CODES[code];
    this.details = options.details ?? {};
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** True for the error of an aborted signal. Abort is not a failure: whoever aborted knows why. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** Code that is not ours may throw what cannot even be put into words. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return `a value of type ${typeof thrown}`;
  }
}

/** Any thrown value as an AppError; what nobody foresaw becomes `internal` (kind `fatal`). */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const message = error instanceof Error ? error.message : textOf(error);
  return new AppError('internal', `unexpected error: ${message}`, { cause: error });
}

/** The form in which an error is stored with a run or a job. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What is stored of a message; a platform may answer with a whole page. */
const MAX_MESSAGE_CHARS = 2_000;

/** An error as stored JSON: code, kind, message and details, without cause and stack. */
export function reportOf(error: unknown): ErrorReport {
  const { code, kind, message: told, details } = toAppError(error);
  const text = storableText(told);
  const message =
    text.length > MAX_MESSAGE_CHARS ? `${text.slice(0, MAX_MESSAGE_CHARS)}… (${text.length} characters)` : text;
  return Object.keys(details).length === 0 ? { code, kind, message } : { code, kind, message, details };
}
