// What a failed statement means. SQLSTATE classes are listed once, here; everybody else asks these questions.

import { AppError, type ErrorCode } from '../core/errors.ts';

/** Conditions that pass by themselves: the whole transaction may be run again. */
const RETRYABLE = new Set(['40001', '40P01', '55P03']);

/** The server went away, restarts, or refuses connections for now; also Node's own socket errors. */
const UNAVAILABLE = new Set([
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08001',
  '08003',
  '08004',
  '08006',
  '53300',
  '25P03',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
]);

/** Raised by the trigger `refuse_retired_key`. */
const KEY_RETIRED = 'TM001';
/** Raised by `tidemark_private.store_batch`. */
const RECEIVER_LOST = 'TM002';

/** The driver reports a broken connection without a code, by these sentences only. */
const BROKEN_CONNECTION =
  /connection terminated|client has encountered a connection error|timeout exceeded when trying to connect|not queryable/i;

/** SQLSTATE or socket error code of a thrown value, if it has one; looks through AppError to its cause. */
export function sqlState(error: unknown): string | undefined {
  if (error instanceof AppError) return sqlState(error.cause);
  if (error === null || typeof error !== 'object' || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** True when the same transaction may simply be run again. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && RETRYABLE.has(state);
}

/** True when the database itself refused the data: out of range, wrong text, a broken constraint. */
export function isDataError(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && state.length === 5 && (state.startsWith('22') || state.startsWith('23'));
}

export function isUnavailable(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined && UNAVAILABLE.has(state)) return true;
  return error instanceof Error && BROKEN_CONNECTION.test(error.message);
}

function codeOf(error: unknown): ErrorCode {
  const state = sqlState(error) ?? '';
  if (isUnavailable(error)) return 'db.unavailable';
  if (state.startsWith('28')) return 'db.login_refused';
  if (RETRYABLE.has(state)) return 'db.serialization';
  if (state === '57014') return 'db.timeout';
  if (state === '42501') return 'db.forbidden';
  if (state === KEY_RETIRED) return 'vault.key_retired';
  if (state === RECEIVER_LOST) return 'receive.lease_lost';
  if (isDataError(error)) return 'db.constraint';
  return 'db.query_failed';
}

/** A driver error as an AppError. The message is the server's; its detail may hold row data and stays in the cause. */
export function toDatabaseError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const state = sqlState(error);
  return new AppError(codeOf(error), `database: ${message}`, {
    cause: error,
    ...(state === undefined ? {} : { details: { sqlState: state } }),
  });
}
