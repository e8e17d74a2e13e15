// Months of the tables that only grow: made ahead, also when their rows came first, and dropped when they are old.

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { DAY_MS } from '../../src/core/duration.ts';
import { KEEP_DEFAULTS } from '../../src/core/keep-policy.ts';
import type { Database } from '../../src/db/database.ts';
import { keepPartitions } from '../../src/scheduler/partition-keeper.ts';
import { dropMonth, listMonths, makeMonth, PARTITIONED_TABLES } from '../../src/store/partitions.ts';
import { addMetricAccount, sampleOf, type MetricAccount } from '../support/metrics.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRecordingLog, createTestClock } from '../support/scheduling.ts';

let database: TestDatabase;
let scheduler: Database;
let account: MetricAccount;
const NEVER = new AbortController().signal;
/** Long after any month that the migrations made. */
const FUTURE = '2041-05-17T10:00:00Z';

beforeAll(async () => {
  database = await createTestDatabase();
  scheduler = database.open('tidemark_scheduler');
  account = await addMetricAccount(database, database.open('tidemark_worker'), { timezone: 'Europe/Berlin' });
});

interface Said {
  readonly at: string;
  readonly direction?: 'inbound' | 'outbound';
  readonly removed?: true;
  readonly chat?: string;
}

/** A message as a page would store it; its id. */
async function say({ at, direction = 'inbound', removed, chat = 'c' }: Said, of = account): Promise<string> {
  const id = randomUUID();
  await database.asSuperuser(
    `with key as (
       insert into message_keys (integration_id, user_id, chat_key, platform_message_id, message_id, sent_at, content_hash)
       values ($2, $3, $4, $1::text, $1::uuid, $5, '')
     )
     insert into messages (id, integration_id, user_id, chat_key, platform_message_id, direction, status, sent_at, content_hash, deleted_at)
     values ($1::uuid, $2, $3, $4, $1::text, $6, 'received', $5, '', $7)`,
    [id, of.integrationId, of.userId, chat, at, direction, removed === undefined ? null : at],
  );
  return id;
}

async function seal(day: string): Promise<void> {
  await database.asSuperuser(
    `insert into user_metrics (user_id, date, timezone, currency, sealed_at, computed_at)
     values ($1, $2, 'Europe/Berlin', 'USD', now(), now())`,
    [account.userId, day],
  );
}

async function placeOf(id: string): Promise<string> {
  const [row] = await database.asSuperuser<{ place: string }>(
    'select tableoid::regclass::text as place from messages where id = $1',
    [id],
  );
  return row?.place ?? 'nowhere';
}

const months = async (table: 'messages' | 'platform_metrics' | 'audit_logs'): Promise<readonly string[]> =>
  (await listMonths(scheduler, table)).map(({ month }) => month);

test('this month and the next three are there for every table after a pass, and a second pass makes nothing', async () => {
  const clock = createTestClock(FUTURE);
  const log = createRecordingLog();
  await keepPartitions(
    { db: scheduler, clock, log, keep: { ...KEEP_DEFAULTS, audit: null, security: null, metric_days: null } },
    NEVER,
  );
  for (const table of PARTITIONED_TABLES) {
    const there = (await listMonths(scheduler, table)).map(({ month }) => month);
    expect(there).toEqual(expect.arrayContaining(['2041-05-01', '2041-06-01', '2041-07-01', '2041-08-01']));
  }
  expect(log.events).toHaveLength(16);
  await keepPartitions(
    { db: scheduler, clock, log, keep: { ...KEEP_DEFAULTS, audit: null, security: null, metric_days: null } },
    NEVER,
  );
  expect(log.events).toHaveLength(16);
});

test('a month whose rows came before it takes them in, to the microsecond, and nobody sees them missing or twice', async () => {
  const first = await say({ at: '2042-02-01T00:00:00Z' });
  const last = await say({ at: '2042-02-28T23:59:59.999999Z' });
  const [before, after] = [await say({ at: '2042-01-31T23:59:59.999999Z' }), await say({ at: '2042-03-01T00:00:00Z' })];
  expect(await placeOf(first)).toBe('messages_default');
  expect(await makeMonth(scheduler, 'messages', '2042-02-14')).toBe(2);
  const places = await Promise.all([first, last, before, after].map(placeOf));
  expect(places).toEqual(['messages_204202', 'messages_204202', 'messages_default', 'messages_default']);
  expect(await placeOf(await say({ at: '2042-02-10T00:00:00Z' }))).toBe('messages_204202');
  // The month has what every other one has: keys, indexes, policies.
  const shapes = await database.asSuperuser<{ shape: unknown }>(
    `select jsonb_build_array(
       (select count(*) from pg_index i where i.indrelid = c.oid), (select count(*) from pg_constraint k where k.conrelid = c.oid),
       (select jsonb_agg(distinct p.policyname) from pg_policies p where p.tablename = c.relname), c.relrowsecurity,
       c.relforcerowsecurity) as shape
     from pg_class c where c.relname in ('messages_204202', 'messages_204105', to_char(now(), '"messages_"YYYYMM'))`,
  );
  expect(new Set(shapes.map(({ shape }) => JSON.stringify(shape))).size).toBe(1);
});

test('two schedulers that make one month make it once', async () => {
  const id = await say({ at: '2043-01-05T00:00:00Z' });
  const other = database.open('tidemark_scheduler', 1);
  const made = await Promise.all([scheduler, other].map((db) => makeMonth(db, 'messages', '2043-01-01')));
  expect(new Set(made)).toEqual(new Set([1, null]));
  expect(await placeOf(id)).toBe('messages_204301');
});

test('who holds the table for long is not waited for, and a later pass makes what is missing', async () => {
  const reader = database.open('tidemark_owner', 1);
  await reader.tx({ kind: 'none' }, async (tx) => {
    await tx.query('lock table audit_logs_default in access share mode');
    await expect(makeMonth(scheduler, 'audit_logs', '2044-01-01')).rejects.toMatchObject({ code: 'db.serialization' });
  });
  expect(await months('audit_logs')).not.toContain('2044-01-01');
  expect(await makeMonth(scheduler, 'audit_logs', '2044-01-01')).toBe(0);
});

test('a page that stores messages goes on while a month is made', async () => {
  const worker = database.open('tidemark_worker', 1);
  await worker.query('select 1');
  const page = await database.open('tidemark_owner', 1).tx({ kind: 'none' }, async (tx) => {
    await tx.query(
      `insert into messages (id, integration_id, user_id, chat_key, platform_message_id, status, sent_at, content_hash)
       values ($1, $2, $3, 'c', 'p', 'received', now(), '')`,
      [randomUUID(), account.integrationId, account.userId],
    );
    // It holds its rows' month, not the default one.
    return await makeMonth(scheduler, 'messages', '2045-01-01');
  });
  expect(page).toBe(0);
});

describe('what is older than it is kept', () => {
  const NOW = '2024-03-01T12:00:00Z';
  const YEAR = {
    ...KEEP_DEFAULTS,
    audit: 366 * DAY_MS,
    security: null,
    metric_days: 366 * DAY_MS,
    messages: 366 * DAY_MS,
  };

  async function pass(keep = YEAR) {
    const log = createRecordingLog();
    await keepPartitions({ db: scheduler, clock: createTestClock(NOW), log, keep }, NEVER);
    const told = log.events.filter(({ event }) => event !== 'partition.made');
    return told.map(({ event, fields }) => `${event} ${String(fields['partition'])}`);
  }

  const actions = async (): Promise<readonly unknown[]> =>
    (await database.asSuperuser(`select action from audit_logs where at < '2024-01-01' order by at`)).map(
      ({ action }) => action,
    );

  test('goes by whole months, and row by row where there are none', async () => {
    for (const month of ['2023-01-01', '2023-02-01', '2023-03-01']) await makeMonth(scheduler, 'audit_logs', month);
    await database.asSuperuser(`
      insert into audit_logs (at, action, outcome) values
        ('2020-01-01', 'without a month', 'done'), ('2023-01-31T23:59:59Z', 'old', 'done'),
        ('2023-02-28T23:59:59Z', 'in a month that ended by then', 'done'), ('2023-03-01T00:00:00Z', 'young', 'done')`);
    expect(await pass()).toEqual(['partition.dropped audit_logs_202301', 'partition.dropped audit_logs_202302']);
    expect(await actions()).toEqual(['young']);
    expect(await pass()).toEqual([]);
  });

  test('is nothing where it is kept for ever', async () => {
    await makeMonth(scheduler, 'security_logs', '2001-01-01');
    expect(await pass()).toEqual([]);
    expect((await listMonths(scheduler, 'security_logs')).map(({ month }) => month)).toContain('2001-01-01');
  });

  test('is never a month that is not over by the clock of the database, whatever a scheduler thinks that it is', async () => {
    await makeMonth(scheduler, 'audit_logs', '2090-01-01');
    const inYears = new Date('2099-01-01T00:00:00Z');
    expect(await dropMonth(scheduler, { table: 'audit_logs', month: '2090-01-01' }, inYears)).toBe('young');
    await expect(dropMonth(scheduler, { table: 'users' as 'messages', month: '2020-01-01' }, inYears)).rejects.toThrow(
      'expected a partitioned table',
    );
  });

  test('of metrics takes the day with it, and readers are told since when there are any', async () => {
    await makeMonth(scheduler, 'platform_metrics', '2022-06-01');
    await account.add(sampleOf('api_calls', new Date('2022-06-10T10:00:00Z'), [1]));
    await account.add(sampleOf('api_calls', new Date('2021-06-10T10:00:00Z'), [1]));
    expect(await pass()).toEqual(['partition.dropped platform_metrics_202206']);
    expect(await database.asSuperuser(`select from platform_metrics where period_start < '2023-01-01'`)).toEqual([]);
    const [kept] = await database.asSuperuser(`select kept_from from platform_metric_horizons where period = 'day'`);
    expect(kept).toEqual({ kept_from: new Date('2022-07-01T00:00:00Z') });
  });

  test('of messages stays until every day that is computed from it is sealed, in the zone of its user', async () => {
    await makeMonth(scheduler, 'messages', '2022-08-01');
    // In Berlin it was September by then; a removed one counts for nothing.
    await say({ at: '2022-08-31T22:30:00Z', direction: 'outbound' });
    await say({ at: '2022-08-05T10:00:00Z', removed: true });
    expect(await pass()).toEqual(['partition.unsealed messages_202208']);
    await seal('2022-08-31');
    expect(await pass()).toEqual(['partition.unsealed messages_202208']);
    await seal('2022-09-01');
    await database.asSuperuser(`insert into dirty_days (user_id, day) values ($1, '2022-09-01')`, [account.userId]);
    expect(await pass()).toEqual(['partition.unsealed messages_202208']);
    await database.asSuperuser('delete from dirty_days');
    expect(await pass()).toEqual(['partition.dropped messages_202208']);
    const keys = await database.asSuperuser(
      `select from message_keys where sent_at between '2022-08-01' and '2022-09-01'`,
    );
    expect(keys).toEqual([]);
  });

  test('of messages stays while an answer in a later month counts on a day that is open', async () => {
    await makeMonth(scheduler, 'messages', '2022-10-01');
    await say({ at: '2022-10-30T10:00:00Z', chat: 'asked' });
    await say({ at: '2023-06-02T10:00:00Z', chat: 'asked', direction: 'outbound' });
    await seal('2022-10-30');
    expect(await pass()).toEqual(['partition.unsealed messages_202210']);
    await seal('2023-06-02');
    expect(await pass()).toEqual(['partition.dropped messages_202210']);
  });

  test('and has no month is left alone, too, while a day of it is open', async () => {
    const id = await say({ at: '2016-05-05T10:00:00Z', chat: 'old' });
    await pass();
    expect(await placeOf(id)).toBe('messages_default');
    await seal('2016-05-05');
    await pass();
    expect(await placeOf(id)).toBe('nowhere');
    expect(await database.asSuperuser('select from message_keys where message_id = $1', [id])).toEqual([]);
  });

  test('is dropped by one of two schedulers, and the other one finds it gone', async () => {
    await makeMonth(scheduler, 'audit_logs', '2019-01-01');
    const dropped = { table: 'audit_logs', month: '2019-01-01' } as const;
    const other = database.open('tidemark_scheduler', 1);
    const fates = await Promise.allSettled([scheduler, other].map((db) => dropMonth(db, dropped, new Date(NOW))));
    const told = fates.map((fate) => (fate.status === 'fulfilled' ? fate.value : 'failed'));
    expect(told).toContain('gone');
    expect(await dropMonth(scheduler, dropped, new Date(NOW))).toBe('young');
  });

  test('is nobody else’s to drop: not the worker’s and not the api’s', async () => {
    for (const role of ['tidemark_worker', 'tidemark_api', 'tidemark_readonly'] as const)
      for (const call of [
        `tidemark_private.make_partition('messages', '2020-01-01')`,
        `tidemark_private.drop_partition('messages', '2020-01-01', now())`,
        `tidemark_private.prune_default_partition('messages', now(), 1)`,
      ])
        await expect(database.open(role, 1).query(`select ${call}`)).rejects.toMatchObject({ code: 'db.forbidden' });
  });
});
