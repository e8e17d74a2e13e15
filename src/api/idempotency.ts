// `Idempotency-Key`: what a request does and the answer to it are committed together, so a repeated request does nothing
// and is answered the same. Only success is kept: a request that failed did nothing and may be tried again.

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { canonicalJson } from '../core/canonical-json.ts';
import { DAY_MS } from '../core/duration.ts';
import { AppError } from '../core/errors.ts';
import type { Actor, Database, Tx, TxScope } from '../db/database.ts';
import { keepAnswer, takeIdempotencyKey } from '../store/idempotency-keys.ts';

/** How long an answer is given again. */
const IDEMPOTENCY_MS = DAY_MS;

const KEY = /^[\x21-\x7e]{1,255}$/;

/** The key of a request; null without one. Throws `input.invalid`. */
export function idempotencyKeyOf({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw new AppError('input.invalid', 'Idempotency-Key: expected 1 to 255 visible ASCII characters');
}

/**
 * Hash of what makes two requests the same, keyed with what the caller proved himself by: a body may hold credentials, and
 * a plain hash in a stolen backup could be guessed at.
 */
function hashRequest(operationId: string, { proof, params, query, body }: FastifyRequest): Buffer {
  return createHmac('sha256', proof?.reveal() ?? '')
    .update(canonicalJson({ operationId, params, query, body }))
    .digest();
}

/** Whose rows a request may see; the actor's action is the operation. */
export type RequestScope = Extract<TxScope, { kind: 'ops' | 'user' }> & { readonly actor: Actor };

export interface KeyedRequest {
  readonly key: string;
  readonly scope: RequestScope;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Of a success. */
  readonly status: number;
  readonly now: Date;
}

interface Answered {
  readonly answer: unknown;
  readonly replayed: boolean;
}

/** Runs `work` once for all requests with this key; the answer of the first one for every other. */
export async function answerOnce(
  db: Database,
  { key, scope, request, reply, status, now }: KeyedRequest,
  work: (tx: Tx) => Promise<unknown>,
): Promise<unknown> {
  const tokenId = request.token!.id;
  const requestHash = hashRequest(scope.actor.action, request);
  const since = new Date(now.getTime() - IDEMPOTENCY_MS);
  const { answer, replayed } = await db.tx(scope, async (tx): Promise<Answered> => {
    const kept = await takeIdempotencyKey(tx, { tokenId, key, requestHash }, { now, since });
    if (kept !== null) {
      if (!timingSafeEqual(kept.requestHash, requestHash))
        throw new AppError('api.idempotency_mismatch', 'this Idempotency-Key stands for another request');
      return { answer: kept.answer, replayed: true };
    }
    const fresh = await work(tx);
    await keepAnswer(tx, { tokenId, key }, { status, answer: fresh });
    return { answer: fresh, replayed: false };
  });
  if (replayed) reply.header('idempotency-replayed', 'true');
  return answer;
}
