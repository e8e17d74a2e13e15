// Backfills: a window of the past, read beside the usual passes and without touching their position.

import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { upwork } from '../../src/connectors/upwork/index.ts';
import type { Plan } from '../../src/connectors/contract/stream.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  createSyncWorld,
  pageOf,
  type Cursor,
  type Read,
  type SyncWorld,
  type TestPage,
} from '../support/sync-world.ts';
import { createUpworkSimulator } from '../simulators/upwork/simulator.ts';
import { contextOf, upworkHttp } from '../support/upwork.ts';

const FROM = new Date('2026-01-01T00:00:00Z');
const TO = new Date('2026-02-01T00:00:00Z');
/** Every page ends a slice. */
const ONE_PAGE = { config: { sliceMs: 0, egressId: 'test' } };

let database: TestDatabase;
let world: SyncWorld;

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  world = await createSyncWorld(database);
});

/** Yields the pages that the plan's cursor has not passed, and keeps the plans. */
function reading(pages: readonly TestPage[], plans: Plan<Cursor>[] = []): Read {
  return async function* read(plan) {
    plans.push(plan);
    for (const page of pages.slice(plan.cursor?.n ?? 0)) {
      await Promise.resolve();
      yield page;
    }
  };
}

const PAGES = [pageOf([{ id: 'old-1' }], 1), pageOf([{ id: 'old-2' }], 2), pageOf([{ id: 'old-3' }], 3)];
const ids = async (): Promise<unknown[]> => (await world.proposals()).map((row) => row['upwork_proposal_id']);
/** What a usual pass goes by. */
async function position() {
  const { cursor, cursor_version, last_full_at, last_success_at, status } = await world.stream();
  return { cursor, cursor_version, last_full_at, last_success_at, status };
}
async function begin(runId: string, read: Read, deps: Parameters<SyncWorld['handler']>[1] = {}) {
  return await world.handler(read, deps)(await world.claim(runId));
}

describe('a backfill', () => {
  test('reads its window from the start, and the position of the usual passes stays', async () => {
    await world.sync(reading([pageOf([{ id: 'new' }], 9)]));
    const before = await position();
    expect(before).toMatchObject({ cursor: { at: { n: 9 } }, last_full_at: expect.any(Date) as Date });
    const plans: Plan<Cursor>[] = [];
    const runId = await world.addRun({ from: FROM, to: TO });
    expect(await begin(runId, reading(PAGES, plans))).toEqual({ kind: 'completed', result: { status: 'success' } });
    expect(plans).toEqual([{ type: 'backfill', cursor: null, since: FROM, until: TO }]);
    expect(await ids()).toEqual(['new', 'old-1', 'old-2', 'old-3']);
    expect(await position()).toEqual(before);
    expect(await world.run(runId)).toMatchObject({ sync_type: 'backfill', status: 'success', records_synced: 3 });
  });

  test('without an end reads up to the instant at which it begins', async () => {
    const plans: Plan<Cursor>[] = [];
    const before = new Date();
    await begin(await world.addRun({ from: FROM }), reading(PAGES, plans));
    expect(plans[0]!.until.getTime()).toBeGreaterThanOrEqual(before.getTime());
  });

  test('that needs several slices goes on where it was, while usual runs come between', async () => {
    const plans: Plan<Cursor>[] = [];
    const runId = await world.addRun({ from: FROM });
    const first = await begin(runId, reading(PAGES, plans), ONE_PAGE);
    expect(first).toMatchObject({ kind: 'snooze', delayMs: 5_000 });
    await world.sync(reading([pageOf([{ id: 'new' }], 9)]));
    const between = await position();
    await begin(runId, reading(PAGES, plans), ONE_PAGE);
    expect(await begin(runId, reading(PAGES, plans))).toMatchObject({ kind: 'completed' });
    const [{ until }] = plans as [Plan<Cursor>];
    expect(plans).toEqual([
      { type: 'backfill', cursor: null, since: FROM, until },
      { type: 'backfill', cursor: { n: 1 }, since: FROM, until },
      { type: 'backfill', cursor: { n: 2 }, since: FROM, until },
    ]);
    expect(await ids()).toEqual(['new', 'old-1', 'old-2', 'old-3']);
    expect(await position()).toEqual(between);
    expect(await world.run(runId)).toMatchObject({ slices: 3, pages: 3, records_synced: 3 });
  });

  test('leaves a pass that broke off to the run that takes it up', async () => {
    const usual = await world.addRun();
    await begin(usual, reading([pageOf([{ id: 'new-1' }], 1), pageOf([{ id: 'new-2' }], 2)]), ONE_PAGE);
    const { cursor } = await position();
    expect(cursor).toMatchObject({ pass: { type: 'full' } });
    await begin(await world.addRun({ from: FROM, to: TO }), reading(PAGES));
    expect(await position()).toMatchObject({ cursor, last_full_at: null, last_success_at: null });
    const plans: Plan<Cursor>[] = [];
    await begin(usual, reading([pageOf([{ id: 'new-1' }], 1), pageOf([{ id: 'new-2' }], 2)], plans));
    expect(plans).toMatchObject([{ type: 'full', cursor: { n: 1 } }]);
  });

  test('whose place is over begins its window again, and only that', async () => {
    await world.sync(reading([pageOf([{ id: 'new' }], 9)]));
    const before = await position();
    const runId = await world.addRun({ from: FROM, to: TO });
    await begin(runId, reading(PAGES), ONE_PAGE);
    const stale: Read = async function* stale() {
      yield* [];
      await Promise.resolve();
      throw new AppError('sync.stale_cursor', 'the place is over');
    };
    await expect(begin(runId, stale)).rejects.toMatchObject({ code: 'sync.stale_cursor' });
    const plans: Plan<Cursor>[] = [];
    await begin(runId, reading(PAGES, plans));
    expect(plans).toEqual([{ type: 'backfill', cursor: null, since: FROM, until: TO }]);
    expect(await position()).toEqual(before);
  });

  test('that lay still for more than a day begins its window again', async () => {
    const runId = await world.addRun({ from: FROM, to: TO });
    await begin(runId, reading(PAGES), ONE_PAGE);
    const tomorrow = { ...systemClock, now: () => new Date(Date.now() + 25 * 3_600_000) };
    const plans: Plan<Cursor>[] = [];
    await begin(runId, reading(PAGES, plans), { clock: tomorrow });
    expect(plans).toMatchObject([{ cursor: null, since: FROM, until: TO }]);
  });

  test('removes nothing, though its pages call themselves a whole snapshot', async () => {
    const page = (records: readonly unknown[], generation: string): TestPage => ({
      records,
      mode: { kind: 'scope', key: 'all', generation, close: true },
      checkpoint: { n: 1 },
    });
    await world.sync(reading([page([{ id: 'a' }, { id: 'b' }, { id: 'c' }], 'g1')]));
    await begin(await world.addRun({ from: FROM, to: TO }), reading([page([{ id: 'b' }], 'g2')]));
    expect((await world.proposals()).map((row) => row['deleted_at'])).toEqual([null, null, null]);
  });

  test('and a usual run are not in each other’s way, but never read at the same time', async () => {
    const [usual, backfill] = [await world.addRun(), await world.addRun({ from: FROM, to: TO })];
    const outcomes: unknown[] = [];
    const both: Read = async function* both() {
      yield pageOf([{ id: 'new' }], 1);
      outcomes.push(await begin(backfill, reading(PAGES)));
    };
    outcomes.push(await begin(usual, both));
    expect(outcomes).toMatchObject([{ kind: 'snooze' }, { kind: 'completed' }]);
    expect(await begin(backfill, reading(PAGES))).toMatchObject({ kind: 'completed' });
  });

  test('that ends lets the backfill behind it begin, not the usual run', async () => {
    const [first, usual] = [await world.addRun({ from: FROM, to: TO }), await world.addRun()];
    const [nextBackfill, nextUsual] = [
      await world.addRun({ from: TO, status: 'pending' }),
      await world.addRun({ status: 'pending' }),
    ];
    await begin(first, reading(PAGES));
    expect(world.enqueued).toMatchObject([{ payload: { runId: nextBackfill }, workClass: 'incremental' }]);
    expect(await world.run(nextBackfill)).toMatchObject({ status: 'queued' });
    expect(await world.run(nextUsual)).toMatchObject({ status: 'pending' });
    await begin(usual, reading([]));
    expect(world.enqueued).toMatchObject([{}, { payload: { runId: nextUsual } }]);
  });
});

test('a window of Upwork’s proposals is stored, and nothing outside of it', async () => {
  const sim = createUpworkSimulator();
  await sim.start();
  onTestFinished(() => sim.stop());
  const ada = sim.addAccount({ email: 'ada@example.test' });
  for (let day = 1; day <= 28; day++)
    sim.state.addProposal({
      accountId: ada.account.id,
      postingId: 'p1',
      status: 'Accepted',
      createdAt: new Date(Date.UTC(2026, 0, day)),
    });
  const deps = {
    connectors: new Map([['upwork', upwork]]),
    httpFor: () => upworkHttp(sim),
    credentials: () => contextOf(sim, ada).credential,
  };
  await database.asSuperuser('update integrations set settings = $2 where id = $1', [
    world.integrationId,
    JSON.stringify({ organization_id: ada.organizationId }),
  ]);
  const runId = await world.addRun({ from: new Date('2026-01-05'), to: new Date('2026-01-09') });
  expect(await begin(runId, reading([]), deps)).toMatchObject({ kind: 'completed' });
  expect((await world.proposals()).map((row) => row['submitted_at'])).toEqual(
    [5, 6, 7, 8].map((day) => new Date(Date.UTC(2026, 0, day))),
  );
  expect(await world.stream()).toMatchObject({ cursor: null, last_full_at: null });
});
