// The arithmetic of start rates: the bound in every window, that the rate is used, and that Postgres counts the same.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { spendStarts } from '../../queues/controls.ts';
import { allowedStarts, tatAfter, untilNextStartMs, type StartRate } from '../../queues/start-rate.ts';
import { createTestDatabase } from '../support/postgres.ts';

const rates = fc.record({
  max: fc.integer({ min: 1, max: 500 }),
  perMs: fc.constantFrom(1_000, 7_000, 60_000, 3_600_000),
});
/** Pauses between two looks, and how many jobs wait at each. */
const looks = fc.array(
  fc.record({ waitMs: fc.integer({ min: 0, max: 90_000 }), wanted: fc.integer({ min: 0, max: 40 }) }),
  {
    minLength: 1,
    maxLength: 200,
  },
);

interface Start {
  readonly atMs: number;
  readonly jobs: number;
}

function startsOf(rate: StartRate, steps: readonly { waitMs: number; wanted: number }[]): readonly Start[] {
  let nowMs = 1_700_000_000_000;
  let tatMs: number | null = null;
  return steps.map(({ waitMs, wanted }) => {
    nowMs += waitMs;
    const jobs = Math.min(wanted, allowedStarts(rate, { tatMs, nowMs }));
    if (jobs > 0) tatMs = tatAfter(rate, { tatMs, nowMs }, jobs);
    return { atMs: nowMs, jobs };
  });
}

test('no window holds more starts than a full queue and the rate over its length', () => {
  fc.assert(
    fc.property(rates, looks, (rate, steps) => {
      const starts = startsOf(rate, steps);
      for (const [first, { atMs: from }] of starts.entries()) {
        let jobs = 0;
        for (const start of starts.slice(first)) {
          jobs += start.jobs;
          const most = rate.max + ((start.atMs - from) * rate.max) / rate.perMs;
          expect(jobs).toBeLessThanOrEqual(Math.floor(most + 1e-3));
        }
      }
    }),
    { numRuns: 100 },
  );
});

test('whoever comes back when told may start, and nobody much earlier', () => {
  fc.assert(
    fc.property(rates, looks, (rate, steps) => {
      let nowMs = 1_700_000_000_000;
      let tatMs: number | null = null;
      for (const { waitMs } of steps) {
        const waits = untilNextStartMs(rate, { tatMs, nowMs });
        expect(allowedStarts(rate, { tatMs, nowMs }) > 0).toBe(waits === 0);
        if (waits > 2) expect(allowedStarts(rate, { tatMs, nowMs: nowMs + waits - 2 })).toBe(0);
        nowMs += waits;
        expect(allowedStarts(rate, { tatMs, nowMs })).toBeGreaterThan(0);
        tatMs = tatAfter(rate, { tatMs, nowMs }, 1);
        nowMs += waitMs % 50;
      }
    }),
    { numRuns: 100 },
  );
});

test('a queue that rested is full again, and no fuller', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 0, max: 500 }), (rate, started) => {
      const tatMs = tatAfter(rate, { tatMs: null, nowMs: 0 }, Math.min(started, rate.max));
      expect(allowedStarts(rate, { tatMs, nowMs: rate.perMs })).toBe(rate.max);
      expect(allowedStarts(rate, { tatMs, nowMs: rate.perMs * 50 })).toBe(rate.max);
    }),
  );
});

test('Postgres moves the arrival time as the arithmetic does', async () => {
  const database = await createTestDatabase();
  const [scheduler, worker] = [database.open('tidemark_scheduler', 1), database.open('tidemark_worker', 1)];
  await fc.assert(
    fc.asyncProperty(
      rates,
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }),
      async (rate, spends) => {
        await scheduler.query(
          `insert into queue_controls (queue, rate_max, rate_per_ms, updated_at) values ('metrics', $1, $2, now())
         on conflict (queue) do update set rate_max = $1, rate_per_ms = $2, rate_tat = null`,
          [rate.max, rate.perMs],
        );
        let nowMs = 1_700_000_000_000;
        let tatMs: number | null = null;
        for (const jobs of spends) {
          await worker.tx({ kind: 'ops' }, (tx) => spendStarts(tx, new Map([['metrics', jobs]]), new Date(nowMs)));
          tatMs = tatAfter(rate, { tatMs, nowMs }, jobs);
          nowMs += 777;
        }
        const { rows } = await worker.query<{ tat: number }>(
          `select (extract(epoch from rate_tat) * 1000)::double precision as tat from queue_controls`,
        );
        expect(Math.abs(rows[0]!.tat - tatMs!)).toBeLessThan(0.01);
      },
    ),
    { numRuns: 50 },
  );
});
