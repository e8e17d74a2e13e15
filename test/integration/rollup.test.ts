// Days are the user's: each fact counts on the local day it fell on, on days of 23 and 25 hours too.

import { beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { createRollupHandler } from '../../src/rollups/roll-day.ts';
import { acquireDayLease } from '../../src/store/stream-leases.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import type { Outcome } from '../../queues/outcome.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createSyncWorld, listed, type RawProposal, type SyncWorld } from '../support/sync-world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

async function roll(world: SyncWorld, day: string): Promise<Outcome> {
  const job = await world.claim(uuidv7());
  return await createRollupHandler({ db: world.worker, clock: systemClock })({
    ...job,
    log: silentLog,
    kind: 'metrics.rollup',
    payload: { userId: world.userId, day },
  });
}

async function rollAll(world: SyncWorld): Promise<void> {
  const days = await database.asSuperuser<{ day: string }>(
    'select distinct day::text from dirty_days where user_id = $1 order by 1',
    [world.userId],
  );
  for (const { day } of days) await roll(world, day);
}

const metrics = (world: SyncWorld): Promise<Record<string, unknown>[]> =>
  database.asSuperuser(
    'select *, date::text as date, response_rate::float8 as response_rate, success_rate::float8 as success_rate from user_metrics where user_id = $1 order by user_metrics.date',
    [world.userId],
  );

test('a day counts what happened on it, and its rates are those of what was sent on it', async () => {
  const world = await createSyncWorld(database);
  await world.sync(
    listed([
      [
        { id: 'a', sentAt: '2026-03-01T10:00:00Z', viewedAt: '2026-03-02T09:00:00Z', hiredAt: '2026-03-03T09:00:00Z' },
        { id: 'b', sentAt: '2026-03-01T11:00:00Z' },
        { id: 'c', sentAt: '2026-03-02T11:00:00Z' },
        { id: 'd', status: 'draft' },
      ],
    ]),
  );
  await rollAll(world);
  expect(await metrics(world)).toMatchObject([
    { date: '2026-03-01', proposals_sent: 2, proposals_viewed: 0, response_rate: 50, success_rate: 50, input_count: 2 },
    {
      date: '2026-03-02',
      proposals_sent: 1,
      proposals_viewed: 1,
      proposals_hired: 0,
      response_rate: 0,
      input_count: 2,
    },
    { date: '2026-03-03', proposals_sent: 0, proposals_hired: 1, response_rate: null, success_rate: null },
  ]);
  expect(await database.asSuperuser('select from dirty_days where user_id = $1', [world.userId])).toEqual([]);
});

test('a late fact changes its day, a sealed day stays', async () => {
  const world = await createSyncWorld(database);
  const sent = (id: string, day: number): RawProposal => ({ id, sentAt: `2026-03-0${day}T10:00:00Z` });
  await world.sync(listed([[sent('a', 1), sent('b', 2)]]));
  await rollAll(world);
  await database.asSuperuser(`update user_metrics set sealed_at = now() where user_id = $1 and date = '2026-03-02'`, [
    world.userId,
  ]);
  await world.sync(
    listed([
      [sent('a', 1), sent('b', 2)],
      [sent('c', 1), sent('d', 2)],
    ]),
  );
  await rollAll(world);
  expect((await metrics(world)).map((row) => row.proposals_sent)).toEqual([2, 1]);
});

test('rolling a day twice gives the same row', async () => {
  const world = await createSyncWorld(database);
  await world.sync(listed([[{ id: 'a', sentAt: '2026-03-01T10:00:00Z' }]]));
  const strip = async (): Promise<unknown> =>
    (await metrics(world)).map(({ computed_at: _c, updated_at: _u, ...row }) => row);
  await roll(world, '2026-03-01');
  const first = await strip();
  await roll(world, '2026-03-01');
  expect(await strip()).toEqual(first);
});

test('nobody can work for a user whose day nothing marks, nor with a worker that is not alive', async () => {
  const [mine, theirs] = [await createSyncWorld(database), await createSyncWorld(database)];
  await mine.sync(listed([[{ id: 'a', sentAt: '2026-03-01T10:00:00Z' }]]));
  const claim = { jobId: uuidv7(), workerId: (await mine.claim(uuidv7())).workerId, day: '2026-03-01' };
  expect(await acquireDayLease(mine.worker, { ...claim, userId: theirs.userId })).toBeNull();
  expect(await acquireDayLease(mine.worker, { ...claim, userId: mine.userId, day: '2026-03-02' })).toBeNull();
  expect(await acquireDayLease(mine.worker, { ...claim, userId: mine.userId, workerId: uuidv7() })).toBeNull();
  const token = (await acquireDayLease(mine.worker, { ...claim, userId: mine.userId }))!;
  const { rows } = await mine.worker.tx({ kind: 'lease', token }, (tx) =>
    tx.query<{ user_id: string }>('select distinct user_id from dirty_days'),
  );
  expect(rows).toEqual([{ user_id: mine.userId }]);
});

test('a day that nothing marks is left as it is', async () => {
  const world = await createSyncWorld(database);
  expect(await roll(world, '2026-03-01')).toMatchObject({ kind: 'discard' });
  expect(await metrics(world)).toEqual([]);
});

// New York skips an hour on 8 March and repeats one on 1 November; Havana repeats the hour after midnight; Santiago
// skips midnight itself.
test.for([
  ['America/New_York', '2026-03-07T00:00:00Z'],
  ['America/New_York', '2026-10-31T00:00:00Z'],
  ['America/Havana', '2026-10-31T00:00:00Z'],
  ['America/Santiago', '2026-09-05T00:00:00Z'],
  ['Asia/Kathmandu', '2026-03-01T00:00:00Z'],
])('every instant around a change of %s counts on its local day, once', async ([timezone, start]) => {
  const world = await createSyncWorld(database, { timezone });
  const local = new Intl.DateTimeFormat('en-CA', { timeZone: timezone! });
  const instants = Array.from({ length: 3 * 48 }, (_, half) => new Date(Date.parse(start!) + half * 30 * 60_000));
  await world.sync(listed([instants.map((at, index) => ({ id: String(index), sentAt: at.toISOString() }))]));
  await rollAll(world);
  const oracle = new Map<string, number>();
  for (const at of instants) oracle.set(local.format(at), (oracle.get(local.format(at)) ?? 0) + 1);
  expect((await metrics(world)).map((row) => [row.date, row.proposals_sent])).toEqual([...oracle]);
});
