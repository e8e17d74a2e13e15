// What Redis, its client and BullMQ throw, as AppErrors. The original never travels on: the client's errors carry the
// arguments of the failed command, which may be a payload or, of a login, the password.

import { AppError, type ErrorCode } from '../../../src/core/errors.ts';

const REFUSED_LOGIN = /^(WRONGPASS|NOAUTH|NOPERM)\b/;
/** Answers that come again however often one asks: a script or a command that cannot work. */
const HOPELESS = /^(ERR|WRONGTYPE)\b/;

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'MaxRetriesPerRequestError') return 'the connection is lost';
  if (error.message.includes('enableOfflineQueue')) return 'there is no connection';
  // Node's error of several addresses tried in vain has a code and no message.
  const { code } = error as { readonly code?: unknown };
  return error.message === '' && typeof code === 'string' ? code : error.message;
}

function wrap(code: ErrorCode, expected: string, error: unknown): AppError {
  const sentence = sentenceOf(error);
  const cause = new Error(sentence);
  if (error instanceof Error && error.stack !== undefined) cause.stack = error.stack;
  return new AppError(code, `${expected}: ${sentence}`, { cause });
}

/** A failure of the engine: `queue.engine_failed`, or `internal` where trying again is in vain. An AppError stays. */
export function toEngineError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const isHopeless = error instanceof TypeError || (error instanceof Error && HOPELESS.test(error.message));
  return wrap(isHopeless ? 'internal' : 'queue.engine_failed', 'the queue engine (Redis) failed', error);
}

/** A failure to connect: a refused login is a matter of configuration, anything else may pass. */
export function toConnectError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (REFUSED_LOGIN.test(sentenceOf(error)))
    return wrap('config.invalid', 'Redis refused the login of REDIS_URL', error);
  return wrap('queue.engine_failed', 'expected a connection to Redis', error);
}
