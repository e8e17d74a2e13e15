// All that an account has on Upwork, changed at random between and inside passes that workers do not survive and answers
// that break: an undisturbed increment later every row is the platform's, none is missing, none too many.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { DAY_MS, MINUTE_MS } from '../../src/core/duration.ts';
import type { Database } from '../../src/db/database.ts';
import { STEPS, type StepName } from '../../src/sync/steps.ts';
import {
  compareRows,
  expectedPosting,
  expectedProposal,
  POSTINGS_SQL,
  PROPOSALS_SQL,
  type Row,
} from '../demo/compare.ts';
import { compareWork, WORK_SOURCES } from '../demo/compare-work.ts';
import { addWork } from '../demo/work.ts';
import type { Fault } from '../simulators/faults.ts';
import { generatePostings } from '../simulators/upwork/generate-postings.ts';
import { createUpworkSimulator, type UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { changeUpwork, upworkChange, type UpworkChange } from '../support/upwork-changes.ts';
import { UPWORK_STREAMS, type UpworkStream } from '../support/upwork-streams.ts';
import { createUpworkWorld, type UpworkWorld } from '../support/upwork-world.ts';

const START = Date.parse('2026-10-01T12:00:00Z');
/** More programs for a long look: `TIDEMARK_PROPERTY_RUNS=200`. */
const RUNS = Number(process.env['TIDEMARK_PROPERTY_RUNS'] ?? 6);
const MAX_SLICES = 40;

const FAULTS: readonly Fault[] = [
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429 },
  { kind: 'status', status: 500, body: 'Exception occurred' },
  { kind: 'reset' },
  { kind: 'reset-after-processing' },
  { kind: 'truncated-json' },
  { kind: 'html-403' },
  { kind: 'graphql-error', message: 'Transform timeout' },
];

interface Pass {
  readonly stream: UpworkStream;
  /** Where workers stop, one after another. */
  readonly crashes: readonly { readonly step: StepName; readonly after: number }[];
  readonly faults: readonly { readonly fault: Fault; readonly after: number }[];
  /** What happens on the platform after each page. */
  readonly between: readonly UpworkChange[];
}

interface Round {
  readonly minutes: number;
  readonly changes: readonly UpworkChange[];
  readonly passes: readonly Pass[];
}

const pass: fc.Arbitrary<Pass> = fc.record({
  stream: fc.constantFrom(...UPWORK_STREAMS),
  crashes: fc.array(fc.record({ step: fc.constantFrom(...STEPS), after: fc.nat(4) }), { maxLength: 2 }),
  faults: fc.array(fc.record({ fault: fc.constantFrom(...FAULTS), after: fc.nat(4) }), { maxLength: 2 }),
  between: fc.array(upworkChange, { maxLength: 4 }),
});

const rounds: fc.Arbitrary<Round[]> = fc.array(
  fc.record({
    minutes: fc.integer({ min: 1, max: 600 }),
    changes: fc.array(upworkChange, { maxLength: 10 }),
    passes: fc.array(pass, { minLength: 1, maxLength: 10 }),
  }),
  { minLength: 1, maxLength: 2 },
);

let nowMs = START;
const clock: Clock = { now: () => new Date(nowMs), mono: () => performance.now() };
let database: TestDatabase;
let worker: Database;
let sim: UpworkSimulator;

beforeAll(async () => {
  database = await createTestDatabase();
  worker = database.open('tidemark_worker', 40);
});

afterAll(async () => {
  await worker.close();
});

/** Workers that stopped somewhere, and the word that wakes them when it is too late. */
interface Graveyard {
  readonly zombies: Promise<unknown>[];
  readonly wake: Promise<never>;
}

/** Runs slices of a pass until it ended, over dead workers and broken answers. */
async function play(world: UpworkWorld, { stream, crashes, faults, between }: Pass, grave: Graveyard): Promise<void> {
  for (const { fault, after } of faults) sim.faults.add({ fault, after });
  const [changes, deaths] = [[...between], [...crashes]];
  const runId = await world.addRun(stream);
  for (let slice = 0; slice < MAX_SLICES; slice++) {
    const death = deaths.shift();
    let left = death?.after ?? 0;
    const stopped = Promise.withResolvers<'dead'>();
    const working = world.work(runId, async (step) => {
      if (step === 'page.committed') {
        const change = changes.shift();
        if (change !== undefined) changeUpwork(sim, world.added, change, clock.now());
      }
      if (death === undefined || step !== death.step || left-- > 0) return;
      stopped.resolve('dead');
      await grave.wake;
    });
    const end = await Promise.race([working.catch(() => 'failed'), stopped.promise]);
    if (end === 'dead') {
      grave.zombies.push(working);
      await world.declareDead();
    }
    const status = await world.statusOf(runId);
    if (!['queued', 'running', 'waiting'].includes(status)) break;
  }
  sim.faults.clear();
}

const quiet = (stream: UpworkStream): Pass => ({ stream, crashes: [], faults: [], between: [] });

async function expectEqual(world: UpworkWorld): Promise<void> {
  const { added } = world;
  const rows = (sql: string): Promise<readonly (Row & { readonly key: string })[]> => world.rowsOf(sql);
  for (const source of WORK_SOURCES) {
    const { differences } = await compareWork(sim, added, source, rows);
    expect(differences, source.stream).toEqual([]);
  }
  const postings = new Map([...sim.state.postings].map(([id, posting]) => [id, expectedPosting(posting)]));
  expect(compareRows(postings, await rows(POSTINGS_SQL)).differences, 'jobs').toEqual([]);
  const proposals = new Map([...sim.state.proposals].map(([id, proposal]) => [id, expectedProposal(proposal)]));
  expect(compareRows(proposals, await rows(PROPOSALS_SQL)).differences, 'proposals').toEqual([]);
}

async function prepare(): Promise<UpworkWorld> {
  nowMs = START;
  sim = createUpworkSimulator({ now: () => new Date(nowMs) });
  sim.state.addPostings(generatePostings({ count: 120, newest: new Date(START - DAY_MS) }));
  await sim.start();
  const settings = { saved_searches: [{ name: 'all' }] };
  const world = await createUpworkWorld({ database, worker, sim, clock, settings });
  addWork(sim, world.added, { contracts: 3, days: 12, rooms: 5, stories: 30, offers: 3 }, new Date(START - DAY_MS));
  return world;
}

test('rows equal the platform’s after any changes, crashes and faults', { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(rounds, async (program) => {
      const world = await prepare();
      const wake = Promise.withResolvers<never>();
      wake.promise.catch(() => undefined);
      const grave: Graveyard = { zombies: [], wake: wake.promise };
      try {
        for (const { minutes, changes, passes } of program) {
          nowMs += minutes * MINUTE_MS;
          for (const change of changes) changeUpwork(sim, world.added, change, clock.now());
          for (const each of passes) await play(world, each, grave);
        }
        nowMs += MINUTE_MS;
        for (const stream of UPWORK_STREAMS) await play(world, quiet(stream), grave);
        await expectEqual(world);
        wake.reject(new Error('woken after takeover'));
        await Promise.allSettled(grave.zombies);
        await expectEqual(world);
      } finally {
        await sim.stop();
      }
    }),
    // A smaller program with the same fault would take minutes to find.
    { numRuns: RUNS, endOnFailure: true },
  );
});
