// Every record table, every column: what goes in comes out, and comes out the same the second time.

import { beforeAll, expect, test } from 'vitest';
import type { ProposalRecord, UpworkProfileRecord } from '../../src/core/records.ts';
import { acquireLease } from '../../src/store/stream-leases.ts';
import { jobsTable } from '../../src/store/record-tables/jobs.ts';
import { proposalsTable } from '../../src/store/record-tables/proposals.ts';
import type { RecordTable } from '../../src/store/record-tables/record-table.ts';
import { upworkProfilesTable } from '../../src/store/record-tables/upwork-profiles.ts';
import { removeRecords, upsertRecords, type UpsertResult } from '../../src/store/upsert.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { posting } from '../support/sample-posting.ts';
import { createSyncWorld, parseProposal, type SyncWorld } from '../support/sync-world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

const profile: UpworkProfileRecord = {
  upworkId: 'u1',
  username: 'ann',
  fullName: 'Ann',
  title: null,
  description: 'x',
  hourlyRate: '40.00',
  hourlyRateCurrency: 'USD',
  totalEarnings: null,
  totalEarningsCurrency: null,
  totalHours: '12.5',
  totalJobs: 3,
  successRate: '99',
  skills: [],
  location: null,
  profileUrl: null,
  memberSince: '2020-02-29',
  sourceUpdatedAt: null,
};

const proposal: ProposalRecord = parseProposal({ id: 'p1', postingId: 'j1', sentAt: '2026-03-01T10:00:00Z' });

interface Door {
  upsert<R>(table: RecordTable<R>, records: readonly R[]): Promise<UpsertResult>;
  remove<R>(table: RecordTable<R>, keys: readonly string[]): Promise<number>;
}

/** Writes to `world` under a lease of `holder`’s user. */
async function openDoor(world: SyncWorld, holder = world): Promise<Door> {
  const { jobId, workerId } = await holder.claim(await holder.addRun());
  const token = (await acquireLease(world.worker, jobId, workerId))!;
  const { integrationId, userId } = world;
  const target = { integrationId, userId, timezone: 'UTC', now: new Date() };
  const scope = { kind: 'lease', token } as const;
  return {
    upsert: (table, records) => world.worker.tx(scope, (tx) => upsertRecords(tx, table, target, records)),
    remove: async (table, keys) =>
      (await world.worker.tx(scope, (tx) => removeRecords(tx, table, target, keys))).removed,
  };
}

const one = { inserted: 1, changed: 0, unchanged: 0, stale: 0 };
const same = { inserted: 0, changed: 0, unchanged: 1, stale: 0 };

test('a posting comes out as it went in, is skipped when it is the same, and lives again after a removal', async () => {
  const world = await createSyncWorld(database);
  const door = await openDoor(world);
  expect(await door.upsert(jobsTable, [posting])).toMatchObject(one);
  const [row] = await database.asSuperuser('select * from jobs where integration_id = $1', [world.integrationId]);
  expect(row).toMatchObject({
    title: posting.title,
    skills: posting.skills,
    client_info: posting.clientDetails,
    budget_max: '1500.500000',
    hourly_rate_max: '20.123457',
    posted_date: posting.postedAt,
    is_active: true,
    is_favorite: false,
    deleted_at: null,
  });
  expect(await door.upsert(jobsTable, [{ ...posting, budgetMax: '1500.5' }])).toMatchObject(same);
  const older = { ...posting, title: 'old', sourceUpdatedAt: new Date('2026-03-01T10:59:59Z') };
  expect(await door.upsert(jobsTable, [older])).toMatchObject({ ...same, unchanged: 0, stale: 1 });
  expect(await door.remove(jobsTable, ['j1', 'unknown'])).toBe(1);
  expect(await door.remove(jobsTable, ['j1'])).toBe(0);
  expect(await door.upsert(jobsTable, [posting])).toMatchObject({ ...one, inserted: 0, changed: 1 });
});

test('a profile keeps its day and its empty list', async () => {
  const world = await createSyncWorld(database);
  const door = await openDoor(world);
  expect(await door.upsert(upworkProfilesTable, [profile])).toMatchObject(one);
  expect(await door.upsert(upworkProfilesTable, [profile])).toMatchObject(same);
  const [row] = await database.asSuperuser(
    'select *, member_since::text as since from upwork_profiles where integration_id = $1',
    [world.integrationId],
  );
  expect(row).toMatchObject({ since: '2020-02-29', skills: [] });
});

test('a proposal is linked when its posting arrives later', async () => {
  const world = await createSyncWorld(database);
  const door = await openDoor(world);
  await door.upsert(proposalsTable, [proposal]);
  expect((await world.proposals())[0]!.job_id).toBeNull();
  await door.upsert(jobsTable, [posting]);
  const [job] = await database.asSuperuser('select id from jobs where integration_id = $1', [world.integrationId]);
  expect((await world.proposals())[0]!.job_id).toBe(job!.id);
  expect(await door.upsert(proposalsTable, [proposal])).toMatchObject(same);
});

test('a lease of another user writes nothing', async () => {
  const [mine, theirs] = [await createSyncWorld(database), await createSyncWorld(database)];
  const door = await openDoor(theirs, mine);
  await expect(door.upsert(jobsTable, [posting])).rejects.toMatchObject({ code: 'db.forbidden' });
});
