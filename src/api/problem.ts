// Errors as RFC 9457 problem documents with a stable `code`. What is not ours to tell stays in the log.

import type { FastifyReply } from 'fastify';
import { toAppError, type AppError, type ErrorKind } from '../core/errors.ts';

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

function statusOf(error: AppError): number {
  return error.code === 'not_found' ? 404 : STATUS_OF_KIND[error.kind];
}

/** Sends any thrown value as a problem document. */
export async function sendProblem(reply: FastifyReply, thrown: unknown): Promise<void> {
  const error = toAppError(thrown);
  const status = statusOf(error);
  // A server fault may quote internals in its message; the code is enough to find it in the log.
  const detail = status >= 500 ? 'The server could not answer; its log says why.' : error.message;
  await reply
    .code(status)
    .type('application/problem+json')
    .send({ type: 'about:blank', title: error.code, status, code: error.code, detail });
}
