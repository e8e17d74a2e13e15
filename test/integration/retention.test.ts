// A pass over a user's copies: what goes, what stays, and what it never looks at.

import { beforeAll, describe, expect, test } from 'vitest';
import type { Tx } from '../../src/db/database.ts';
import { HOUR_MS } from '../../src/core/duration.ts';
import { jobsTable } from '../../src/store/record-tables/jobs.ts';
import { tableOf } from '../../src/store/record-tables/tables.ts';
import { eraseExpired } from '../../src/store/retention.ts';
import { upsertRecords } from '../../src/store/upsert.ts';
import type { EventLog } from '../../src/telemetry/event-log.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  atNow,
  createRetentionWorld,
  hoursAgo,
  NOW,
  ownRows,
  type RetentionWorld,
} from '../support/retention-world.ts';
import { posting } from '../support/sample-posting.ts';
import { waitFor } from '../support/wait.ts';

let database: TestDatabase;
let world: RetentionWorld;
beforeAll(async () => {
  database = await createTestDatabase();
});

async function fresh(): Promise<RetentionWorld> {
  world = await createRetentionWorld(database);
  return world;
}

const erased = (jobs: number, raw = 0): unknown => ({
  kind: 'completed',
  result: {
    erased: [
      { platform: 'upwork', table: 'jobs', rows: jobs },
      { platform: 'upwork', table: 'sync_quarantine', rows: raw },
    ],
  },
});

/** `upsert` of postings under a lease of the world's user. */
async function store(records: readonly (typeof posting)[], now: Date, noteBefore?: Date) {
  const { userId, integrationId } = world;
  const target = { userId, integrationId, timezone: 'UTC', now, ...(noteBefore === undefined ? {} : { noteBefore }) };
  return await world.leased((tx) => upsertRecords(tx, jobsTable, target, records));
}

describe('what goes', () => {
  test('is what was last written or seen before the limit, to the millisecond', async () => {
    const { addPosting, pass, postings } = await fresh();
    await addPosting({ key: 'a: over', ageHours: 24 + 1 / HOUR_MS });
    await addPosting({ key: 'b: at it', ageHours: 24 });
    await addPosting({ key: 'c: seen since', ageHours: 900, seenHoursAgo: 23 });
    await addPosting({ key: 'd: seen too long ago', ageHours: 900, seenHoursAgo: 25 });
    expect(await pass()).toEqual(erased(2));
    expect(await postings()).toEqual(['b: at it', 'c: seen since']);
  });

  test('is really deleted, tombstones and sealed raw records of that age too', async () => {
    const { addPosting, addRaw, pass, postings, raw } = await fresh();
    await addPosting({ key: 'removed', ageHours: 25, isRemoved: true });
    await addRaw('jobs', 25);
    await addRaw('jobs', 1);
    await addRaw('proposals', 900);
    expect(await pass()).toEqual(erased(1, 1));
    expect(await postings()).toEqual([]);
    expect(await raw()).toEqual(['jobs 1', 'proposals 900']);
  });

  test('is nothing without a limit', async () => {
    const { addPosting, addRaw, pass, postings, raw } = await fresh();
    await addPosting({ key: 'old', ageHours: 9_000 });
    await addRaw('jobs', 9_000);
    expect(await pass({ limits: {} })).toMatchObject({ kind: 'discard' });
    expect(await database.asSuperuser('select from retention_passes where user_id = $1', [world.userId])).toEqual([]);
    expect(await pass({ limits: { ozon: HOUR_MS } })).toEqual({ kind: 'completed', result: { erased: [] } });
    expect([await postings(), await raw()]).toEqual([['old'], ['jobs 9000']]);
  });
});

describe('what stays', () => {
  test('is a favourite, and whatever a proposal, an offer or a contract names by either id', async () => {
    const { addPosting, addNaming, pass, postings } = await fresh();
    const kept = ['favourite'];
    await addPosting({ key: 'favourite', ageHours: 900, isFavorite: true });
    for (const table of ['proposals', 'offers', 'contracts'] as const) {
      kept.push(`${table} by id`, `${table} by key`);
      const jobId = await addPosting({ key: `${table} by id`, ageHours: 900 });
      await addNaming(table, { jobId });
      await addPosting({ key: `${table} by key`, ageHours: 900 });
      await addNaming(table, { key: `${table} by key` });
    }
    await addPosting({ key: 'nobody’s', ageHours: 900 });
    expect(await pass()).toEqual(erased(1));
    expect(await postings()).toEqual(kept.toSorted());
  });

  test('is every row of every table that is the user’s own', async () => {
    const { addPosting, addNaming, pass, postings } = await fresh();
    await addPosting({ key: 'x', ageHours: 900 });
    await addNaming('proposals', { key: 'another' });
    await addNaming('contracts', {});
    await addNaming('offers', {});
    const before = await ownRows(database);
    await pass();
    expect(await postings()).toEqual([]);
    expect(await ownRows(database)).toEqual(before);
    expect(before['proposals']!.length).toBeGreaterThan(0);
  });

  test('is everything of another user, whatever the job says', async () => {
    const other = await fresh();
    await other.addPosting({ key: 'shared', ageHours: 900 });
    const mine = await fresh();
    await mine.addPosting({ key: 'shared', ageHours: 900 });
    // What another user applied for is no reason to keep my copy.
    await other.addNaming('proposals', { key: 'shared' });
    await expect(mine.pass({}, other.userId)).rejects.toMatchObject({ code: 'db.forbidden' });
    expect(await mine.pass()).toEqual(erased(1));
    expect([await mine.postings(), await other.postings()]).toEqual([[], ['shared']]);
  });

  test('is a row that another transaction has in hand, until the next pass', async () => {
    const { addPosting, pass, postings } = await fresh();
    const id = await addPosting({ key: 'held', ageHours: 25 });
    await addPosting({ key: 'free', ageHours: 25 });
    const api = database.open('tidemark_api', 1);
    await api.tx({ kind: 'user', userId: world.userId }, async (tx) => {
      await tx.query('update jobs set is_favorite = true where id = $1', [id]);
      expect(await pass()).toEqual(erased(1));
    });
    expect(await postings()).toEqual(['held']);
    expect(await pass()).toEqual(erased(0));
  });

  test('is a posting that a page under way is about to name', async () => {
    const { addPosting, addNaming, pass, postings, integrationId } = await fresh();
    await addPosting({ key: 'wanted', ageHours: 900 });
    const page = database.open('tidemark_scheduler', 1);
    const passed = await page.tx({ kind: 'none' }, async (tx) => {
      // As a page does first: it takes the row of its stream.
      await tx.query(`update integration_streams set updated_at = now() where integration_id = $1 and stream = $2`, [
        integrationId,
        'proposals',
      ]);
      const outcome = pass();
      await waitFor(async () => (await database.asSuperuser(`select from pg_locks where not granted`)).length > 0, {
        what: 'the pass to wait for the page',
      });
      await addNaming('proposals', { key: 'wanted' });
      return { outcome };
    });
    expect(await passed.outcome).toEqual(erased(0));
    expect(await postings()).toEqual(['wanted']);
  });
});

describe('a pass', () => {
  /** Fires after as many batches. */
  function stopAfter(batches: number): { readonly log: EventLog; readonly signal: AbortSignal } {
    const stop = new AbortController();
    let seen = 0;
    const log: EventLog = {
      emit: (event) => void (event === 'retention.erased' && ++seen === batches && stop.abort()),
      with: () => log,
    };
    return { log, signal: stop.signal };
  }

  async function addMany(count: number): Promise<void> {
    await database.asSuperuser(
      `insert into jobs (user_id, integration_id, upwork_job_id, title, content_hash, updated_at)
       select $1, $2, n::text, 'T', '\\x00', $3 from generate_series(1, $4::int) n`,
      [world.userId, world.integrationId, hoursAgo(30), count],
    );
  }

  test('that is told to drain stops after the batch in hand, and the next one does the rest', async () => {
    const { pass, postings } = await fresh();
    await addMany(1_200);
    const { log, signal: draining } = stopAfter(1);
    expect(await pass({ log, draining })).toMatchObject({ kind: 'snooze', delayMs: 0 });
    expect(await postings()).toHaveLength(700);
    expect(await database.asSuperuser('select from retention_passes where user_id = $1', [world.userId])).toEqual([]);
    expect(await pass()).toEqual(erased(700));
  });

  test('that is cancelled fails, and nothing of what it erased comes back', async () => {
    const { pass, postings } = await fresh();
    await addMany(700);
    await expect(pass(stopAfter(1))).rejects.toMatchObject({ name: 'AbortError' });
    expect(await postings()).toHaveLength(200);
  });

  test('notes when it has looked through everything', async () => {
    const { pass, userId } = await fresh();
    await pass();
    const [row] = await database.asSuperuser('select passed_at from retention_passes where user_id = $1', [userId]);
    expect(row).toEqual({ passed_at: NOW });
    await pass({ clock: { ...atNow, now: () => hoursAgo(1) } });
    expect(await database.asSuperuser('select passed_at from retention_passes where user_id = $1', [userId])).toEqual([
      row,
    ]);
  });
});

describe('a posting that comes again', () => {
  test('after it went is stored as a new row, linked to what names it', async () => {
    const { pass, postings, addNaming } = await fresh();
    expect(await store([posting], hoursAgo(30))).toMatchObject({ inserted: 1 });
    const [first] = await database.asSuperuser('select id from jobs where user_id = $1', [world.userId]);
    expect(await pass()).toEqual(erased(1));
    await addNaming('proposals', { key: posting.upworkJobId });
    expect(await store([posting], NOW)).toMatchObject({ inserted: 1, changed: 0, unchanged: 0 });
    const rows = await database.asSuperuser(
      'select j.id <> $2 as is_new, p.job_id = j.id as is_linked from jobs j join proposals p using (user_id) where user_id = $1',
      [world.userId, first!['id']],
    );
    expect(rows).toEqual([{ is_new: true, is_linked: true }]);
    expect(await pass()).toEqual(erased(0));
    expect(await postings()).toEqual([posting.upworkJobId]);
  });

  test('unchanged is as young as if it had been written, and is noted only when it is getting old', async () => {
    const { pass, postings } = await fresh();
    await store([posting], hoursAgo(30));
    const versions = (): Promise<Record<string, unknown>[]> =>
      database.asSuperuser('select xmin::text, seen_at, updated_at from jobs where user_id = $1', [world.userId]);
    const written = await versions();
    expect(await store([posting], hoursAgo(29), hoursAgo(31))).toMatchObject({ unchanged: 1 });
    expect(await store([posting], hoursAgo(29))).toMatchObject({ unchanged: 1 });
    expect(await versions()).toEqual(written);
    expect(await store([posting], hoursAgo(6), hoursAgo(8))).toMatchObject({ unchanged: 1, changed: 0 });
    expect(await versions()).toMatchObject([{ seen_at: hoursAgo(6), updated_at: hoursAgo(30) }]);
    expect(await pass()).toEqual(erased(0));
    expect(await postings()).toEqual([posting.upworkJobId]);
  });
});

test('a look at a hundred thousand young copies is a look at one end of an index', async () => {
  const { userId, integrationId, addPosting } = await fresh();
  await database.asSuperuser(
    `insert into jobs (user_id, integration_id, upwork_job_id, title, content_hash, updated_at)
     select $1, $2, n::text, repeat('T', 200), '\\x00', $3 from generate_series(1, 100000) n`,
    [userId, integrationId, hoursAgo(1)],
  );
  await addPosting({ key: 'old', ageHours: 25 });
  await database.asSuperuser('analyze jobs');
  const expired = { table: tableOf('posting'), userId, integrationId, before: hoursAgo(24) };
  const plan: string[] = [];
  await world.leased((tx) => {
    const query: Tx['query'] = async (text, values) => {
      const { rows } = await tx.query<{ 'QUERY PLAN': string }>(`explain (analyze, buffers) ${text}`, values);
      plan.push(...rows.map((row) => row['QUERY PLAN']));
      return { rows: [], rowCount: 0 };
    };
    return eraseExpired({ query }, expired, 500);
  });
  const text = plan.join('\n');
  expect(text).toMatch(/Index Scan using jobs_age on jobs t .*rows=1(\.00)? loops=1/);
  expect(text).toMatch(/Index Cond: .*GREATEST\(updated_at, seen_at\) </);
  expect(text).not.toContain('Seq Scan on jobs');
});
