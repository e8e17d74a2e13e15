// Addresses that bring wrong tokens are locked out, by all api processes together: for a minute first, then twice as long
// each time, at most an hour. A locked address is refused before any token is looked at; a token that was right a moment ago
// is not held up by its neighbours' guesses.

import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { Clock } from '../core/clock.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { AppError } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import { countGuess, lockedUntil, type GuessCount } from '../store/door-guesses.ts';
import { noteSecurityEvent } from '../store/security-logs.ts';

export interface Guesses {
  /** Throws `api.locked_out` for a locked address, unless the token was right lately. */
  check(request: FastifyRequest, text: string): Promise<void>;
  note(request: FastifyRequest, text: string, was: 'right' | 'wrong'): Promise<void>;
}

const MAX_WRONG = 60;
const WINDOW_MS = 10 * MINUTE_MS;
const FIRST_LOCK_MS = MINUTE_MS;
const MAX_LOCK_MS = HOUR_MS;
/** An address that was quiet for so long begins anew. */
const FORGIVEN_MS = DAY_MS;
const MAX_KNOWN_TOKENS = 1_000;
const KNOWN_MS = 5 * MINUTE_MS;
/** Locked addresses that this process remembers without asking the database. */
const MAX_LOCKED = 10_000;
const IPV6_PREFIX_GROUPS = 4;

/** What a wrong token makes of an address's count. */
export function afterWrong(before: GuessCount, now: Date): GuessCount {
  const at = now.getTime();
  const quietMs = at - (before.lockedUntil ?? before.since).getTime();
  const locks = quietMs > FORGIVEN_MS ? 0 : before.locks;
  const inWindow = at - before.since.getTime() <= WINDOW_MS;
  const wrong = inWindow ? before.wrong + 1 : 1;
  const since = inWindow ? before.since : now;
  if (wrong < MAX_WRONG) return { wrong, since, locks, lockedUntil: before.lockedUntil };
  const lockMs = Math.min(MAX_LOCK_MS, FIRST_LOCK_MS * 2 ** locks);
  return { wrong: 0, since: now, locks: locks + 1, lockedUntil: new Date(at + lockMs) };
}

/** Who counts as one: an IPv4 address, or the /64 that one holder of IPv6 addresses has. */
export function guesserOf(ip: string): string {
  if (!ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip);
  if (!(address instanceof ipaddr.IPv6)) return address.toString();
  const network = [...address.parts.slice(0, IPV6_PREFIX_GROUPS), 0, 0, 0, 0];
  return `${new ipaddr.IPv6(network).toString()}/64`;
}

/** At most `max` entries, each until its instant; the oldest make room. */
function createUntil(max: number, now: () => number) {
  const entries = new Map<string, number>();
  return {
    leftMs: (key: string): number => Math.max(0, (entries.get(key) ?? 0) - now()),
    set(key: string, until: number): void {
      entries.delete(key);
      entries.set(key, until);
      const [oldest] = entries.keys();
      if (entries.size > max && oldest !== undefined) entries.delete(oldest);
    },
    remove: (key: string): void => void entries.delete(key),
  };
}

const keyOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

function lockedOut(leftMs: number): AppError {
  return new AppError('api.locked_out', 'this address brought too many wrong tokens: it is locked out for a while', {
    retryAfterMs: Math.max(SECOND_MS, leftMs),
  });
}

export function createGuesses({ db, clock }: { readonly db: Database; readonly clock: Clock }): Guesses {
  const now = (): number => clock.now().getTime();
  const known = createUntil(MAX_KNOWN_TOKENS, now);
  const locked = createUntil(MAX_LOCKED, now);
  return {
    async check({ ip }, text) {
      if (known.leftMs(keyOf(text)) > 0) return;
      const address = guesserOf(ip);
      if (locked.leftMs(address) === 0) {
        const until = await lockedUntil(db, address, clock.now());
        if (until === null) return;
        locked.set(address, until.getTime());
      }
      throw lockedOut(locked.leftMs(address));
    },
    async note({ ip, routeOptions }, text, was) {
      if (was === 'right') return known.set(keyOf(text), now() + KNOWN_MS);
      known.remove(keyOf(text));
      const [address, at] = [guesserOf(ip), clock.now()];
      await noteSecurityEvent(db, { at, event: 'token.refused', address: ip, details: { door: routeOptions.url } });
      const count = await countGuess(db, { address, now: at }, (before) => afterWrong(before, at));
      if (count.wrong > 0 || count.lockedUntil === null) return;
      locked.set(address, count.lockedUntil.getTime());
      const details = { locks: count.locks, until: count.lockedUntil.toISOString() };
      await noteSecurityEvent(db, { at, event: 'door.locked', address, details });
    },
  };
}
