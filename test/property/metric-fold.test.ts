// Folding minutes into hours and days, against the direct sum of what was measured: whatever came when, late or not, whatever was
// folded until then, by one or two at once, and wherever a process died.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { bucketOf, emptyHistogram } from '../../src/core/histogram.ts';
import {
  foldAlone,
  foldMetrics,
  pruneMetrics,
  type FoldedPeriod,
  type FoldPlace,
} from '../../src/store/metric-fold.ts';
import {
  readPlatformSeries,
  readSeriesBounds,
  type MetricPoint,
  type SeriesStep,
} from '../../src/store/platform-series.ts';
import { addMetricAccount, sampleOf, type MetricAccount } from '../support/metrics.ts';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();
const worker = database.open('tidemark_worker');
const scheduler = database.open('tidemark_scheduler');
const api = database.open('tidemark_api');

/** Three days around a change of the clocks in Berlin (29 March, 01:00 UTC). */
const FIRST = Date.parse('2026-03-28T00:00:00Z');
const HOURS = 72;
const SPAN = { from: '2026-03-27', to: '2026-04-01' };

interface Added {
  readonly minute: number;
  readonly values: readonly number[];
}

type Step =
  | { readonly do: 'add'; readonly added: readonly Added[] }
  | {
      readonly do: 'fold';
      readonly period: FoldedPeriod;
      readonly hour: number;
      readonly limit: number;
      readonly dies: boolean;
    }
  | { readonly do: 'fold twice at once'; readonly period: FoldedPeriod }
  | { readonly do: 'prune'; readonly period: FoldedPeriod; readonly hour: number };

const hour = fc.integer({ min: 0, max: HOURS });
const period = fc.constantFrom<FoldedPeriod>('minute', 'hour');
// Quarters, so that sums are the same in any order.
const value = fc.integer({ min: 0, max: 4_000_000 }).map((quarters) => quarters / 4);
const added = fc.record({
  // Few minutes, so that they meet, over all of the hours.
  minute: fc.tuple(fc.integer({ min: 0, max: HOURS - 1 }), fc.constantFrom(0, 1, 59)).map(([h, m]) => h * 60 + m),
  values: fc.array(value, { minLength: 1, maxLength: 3 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({ do: fc.constant('add' as const), added: fc.array(added, { minLength: 1, maxLength: 5 }) }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('fold' as const),
      period,
      hour,
      limit: fc.integer({ min: 1, max: 6 }),
      dies: fc.boolean(),
    }),
    weight: 4,
  },
  { arbitrary: fc.record({ do: fc.constant('fold twice at once' as const), period }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('prune' as const), period, hour }), weight: 1 },
);

const at = (hours: number): Date => new Date(FIRST + hours * HOUR_MS);

async function foldAll(db: Database, folded: FoldedPeriod, before: Date, limit: number): Promise<void> {
  let after: FoldPlace | null = null;
  do {
    const batch: Awaited<ReturnType<typeof foldAlone>> = await foldAlone(db, {
      period: folded,
      before,
      after,
      limit,
    });
    after = batch.last;
  } while (after !== null);
}

class Died extends Error {}

async function make(account: MetricAccount, taken: Step): Promise<void> {
  switch (taken.do) {
    case 'add': {
      for (const { minute, values } of taken.added)
        await account.add(sampleOf('response_time', new Date(FIRST + minute * MINUTE_MS), values));
      return;
    }
    case 'fold': {
      const { period: folded, hour: hours, limit, dies } = taken;
      if (!dies) return void (await foldMetrics(scheduler, { period: folded, before: at(hours), after: null, limit }));
      // What was not committed when a process dies was never there.
      const dying = scheduler.tx({ kind: 'none' }, async (tx) => {
        await foldMetrics(tx, { period: folded, before: at(hours), after: null, limit });
        throw new Died();
      });
      return await expect(dying).rejects.toThrow(Died);
    }
    case 'fold twice at once':
      return void (await Promise.all([1, 2, 3].map((limit) => foldAll(scheduler, taken.period, at(HOURS), limit))));
    case 'prune':
      return void (await pruneMetrics(scheduler, taken.period, at(taken.hour), 100));
  }
}

const merge = (a: readonly number[], b: readonly number[]): number[] =>
  emptyHistogram().map((_, index) => (a[index] ?? 0) + (b[index] ?? 0));

/** By the name that `startOf` gives an instant. */
function directly(
  steps: readonly Step[],
  startOf: (instant: Date) => string,
): ReadonlyMap<string, Omit<MetricPoint, 'of' | 'start'>> {
  const points = new Map<string, Omit<MetricPoint, 'of' | 'start'>>();
  const all = steps.flatMap((taken) => (taken.do === 'add' ? taken.added : []));
  for (const { minute, values } of all) {
    const start = startOf(new Date(FIRST + minute * MINUTE_MS));
    for (const seconds of values) {
      const before = points.get(start) ?? { count: 0, sum: 0, min: seconds, max: seconds, histogram: [] };
      const one = emptyHistogram();
      one[bucketOf(seconds)] = 1;
      points.set(start, {
        count: before.count + 1,
        sum: before.sum + seconds,
        min: Math.min(before.min!, seconds),
        max: Math.max(before.max!, seconds),
        histogram: merge(before.histogram, one),
      });
    }
  }
  return points;
}

async function asRead({ userId, integrationId }: MetricAccount, by: SeriesStep, timezone: string) {
  const query = {
    metricType: 'response_time' as const,
    userId: null,
    integrationId,
    platformId: null,
    by,
    timezone,
    span: SPAN,
    split: null,
  };
  const points = await api.tx({ kind: 'user', userId }, async (tx) => {
    // What was forgotten by hour is told by day; here all hours are asked for, whatever was forgotten.
    const bounds = await readSeriesBounds(tx, SPAN, timezone);
    return await readPlatformSeries(tx, query, bounds);
  });
  return new Map(
    points.map(({ start, count, sum, min, max, histogram }) => [start, { count, sum, min, max, histogram }]),
  );
}

const utcDay = (instant: Date): string => instant.toISOString().slice(0, 10);
const berlinDay = (instant: Date): string => instant.toLocaleDateString('sv-SE', { timeZone: 'Europe/Berlin' });
const utcHour = (instant: Date): string => `${instant.toISOString().slice(0, 13)}:00:00.000Z`;
const week = (): string => '2026-03-23';

const FOUR_STEPS = fc.array(step, { minLength: 1, maxLength: 16 });

test('days are the direct sum after every step, whatever was folded, forgotten or lost with its process', async () => {
  await fc.assert(
    fc.asyncProperty(FOUR_STEPS, async (steps) => {
      const account = await addMetricAccount(database, worker);
      for (const [index, taken] of steps.entries()) {
        await make(account, taken);
        expect(await asRead(account, 'day', 'UTC')).toEqual(directly(steps.slice(0, index + 1), utcDay));
      }
    }),
    { numRuns: 25 },
  );
});

test('as long as nothing is forgotten hours, days of any zone and weeks are the direct sum too', async () => {
  await database.asSuperuser('delete from platform_metric_horizons');
  const unforgotten = FOUR_STEPS.map((steps) => steps.filter((taken) => taken.do !== 'prune'));
  await fc.assert(
    fc.asyncProperty(unforgotten, async (steps) => {
      const account = await addMetricAccount(database, worker);
      for (const taken of steps) await make(account, taken);
      expect(await asRead(account, 'hour', 'UTC')).toEqual(directly(steps, utcHour));
      expect(await asRead(account, 'day', 'Europe/Berlin')).toEqual(directly(steps, berlinDay));
      const monday = Math.floor((Date.parse('2026-03-30T00:00:00Z') - FIRST) / MINUTE_MS);
      const inFirstWeek = steps.map((taken) =>
        taken.do === 'add' ? { ...taken, added: taken.added.filter(({ minute }) => minute < monday) } : taken,
      );
      expect((await asRead(account, 'week', 'UTC')).get('2026-03-23')).toEqual(
        directly(inFirstWeek, week).get('2026-03-23'),
      );
    }),
    { numRuns: 25 },
  );
});

test('after all is folded a day is one row with nothing open, and so is every hour', async () => {
  const account = await addMetricAccount(database, worker);
  for (let minute = 0; minute < 90; minute += 30)
    await account.add(sampleOf('api_calls', new Date(FIRST + minute * MINUTE_MS), [1, 1]));
  await foldAll(scheduler, 'minute', at(HOURS), 2);
  await foldAll(scheduler, 'hour', at(HOURS), 2);
  const rows = await database.asSuperuser(
    `select period, count(*)::int as rows, sum(count)::int as count, sum(open_count)::int as open, max(updated_at) is not null as told
     from platform_metrics where integration_id = $1 group by period order by period`,
    [account.integrationId],
  );
  expect(rows).toEqual([
    { period: 'day', rows: 1, count: 6, open: 0, told: true },
    { period: 'hour', rows: 2, count: 6, open: 0, told: true },
    { period: 'minute', rows: 3, count: 6, open: 0, told: true },
  ]);
});
