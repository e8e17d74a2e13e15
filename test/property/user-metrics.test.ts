// Daily metrics against a brute-force oracle: facts of every kind come, change, move and go around changes of the clocks, while zones
// and currencies change, days are sealed, rows are purged and come again, and transactions die. What a day says, with what was adjusted
// of it, is what all facts come to that were ever heard of.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DAY_MODEL } from '../../src/rollups/definitions.ts';
import { verifyUser } from '../../src/ops/verify-metrics.ts';
import { RECORDS, rowKeyOf, type Fact } from '../support/metric-facts.ts';
import {
  ANSWERS,
  expectedDays,
  millionths,
  withoutZeroes,
  type DayFigures,
  type KnownFact,
} from '../support/metric-oracle.ts';
import { createMetricWorld, type Fate, type MetricWorld } from '../support/metric-world.ts';
import { createTestDatabase } from '../support/postgres.ts';

/** More programs for a long look: `TIDEMARK_PROPERTY_RUNS=500`. */
const RUNS = Number(process.env['TIDEMARK_PROPERTY_RUNS'] ?? 12);

const database = await createTestDatabase();
const worker = database.open('tidemark_worker', 2);
const api = database.open('tidemark_api', 2);
const NEVER = new AbortController().signal;

// Clocks change on 8 March in New York and Havana (at midnight there), on 29 March in Berlin.
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'America/Havana', 'Asia/Kathmandu', 'Pacific/Apia'];
const CURRENCIES = ['USD', 'EUR', 'RUB'];
const DAYS = ['2026-03-07', '2026-03-08', '2026-03-09', '2026-03-28', '2026-03-29', '2026-03-30'];

const instant = fc
  .record({
    day: fc.constantFrom(...DAYS),
    minute: fc.integer({ min: 0, max: 1_439 }),
    second: fc.constantFrom(0, 1, 30),
  })
  .map(({ day, minute, second }) => new Date(Date.parse(`${day}T00:00:00Z`) + minute * 60_000 + second * 1_000));

const KINDS = Object.keys(RECORDS) as Fact['kind'][];
const over = {
  at: instant,
  endedAt: fc.option(instant),
  cents: fc.integer({ min: 1, max: 99_999 }),
  currency: fc.constantFrom(...CURRENCIES),
  flag: fc.boolean(),
};
const fact: fc.Arbitrary<Fact> = fc.oneof(
  fc.record({ kind: fc.constantFrom(...KINDS), key: fc.constantFrom('a', 'b', 'c', 'd'), ...over }),
  // The only kind whose facts depend on one another: more of them, in two talks.
  fc.record({ kind: fc.constant('message' as const), key: fc.constantFrom(...'abcdefghijklmnop'), ...over }),
);

type Op =
  | { readonly op: 'put'; readonly facts: readonly Fact[]; readonly fate: Fate }
  | { readonly op: 'remove'; readonly nth: number; readonly fate: Fate }
  | { readonly op: 'again'; readonly nth: number; readonly at: Date | null }
  | { readonly op: 'roll'; readonly fate: Fate }
  | { readonly op: 'seal'; readonly through: string; readonly fate: Fate }
  | { readonly op: 'retire'; readonly through: string }
  | { readonly op: 'zone'; readonly timezone: string }
  | { readonly op: 'currency'; readonly reportingCurrency: string };

const fate = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Fate>('commits') },
  { weight: 1, arbitrary: fc.constant<Fate>('crashes') },
);
const only = <K extends string>(op: K) => fc.constant(op);

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ op: only('put'), facts: fc.array(fact, { minLength: 1, maxLength: 6 }), fate }),
  },
  { weight: 2, arbitrary: fc.record({ op: only('remove'), nth: fc.nat(40), fate }) },
  { weight: 4, arbitrary: fc.record({ op: only('again'), nth: fc.nat(40), at: fc.option(instant) }) },
  { weight: 4, arbitrary: fc.record({ op: only('roll'), fate }) },
  { weight: 1, arbitrary: fc.record({ op: only('seal'), through: fc.constantFrom(...DAYS), fate }) },
  { weight: 3, arbitrary: fc.record({ op: only('retire'), through: fc.constantFrom(...DAYS) }) },
  { weight: 1, arbitrary: fc.record({ op: only('zone'), timezone: fc.constantFrom(...ZONES) }) },
  { weight: 1, arbitrary: fc.record({ op: only('currency'), reportingCurrency: fc.constantFrom(...CURRENCIES) }) },
);

interface Model {
  readonly known: Map<string, KnownFact>;
  /** Rows of sealed days as they were sealed. */
  readonly sealed: Map<string, StoredRow>;
  timezone: string;
}

const idOf = (one: Fact): string => `${RECORDS[one.kind].table.name} ${rowKeyOf(one)}`;

const nthOf = (known: Model['known'], nth: number): KnownFact | undefined =>
  [...known.values()][known.size === 0 ? 0 : nth % known.size];

async function seal(through: string, fate: Fate, world: MetricWorld, model: Model): Promise<void> {
  const { sealed } = await world.seal(through, fate);
  for (const row of await storedRows(world)) if (sealed.includes(row.date)) model.sealed.set(row.date, row);
}

async function take(step: Op, world: MetricWorld, model: Model): Promise<void> {
  const { known } = model;
  switch (step.op) {
    case 'put': {
      // A page has no key twice.
      const page = new Map(step.facts.map((one) => [idOf(one), one]));
      await world.put([...page.values()], step.fate);
      if (step.fate === 'commits')
        for (const [id, one] of page) known.set(id, { fact: one, removed: false, purgedIn: null });
      return;
    }
    case 'again': {
      const found = nthOf(known, step.nth);
      if (found === undefined) return;
      const told = { ...found.fact, at: step.at ?? found.fact.at };
      await world.put([told]);
      known.set(idOf(told), { fact: told, removed: false, purgedIn: null });
      return;
    }
    case 'remove': {
      const found = nthOf(known, step.nth);
      if (found === undefined) return;
      await world.remove(found.fact, step.fate);
      // Of a purged row nobody knows that it is gone at the platform too.
      if (step.fate === 'commits' && found.purgedIn === null) known.set(idOf(found.fact), { ...found, removed: true });
      return;
    }
    case 'roll':
      return void (await world.roll(step.fate));
    case 'seal':
      return await seal(step.through, step.fate, world, model);
    case 'retire':
      await world.roll();
      await seal(step.through, 'commits', world, model);
      for (const [table, keys] of await world.purge())
        for (const key of keys) {
          const found = known.get(`${table} ${key}`)!;
          known.set(`${table} ${key}`, { ...found, purgedIn: model.timezone });
        }
      return;
    case 'zone':
      model.timezone = step.timezone;
      return await world.change({ timezone: step.timezone });
    case 'currency':
      return await world.change({ reportingCurrency: step.reportingCurrency });
  }
}

interface StoredRow {
  readonly date: string;
  readonly currency: string;
  readonly sealed_at: Date | null;
  readonly row: Readonly<Record<string, string | number | null>>;
  readonly others: Readonly<Record<string, string>>;
  readonly deltas: readonly Readonly<Record<string, number>>[];
}

const storedRows = (world: MetricWorld): Promise<StoredRow[]> =>
  database.asSuperuser<StoredRow>(
    `select m.date::text as date, m.currency, m.sealed_at, to_jsonb(m) as row,
       coalesce((select jsonb_object_agg(a.metric_name || ':' || a.currency, a.metric_value) from analytics a
         where a.user_id = m.user_id and a.date = m.date), '{}') as others,
       coalesce((select jsonb_agg(j.deltas) from metric_adjustments j
         where j.user_id = m.user_id and j.date = m.date), '[]') as deltas
     from user_metrics m where m.user_id = $1 order by m.date`,
    [world.userId],
  );

/** What a row says with what was adjusted of it. */
function figuresOf({ currency, row, others, deltas }: StoredRow): DayFigures {
  const figures: Record<string, number> = {};
  const add = (name: string, value: string | number | null): void => {
    if (value !== null) figures[name] = (figures[name] ?? 0) + millionths(value);
  };
  for (const { kind, column } of DAY_MODEL.metrics)
    if (kind !== 'derived') add(kind === 'money' ? `${column}:${currency}` : column, row[column] ?? null);
  for (const amounts of [others, ...deltas]) for (const [name, value] of Object.entries(amounts)) add(name, value);
  return withoutZeroes(figures);
}

const withoutAnswers = (figures: DayFigures): DayFigures =>
  Object.fromEntries(Object.entries(figures).filter(([name]) => !(ANSWERS as readonly string[]).includes(name)));

/** Of what a platform no longer tells in full nobody knows who answered whom, so answers are compared on open days only. */
async function compare(world: MetricWorld, { known, sealed, timezone }: Model): Promise<void> {
  const rows = await storedRows(world);
  const expected = expectedDays(known.values(), timezone);
  const figures = new Map(rows.map((row) => [row.date, figuresOf(row)]));
  for (const day of new Set([...expected.keys(), ...figures.keys()])) {
    const shown = sealed.has(day) ? withoutAnswers : (one: DayFigures): DayFigures => one;
    expect({ day, ...shown(figures.get(day) ?? {}) }).toEqual({ day, ...shown(expected.get(day) ?? {}) });
  }
  for (const { date, row, others, sealed_at } of rows) {
    expect([date, sealed_at !== null]).toEqual([date, sealed.has(date)]);
    if (sealed.has(date))
      expect({ row, others }).toEqual({ row: sealed.get(date)!.row, others: sealed.get(date)!.others });
  }
  const {
    differences,
    waiting,
    sealed: sealedCount,
  } = await verifyUser(api, { userId: world.userId }, DAY_MODEL, NEVER);
  expect({ differences, waiting, sealedCount }).toEqual({ differences: [], waiting: 0, sealedCount: sealed.size });
}

async function play(program: readonly Op[]): Promise<void> {
  const world = await createMetricWorld(database, { worker, api });
  const model: Model = { known: new Map(), sealed: new Map(), timezone: 'UTC' };
  for (const step of program) await take(step, world, model);
  await world.roll();
  expect(await world.marked()).toEqual([]);
  await compare(world, model);
  // What was rolled does not change by being rolled again.
  const before = await storedRows(world);
  await world.put(
    [...model.known.values()].filter(({ removed, purgedIn }) => !removed && purgedIn === null).map((one) => one.fact),
  );
  expect(await world.marked()).toEqual([]);
  expect(await storedRows(world)).toEqual(before);
}

test('a day says what all facts come to, whatever came late, moved, was sealed, purged or crashed', async () => {
  await fc.assert(fc.asyncProperty(fc.array(op, { minLength: 20, maxLength: 40, size: 'max' }), play), {
    numRuns: RUNS,
    endOnFailure: true,
  });
});
