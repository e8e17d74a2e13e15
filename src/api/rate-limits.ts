// How much one caller may ask for: so many requests a minute for each token.

import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { AppError } from '../core/errors.ts';

/** Callers that are remembered; the ones that were longest away are forgotten. */
const MAX_CALLERS = 10_000;

export interface RateLimits {
  /** Counts a request of a known token. Throws `api.rate_limited`. */
  count(request: FastifyRequest): Promise<void>;
}

/** `perMinute` 0: no limit. */
export async function createRateLimits(app: FastifyInstance, perMinute: number): Promise<RateLimits> {
  await app.register(rateLimit, { global: false, cache: MAX_CALLERS });
  const ofTokens = app.createRateLimit({
    max: perMinute,
    timeWindow: MINUTE_MS,
    keyGenerator: (request) => `token ${request.token?.id ?? ''}`,
  });
  return {
    async count(request) {
      if (perMinute === 0 || request.token === null) return;
      const state = await ofTokens(request);
      if (state.isAllowed || !state.isExceeded) return;
      throw new AppError('api.rate_limited', `expected at most ${perMinute} requests of one token a minute, got more`, {
        retryAfterMs: Math.max(SECOND_MS, state.ttl),
      });
    },
  };
}
