// Whatever the pages hold and wherever workers stop, the store ends as if one worker had read everything undisturbed.

import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { STEPS, type StepName } from '../../src/sync/steps.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createSyncWorld, listed, type RawProposal, type SyncWorld } from '../support/sync-world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

const record = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ id: fc.nat(30).map(String), text: fc.string({ unit: 'grapheme' }), at: fc.nat(5) }),
  },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.record({ id: fc.nat(30).map((n) => `huge${n}`), amount: fc.constant('9'.repeat(20)) }) },
);
const pages = fc.array(fc.array(record, { maxLength: 12 }), { minLength: 1, maxLength: 8 });
const crashes = fc.array(
  fc.record({ step: fc.constantFrom(...STEPS.filter((step) => step !== 'run.finished')), after: fc.nat(4) }),
  { maxLength: 6 },
);

type Raw = (RawProposal & { at?: number }) | null;

const isStorable = (raw: Raw): raw is RawProposal & { at: number; text: string } =>
  raw !== null && raw.amount === undefined;

const toRaw = (raw: Raw): unknown =>
  isStorable(raw) ? { id: raw.id, text: raw.text, updatedAt: `2026-03-01T00:00:0${raw.at}Z` } : raw;

/** The newest version of each record; with equal stamps the one that came later. */
function expected(given: readonly (readonly Raw[])[]): [string, string][] {
  const newest = new Map<string, { text: string; at: number }>();
  for (const raw of given.flat()) {
    if (!isStorable(raw)) continue;
    const known = newest.get(raw.id);
    if (known === undefined || raw.at >= known.at) newest.set(raw.id, raw);
  }
  return [...newest].map(([id, { text }]): [string, string] => [id, text]).sort(([a], [b]) => (a < b ? -1 : 1));
}

interface Crash {
  readonly step: StepName;
  readonly after: number;
}

/** Workers that stopped somewhere, and the word that wakes them when it is too late. */
interface Graveyard {
  readonly zombies: Promise<unknown>[];
  readonly wake: Promise<never>;
}

interface Attempt {
  readonly world: SyncWorld;
  readonly runId: string;
  readonly raw: readonly (readonly unknown[])[];
}

/** Runs to the end, or until the worker stops at the given step and is declared dead; true when it ended by itself. */
async function runUntil({ world, runId, raw }: Attempt, { zombies, wake }: Graveyard, crash?: Crash): Promise<boolean> {
  const job = await world.claim(runId);
  let left = crash?.after ?? 0;
  const stopped = Promise.withResolvers<false>();
  const running = world.handler(listed(raw), {
    onStep: async (step) => {
      if (crash === undefined || step !== crash.step || left-- > 0) return;
      stopped.resolve(false);
      await wake;
    },
  })(job);
  if (await Promise.race([running.then(() => true), stopped.promise])) return true;
  zombies.push(running);
  await database.asSuperuser(`update workers set status = 'dead' where id = $1`, [job.workerId]);
  await database.asSuperuser('select revoke_leases($1)', [job.workerId]);
  // The server ends a dead client's open transaction; here it is told to.
  await database.asSuperuser(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and state like 'idle in transaction%'`,
  );
  return false;
}

const stateOf = async (world: SyncWorld, runId: string): Promise<unknown> => [
  await world.proposals(),
  await world.run(runId),
  await world.stream(),
];

test('any pages and any crashes give the rows of one undisturbed pass', { timeout: 120_000 }, async () => {
  const worker = database.open('tidemark_worker', 12);
  await fc.assert(
    fc.asyncProperty(pages, crashes, async (given, schedule) => {
      const world = await createSyncWorld(database, { worker });
      const runId = await world.addRun();
      const raw = given.map((page) => page.map((entry) => toRaw(entry as Raw)));
      const wake = Promise.withResolvers<never>();
      wake.promise.catch(() => undefined);
      const graveyard: Graveyard = { zombies: [], wake: wake.promise };
      let ended = false;
      for (const crash of schedule) ended ||= await runUntil({ world, runId, raw }, graveyard, crash);
      if (!ended) await runUntil({ world, runId, raw }, graveyard);
      const stored = (await world.proposals())
        .map((row): [string, string] => [String(row.upwork_proposal_id), String(row.cover_letter)])
        .sort(([a], [b]) => (a < b ? -1 : 1));
      expect(stored).toEqual(expected(given as Raw[][]));
      const run = await world.run(runId);
      expect(run).toMatchObject({ pages: given.length });
      expect(['success', 'partial']).toContain(run.status);
      expect((await world.stream()).cursor).toEqual({ v: 1, at: { n: given.length } });
      const settled = await stateOf(world, runId);
      wake.reject(new Error('woken after takeover'));
      await Promise.allSettled(graveyard.zombies);
      expect(await stateOf(world, runId)).toEqual(settled);
    }),
    { numRuns: 25 },
  );
});
