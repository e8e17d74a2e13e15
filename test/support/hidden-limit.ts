// A crowd of syncs before a platform whose limit is not the one in the documents and changes while they work: quota, waits and
// lessons are the real ones, time is turned by hand. One event after the other, so a second of it costs no second.

import type { Clock } from '../../src/core/clock.ts';
import { learnAnswer, learnRefusal, LONGEST_QUOTA_WAIT_MS } from '../../src/http/quota.ts';
import { readRateHints } from '../../src/http/rate-headers.ts';
import type { BucketRule } from '../../src/limits/governor.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createRandom } from '../simulators/random.ts';
import { rateHeaders, TokenBucket } from '../simulators/token-bucket.ts';

/** What the platform really grants from an instant on. */
export interface HiddenLimit {
  readonly fromMs: number;
  readonly perSecond: number;
  readonly burst: number;
}

export interface CrowdOptions {
  readonly rule: BucketRule;
  /** In the order of their instants, the first from 0 on. */
  readonly hidden: readonly HiddenLimit[];
  readonly syncs: number;
  readonly durationMs: number;
  /** Whether answers say what is left, as Wildberries does. */
  readonly headers: 'told' | 'silent';
  readonly seed: number;
}

export interface CrowdResult {
  readonly sent: number;
  readonly refused: number;
  /** Accepted requests as a part of what the platform would have granted. */
  readonly used: number;
}

interface Event {
  readonly atMs: number;
  readonly run: () => Promise<void>;
}

/** Milliseconds of an answer's journey: most are quick. */
const FASTEST_MS = 40;
const SPREAD_MS = 160;

export async function workAsCrowd({
  rule,
  hidden,
  syncs,
  durationMs,
  headers,
  seed,
}: CrowdOptions): Promise<CrowdResult> {
  const epochMs = Date.UTC(2026, 8, 1);
  let nowMs = 0;
  const clock: Clock = { now: () => new Date(epochMs + nowMs), mono: () => nowMs };
  const governor = createMemoryGovernor({ clock });
  const quota = { governor, clock, log: silentLog };
  const random = createRandom(seed);
  const charges = [{ rule, key: 'shop' }];
  const bucket = new TokenBucket(hidden[0]!, () => nowMs);
  const events: Event[] = [];
  const at = (atMs: number, run: Event['run']): void => {
    let index = events.length;
    while (index > 0 && events[index - 1]!.atMs > atMs) index -= 1;
    events.splice(index, 0, { atMs, run });
  };
  const counts = { sent: 0, refused: 0 };

  const ask = async (): Promise<void> => {
    const grant = await governor.take(charges, 'incremental');
    if (!grant.granted) {
      // A short wait is slept; after a long one the queue brings the job again, a little later.
      const late = grant.waitMs > LONGEST_QUOTA_WAIT_MS ? random.next() * 1_000 : 0;
      return at(nowMs + grant.waitMs + late, ask);
    }
    at(nowMs + (FASTEST_MS + random.next() * SPREAD_MS) / 2, arrive);
  };
  const arrive = async (): Promise<void> => {
    counts.sent += 1;
    const verdict = bucket.take();
    if (!verdict.granted) counts.refused += 1;
    const told = headers === 'told' ? rateHeaders(verdict) : {};
    at(nowMs + (FASTEST_MS + random.next() * SPREAD_MS) / 2, async () => {
      if (verdict.granted) await learnAnswer(quota, charges, { status: 200, headers: told });
      else await learnRefusal(quota, charges, readRateHints(told, clock.now()).retryAfterMs);
      await ask();
    });
  };

  for (const { fromMs, ...limit } of hidden.slice(1)) at(fromMs, async () => bucket.change(limit));
  for (let n = 0; n < syncs; n += 1) at(random.next() * 100, ask);
  for (let next = events.shift(); next !== undefined && next.atMs <= durationMs; next = events.shift()) {
    nowMs = next.atMs;
    await next.run();
  }
  return { ...counts, used: (counts.sent - counts.refused) / grantable(hidden, durationMs) };
}

/** What the platform would have granted to whoever asks at the right moments. */
function grantable(hidden: readonly HiddenLimit[], durationMs: number): number {
  return hidden.reduce((sum, { fromMs, perSecond }, index) => {
    const toMs = hidden[index + 1]?.fromMs ?? durationMs;
    return sum + (perSecond * (toMs - fromMs)) / 1_000;
  }, hidden[0]!.burst);
}
