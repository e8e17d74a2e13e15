// Snapshots: what a complete generation no longer has is removed, unless that looks like a broken answer.

import { beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createSyncWorld, type Read, type SyncWorld } from '../support/sync-world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

let generation = 0;
const snapshot = (pages: readonly (readonly unknown[])[], key = 'all', closes = true): Read =>
  async function* () {
    generation += 1;
    for (const [index, records] of pages.entries()) {
      const close = closes && index === pages.length - 1;
      const mode = { kind: 'scope', key, generation: String(generation), close } as const;
      yield { records, mode, checkpoint: { n: generation * 1000 + index } };
    }
  };
const idsOf = (n: number): { id: string; sentAt: string }[] =>
  Array.from({ length: n }, (_, i) => ({ id: `r${String(i).padStart(3, '0')}`, sentAt: '2026-03-01T00:00:00Z' }));
const live = async (world: SyncWorld): Promise<unknown[]> =>
  (await world.proposals()).filter((row) => row.deleted_at === null).map((row) => row.upwork_proposal_id);

test('closing a generation removes what it did not contain, and a row that comes back lives again', async () => {
  const world = await createSyncWorld(database);
  await world.sync(snapshot([idsOf(2), idsOf(4).slice(2)]));
  await database.asSuperuser('delete from dirty_days');
  await world.sync(snapshot([idsOf(3)]));
  expect(await live(world)).toEqual(['r000', 'r001', 'r002']);
  expect(await database.asSuperuser('select day::text from dirty_days where user_id = $1', [world.userId])).toEqual([
    { day: '2026-03-01' },
  ]);
  await world.sync(snapshot([idsOf(4)]));
  expect(await live(world)).toHaveLength(4);
});

test('a generation that was not closed removes nothing', async () => {
  const world = await createSyncWorld(database);
  await world.sync(snapshot([idsOf(4)]));
  await world.sync(snapshot([idsOf(1)], 'all', false));
  expect(await live(world)).toHaveLength(4);
});

test('a record that could not be read is not removed', async () => {
  const world = await createSyncWorld(database);
  await world.sync(snapshot([idsOf(3)]));
  await world.sync(snapshot([[...idsOf(2), { id: 'r002', amount: '1'.repeat(40) }]]));
  expect(await live(world)).toHaveLength(3);
});

test('a record without a key keeps everything in place', async () => {
  const world = await createSyncWorld(database);
  await world.sync(snapshot([idsOf(3)]));
  const { runId } = await world.sync(snapshot([[...idsOf(1), { nothing: true }]]));
  expect(await live(world)).toHaveLength(3);
  expect(await world.run(runId)).toMatchObject({ status: 'partial' });
});

test('a row that another scope still has stays', async () => {
  const world = await createSyncWorld(database);
  await world.sync(snapshot([idsOf(3)], 'one'));
  await world.sync(snapshot([idsOf(3).slice(2)], 'two'));
  await world.sync(snapshot([idsOf(1)], 'one'));
  expect(await live(world)).toEqual(['r000', 'r002']);
});

test('the brake parks the stream before a mass removal, and a person’s word lets it through once', async () => {
  const world = await createSyncWorld(database);
  await world.sync(snapshot([idsOf(100)]));
  const { runId, outcome } = await world.sync(snapshot([idsOf(40)]));
  expect(outcome).toMatchObject({ result: { status: 'failed', parked: 'stream' } });
  expect(await world.run(runId)).toMatchObject({ status: 'failed', errors: [{ code: 'sync.delete_brake' }] });
  expect(await world.stream()).toMatchObject({ status: 'parked', status_code: 'sync.delete_brake' });
  expect(await live(world)).toHaveLength(100);
  await database.asSuperuser(
    `update integration_streams set status = 'active', allow_mass_delete = true where integration_id = $1`,
    [world.integrationId],
  );
  await world.sync(snapshot([idsOf(40)]));
  expect(await live(world)).toHaveLength(40);
  expect(await world.stream()).toMatchObject({ allow_mass_delete: false, status: 'active' });
});
