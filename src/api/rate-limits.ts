// How much one caller may ask for: so many requests a minute for each token, and so many wrong tokens a minute for each
// address. An address that guesses is refused before the database is asked; a token that was right a moment ago is not
// held up by its neighbours' guesses.

import { createHash } from 'node:crypto';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { AppError } from '../core/errors.ts';

const MAX_GUESSES_PER_MINUTE = 60;
/** Callers that are remembered; the ones that were longest away are forgotten. */
const MAX_CALLERS = 10_000;
const MAX_KNOWN_TOKENS = 1_000;
const KNOWN_MS = 5 * MINUTE_MS;

export interface Guesses {
  /** Throws `api.rate_limited` for an address with too many wrong tokens, unless this one was right lately. */
  check(request: FastifyRequest, text: string): Promise<void>;
  note(request: FastifyRequest, text: string, was: 'right' | 'wrong'): Promise<void>;
}

export interface RateLimits {
  readonly guesses: Guesses;
  /** Counts a request of a known token. Throws `api.rate_limited`. */
  count(request: FastifyRequest): Promise<void>;
}

function tooMany(what: string, ttl: number): AppError {
  const retryAfterMs = Math.max(SECOND_MS, ttl);
  return new AppError('api.rate_limited', `expected ${what} a minute, got more`, { retryAfterMs });
}

/** Hashes of tokens that were right lately. */
function createKnown() {
  const known = new Map<string, number>();
  const keyOf = (text: string): string => createHash('sha256').update(text).digest('base64url');
  return {
    has: (text: string): boolean => (known.get(keyOf(text)) ?? 0) > performance.now(),
    add(text: string): void {
      const key = keyOf(text);
      known.delete(key);
      known.set(key, performance.now() + KNOWN_MS);
      const [oldest] = known.keys();
      if (known.size > MAX_KNOWN_TOKENS && oldest !== undefined) known.delete(oldest);
    },
    remove: (text: string): void => void known.delete(keyOf(text)),
  };
}

/** `perMinute` 0: no limit for tokens. */
export async function createRateLimits(app: FastifyInstance, perMinute: number): Promise<RateLimits> {
  await app.register(rateLimit, { global: false, cache: MAX_CALLERS });
  const ofTokens = app.createRateLimit({
    max: perMinute,
    timeWindow: MINUTE_MS,
    keyGenerator: (request) => `token ${request.token?.id ?? ''}`,
  });
  const ofGuesses = app.createRateLimit({
    max: MAX_GUESSES_PER_MINUTE,
    timeWindow: MINUTE_MS,
    keyGenerator: (request) => `guesses ${request.ip}`,
  });
  const known = createKnown();
  return {
    guesses: {
      async check(request, text) {
        if (known.has(text)) return;
        const state = await ofGuesses(request, { increment: false });
        if (!state.isAllowed && state.remaining === 0)
          throw tooMany(`at most ${MAX_GUESSES_PER_MINUTE} wrong tokens`, state.ttl);
      },
      async note(request, text, was) {
        if (was === 'right') known.add(text);
        else {
          known.remove(text);
          await ofGuesses(request);
        }
      },
    },
    async count(request) {
      if (perMinute === 0 || request.token === null) return;
      const state = await ofTokens(request);
      if (!state.isAllowed && state.isExceeded) throw tooMany(`at most ${perMinute} requests of one token`, state.ttl);
    },
  };
}
