// How much one caller may ask for: so many requests a minute for each token, and of notifications for each address and integration.

import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { AppError } from '../core/errors.ts';
import { guesserOf } from './guesses.ts';

/** Callers that are remembered; the ones that were longest away are forgotten. */
const MAX_CALLERS = 10_000;

export interface RateLimits {
  /** Counts a request of a known token. Throws `api.rate_limited`. */
  count(request: FastifyRequest): Promise<void>;
  /** Counts a notification of a platform. Throws `api.rate_limited`. */
  countPush(request: FastifyRequest): Promise<void>;
}

/** Of one address: a platform sends for all of its users from a few. */
const PUSHES_OF_ADDRESS = 6_000;
/** Of one address for one integration: more than the busiest shop has. */
const PUSHES_OF_INTEGRATION = 600;

/** `perMinute` 0: no limit. */
export async function createRateLimits(app: FastifyInstance, perMinute: number): Promise<RateLimits> {
  await app.register(rateLimit, { global: false, cache: MAX_CALLERS });
  const ofTokens = app.createRateLimit({
    max: perMinute,
    timeWindow: MINUTE_MS,
    keyGenerator: (request) => `token ${request.token?.id ?? ''}`,
  });
  const ofAddresses = app.createRateLimit({
    max: PUSHES_OF_ADDRESS,
    timeWindow: MINUTE_MS,
    keyGenerator: ({ ip }) => `push ${guesserOf(ip)}`,
  });
  const ofIntegrations = app.createRateLimit({
    max: PUSHES_OF_INTEGRATION,
    timeWindow: MINUTE_MS,
    keyGenerator: ({ ip, params }) => `push ${guesserOf(ip)} ${JSON.stringify(params).slice(0, 200)}`,
  });
  return {
    async countPush(request) {
      for (const counted of [ofAddresses, ofIntegrations]) {
        const state = await counted(request);
        if (state.isAllowed || !state.isExceeded) continue;
        const message = 'expected fewer notifications of one address a minute';
        throw new AppError('api.rate_limited', message, { retryAfterMs: Math.max(SECOND_MS, state.ttl) });
      }
    },
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
