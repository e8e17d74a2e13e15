// What a quota governor must bring to the conformance suite, and the means to drive it: a clock that is turned, and many
// takers in virtual time. A driver's test is one factory and one call.

import { randomUUID } from 'node:crypto';
import type { BucketRule, Governor } from '../../../src/limits/governor.ts';

export interface LimiterHarness {
  /** A governor on the shared buckets; `now` replaces the store's own clock. Each call stands for another worker. */
  governor(now?: () => Date): Governor;
  close(): Promise<void>;
}

export type LimiterFactory = () => Promise<LimiterHarness>;

/** A clock that only the test turns. */
export class TurnedClock {
  ms: number;

  constructor(start = '2026-03-10T10:00:00Z') {
    this.ms = Date.parse(start);
  }

  readonly now = (): Date => new Date(this.ms);

  advance(ms: number): void {
    this.ms += ms;
  }
}

/** A rule nobody else in the suite uses, so that tests may run side by side on one store. */
export function ruleOf(fields: Partial<BucketRule> = {}): BucketRule {
  return { id: `test.${randomUUID()}`, requests: 60, perMs: 60_000, burst: 1, source: 'test', ...fields };
}

export interface Crowd {
  /** One governor per worker; takers are spread over them. */
  readonly governors: readonly Governor[];
  readonly clock: TurnedClock;
  readonly rule: BucketRule;
  readonly takers: number;
  readonly durationMs: number;
}

/** Instants at which a crowd of greedy takers was let through, each coming back when it was told to. */
export async function grantsOf({ governors, clock, rule, takers, durationMs }: Crowd): Promise<number[]> {
  const startMs = clock.ms;
  const grants: number[] = [];
  const next = Array.from({ length: takers }, () => startMs);
  for (;;) {
    const taker = next.indexOf(Math.min(...next));
    clock.ms = next[taker]!;
    if (clock.ms >= startMs + durationMs) return grants;
    const grant = await governors[taker % governors.length]!.take([{ rule, key: 'shared' }], 'incremental');
    if (grant.granted) grants.push(clock.ms);
    else next[taker]! += grant.waitMs;
  }
}

/** The fullest closed window of `windowMs` over these instants. */
export function fullestWindow(instants: readonly number[], windowMs: number): number {
  let from = 0;
  let most = 0;
  for (const [index, instant] of instants.entries()) {
    while (instants[from]! < instant - windowMs) from++;
    most = Math.max(most, index - from + 1);
  }
  return most;
}
