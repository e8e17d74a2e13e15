// Errors as RFC 9457 problem documents with a stable `code`. What is not ours to tell stays in the log.

import type { FastifyReply } from 'fastify';
import { AppError, toAppError, type ErrorKind } from '../core/errors.ts';

const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  transient: 503,
  rate_limited: 429,
  auth: 401,
  scope: 403,
  gone: 410,
  config: 400,
  invalid_record: 422,
  stale_cursor: 409,
  conflict: 409,
  fatal: 500,
};

interface RequestError extends Error {
  readonly statusCode: number;
}

/** What fastify throws at a request that it cannot read: too large, not JSON, an unknown content type. */
function isRequestError(thrown: unknown): thrown is RequestError {
  return (
    thrown instanceof Error &&
    'statusCode' in thrown &&
    typeof thrown.statusCode === 'number' &&
    thrown.statusCode >= 400 &&
    thrown.statusCode < 500
  );
}

/** The status with which a thrown value is answered; from 500 on the fault is ours and belongs in the log. */
export function statusOf(thrown: unknown): number {
  if (isRequestError(thrown)) return thrown.statusCode;
  const { code, kind } = toAppError(thrown);
  return code === 'not_found' ? 404 : STATUS_OF_KIND[kind];
}

/** Sends any thrown value as a problem document. */
export async function sendProblem(reply: FastifyReply, thrown: unknown): Promise<void> {
  const { code, message } = isRequestError(thrown) ? new AppError('input.invalid', thrown.message) : toAppError(thrown);
  const status = statusOf(thrown);
  // A server fault may quote internals in its message; the code is enough to find it in the log.
  const detail = status >= 500 ? 'The server could not answer; its log says why.' : message;
  await reply
    .code(status)
    .type('application/problem+json')
    .send({ type: 'about:blank', title: code, status, code, detail });
}
