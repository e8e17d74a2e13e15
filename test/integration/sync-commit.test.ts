// A page is stored once or not at all.

import { beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createSyncWorld, listed, pageOf, type SyncWorld } from '../support/sync-world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

const quarantined = (world: SyncWorld): Promise<Record<string, unknown>[]> =>
  database.asSuperuser('select * from sync_quarantine where integration_id = $1 order by record_key', [
    world.integrationId,
  ]);
const dirtyDays = async (world: SyncWorld): Promise<unknown[]> =>
  (
    await database.asSuperuser('select distinct day::text from dirty_days where user_id = $1 order by 1', [
      world.userId,
    ])
  ).map(({ day }) => day);

describe('rows', () => {
  test('a run stores its pages, its position and its counts', async () => {
    const world = await createSyncWorld(database);
    const { runId, outcome } = await world.sync(listed([[{ id: 'a' }, { id: 'b' }], [{ id: 'c' }]]));
    expect(outcome).toEqual({ kind: 'completed', result: { status: 'success' } });
    expect((await world.proposals()).map((row) => row.upwork_proposal_id)).toEqual(['a', 'b', 'c']);
    expect(await world.run(runId)).toMatchObject({
      status: 'success',
      sync_type: 'full',
      records_synced: 3,
      records_changed: 3,
      records_requested: 3,
      pages: 2,
      slices: 1,
    });
    const stream = await world.stream();
    expect(stream).toMatchObject({
      cursor: { v: 1, at: { n: 2 } },
      cursor_version: '2',
      lease_token: null,
      fence: '1',
    });
    expect(stream.last_full_at).toBeInstanceOf(Date);
    expect(stream.cursor).not.toHaveProperty('pass');
  });

  test('unchanged rows are not written again', async () => {
    const world = await createSyncWorld(database);
    await world.sync(listed([[{ id: 'a', text: 'one' }, { id: 'b' }]]));
    const before = await world.proposals();
    const { runId } = await world.sync(async function* () {
      yield pageOf([{ id: 'a', text: 'two' }, { id: 'b' }], 2);
    });
    const after = await world.proposals();
    expect(await world.run(runId)).toMatchObject({ records_synced: 2, records_changed: 1 });
    expect(after[0]).toMatchObject({ cover_letter: 'two', id: before[0]!.id });
    expect(after[1]).toEqual(before[1]);
  });

  test('an older version never overwrites a newer one, one of the same second does', async () => {
    const world = await createSyncWorld(database);
    const at = (second: number): string => `2026-03-01T10:00:0${second}Z`;
    const versions = [
      { id: 'a', text: 'second', updatedAt: at(2) },
      { id: 'a', text: 'first', updatedAt: at(1) },
      { id: 'a', text: 'second again', updatedAt: at(2) },
    ];
    await world.sync(listed([[versions[0]], [versions[1]]]));
    expect((await world.proposals())[0]).toMatchObject({ cover_letter: 'second' });
    await world.sync(async function* () {
      yield pageOf([versions[2]], 9);
    });
    expect((await world.proposals())[0]).toMatchObject({ cover_letter: 'second again' });
  });

  test('the first known instant of a step stays', async () => {
    const world = await createSyncWorld(database);
    await world.sync(
      listed([[{ id: 'a', viewedAt: '2026-03-01T10:00:00Z' }], [{ id: 'a', viewedAt: '2026-03-05T10:00:00Z' }]]),
    );
    expect((await world.proposals())[0]!.viewed_at).toEqual(new Date('2026-03-01T10:00:00Z'));
  });

  test('texts with quotes, backslashes, braces, NULL and NUL arrive as Postgres can keep them', async () => {
    const world = await createSyncWorld(database);
    const texts = ['"quoted"', 'back\\slash', '{a,b}', 'NULL', '', 'emoji 🌊', 'nul\0byte', 'half \ud83c'];
    const { runId } = await world.sync(listed([texts.map((text, index) => ({ id: String(index), text }))]));
    const stored = (await world.proposals()).map((row) => row.cover_letter);
    expect(stored).toEqual([...texts.slice(0, 6), 'nulbyte', 'half \ufffd']);
    expect(await world.run(runId)).toMatchObject({ status: 'success', metadata: { cleaned_texts: 2 } });
  });

  test('changed rows mark the local days of their old and new instants', async () => {
    const world = await createSyncWorld(database, { timezone: 'Asia/Tokyo' });
    await world.sync(
      listed([
        [
          { id: 'a', sentAt: '2026-03-01T20:00:00Z' },
          { id: 'b', sentAt: '2026-03-09T00:00:00Z' },
        ],
      ]),
    );
    expect(await dirtyDays(world)).toEqual(['2026-03-02', '2026-03-09']);
    await database.asSuperuser('delete from dirty_days');
    await world.sync(async function* () {
      yield pageOf(
        [
          { id: 'a', sentAt: '2026-03-04T20:00:00Z' },
          { id: 'b', sentAt: '2026-03-09T00:00:00Z' },
        ],
        2,
      );
    });
    expect(await dirtyDays(world)).toEqual(['2026-03-02', '2026-03-05']);
  });

  test('a duplicate key inside a page is folded, the newest wins', async () => {
    const world = await createSyncWorld(database);
    const { runId } = await world.sync(
      listed([
        [
          { id: 'a', text: 'new', updatedAt: '2026-03-02T00:00:00Z' },
          { id: 'a', text: 'old', updatedAt: '2026-03-01T00:00:00Z' },
        ],
      ]),
    );
    expect((await world.proposals()).map((row) => row.cover_letter)).toEqual(['new']);
    expect(await world.run(runId)).toMatchObject({ records_synced: 1, records_duplicate: 1, status: 'success' });
  });

  test('a page of more than a thousand records is stored whole', async () => {
    const world = await createSyncWorld(database);
    const { runId } = await world.sync(listed([Array.from({ length: 2500 }, (_, n) => ({ id: `r${n}` }))]));
    expect(await world.run(runId)).toMatchObject({ records_synced: 2500, status: 'success' });
    expect(await world.proposals()).toHaveLength(2500);
  });
});

describe('links', () => {
  test('a proposal finds its posting', async () => {
    const world = await createSyncWorld(database);
    await database.asSuperuser(
      `insert into jobs (user_id, integration_id, upwork_job_id, title, content_hash) values ($1, $2, 'j1', 'x', '')`,
      [world.userId, world.integrationId],
    );
    await world.sync(
      listed([
        [
          { id: 'a', postingId: 'j1' },
          { id: 'b', postingId: 'j2' },
        ],
      ]),
    );
    const [a, b] = await world.proposals();
    expect(a!.job_id).not.toBeNull();
    expect(b!.job_id).toBeNull();
  });
});

describe('bad records', () => {
  test('a page of garbage ends in quarantine and the run goes on, partial', async () => {
    const world = await createSyncWorld(database);
    const { runId } = await world.sync(listed([[null, 7, 'text', [], { no: 'key' }], [{ id: 'a' }]]));
    expect(await world.run(runId)).toMatchObject({ status: 'partial', records_failed: 5, records_synced: 1 });
    expect(await quarantined(world)).toHaveLength(5);
    expect(await world.proposals()).toHaveLength(1);
  });

  test('a quarantined record shows its shape and no value', async () => {
    const world = await createSyncWorld(database);
    await world.sync(listed([[{ id: 7, secret: 'the client’s name' }]]));
    const [row] = await quarantined(world);
    expect(row).toMatchObject({
      reason_code: 'record.invalid',
      path: 'id',
      redacted: { id: 'number', secret: 'text of 17' },
    });
  });

  test('a record that stays bad is kept once', async () => {
    const world = await createSyncWorld(database);
    const bad = [[{ id: 'a', amount: '1'.repeat(30) }, { wrong: true }]];
    await world.sync(listed(bad));
    const again = await world.sync(async function* () {
      yield pageOf(bad[0]!, 2);
    });
    expect(await quarantined(world)).toHaveLength(2);
    expect((await quarantined(world)).every((row) => row.run_id === again.runId)).toBe(true);
  });

  test('rows that the database refuses are found among their page', async () => {
    const world = await createSyncWorld(database);
    const records = Array.from({ length: 300 }, (_, n) => ({
      id: `r${String(n).padStart(3, '0')}`,
      amount: n % 97 === 5 ? '123456789012345678901.5' : '10.50',
      ...(n === 200 ? { status: 'nonsense' } : {}),
    }));
    const { runId } = await world.sync(listed([records]));
    expect((await quarantined(world)).map((row) => row.record_key)).toEqual(['r005', 'r102', 'r199', 'r200', 'r296']);
    expect((await quarantined(world))[3]!.reason).toContain('23514');
    expect(await world.run(runId)).toMatchObject({ status: 'partial', records_synced: 295, records_failed: 5 });
    expect(await world.proposals()).toHaveLength(295);
  });
});
