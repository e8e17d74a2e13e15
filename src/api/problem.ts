// Errors as RFC 9457 problem documents with a stable `code`. What is not ours to tell stays in the log.

import type { FastifyReply } from 'fastify';
import { SECOND_MS } from '../core/duration.ts';
import { hideOpaqueWords } from '../core/opaque-words.ts';
import { AppError, toAppError, type ErrorCode, type ErrorKind } from '../core/errors.ts';

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

/** Where the kind alone would say the wrong thing. */
const STATUS_OF_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  not_found: 404,
  'queue.unknown_kind': 422,
  'queue.payload_invalid': 422,
  'api.body_too_large': 413,
  'api.media_type': 415,
};

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  413: 'api.body_too_large',
  415: 'api.media_type',
};

/** Any thrown value as an error of ours. */
function errorOf(thrown: unknown): AppError {
  if (!isRequestError(thrown)) return toAppError(thrown);
  return new AppError(CODE_OF_STATUS[thrown.statusCode] ?? 'input.invalid', thrown.message);
}

/** The status with which a thrown value is answered; from 500 on the fault is ours and belongs in the log. */
export function statusOf(thrown: unknown): number {
  const { code, kind } = errorOf(thrown);
  return STATUS_OF_CODE[code] ?? STATUS_OF_KIND[kind];
}

/** Sends any thrown value as a problem document. */
export async function sendProblem(reply: FastifyReply, thrown: unknown): Promise<void> {
  const { code, message, retryAfterMs } = errorOf(thrown);
  const status = statusOf(thrown);
  // A server fault may quote internals in its message; the code is enough to find it in the log.
  // What came is quoted in many a message, and may be a secret in the wrong place.
  const detail = status >= 500 ? 'The server could not answer; its log says why.' : hideOpaqueWords(message);
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / SECOND_MS));
  await reply
    .code(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', title: code, status, code, detail }));
}
