// Messages that are not kept for ever, from the passes that seal their days to the months that go: what metrics say of those days stays.

import { expect, test } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { KEEP_DEFAULTS } from '../../src/core/keep-policy.ts';
import { keepPartitions } from '../../src/scheduler/partition-keeper.ts';
import { enqueueDuePasses } from '../../src/scheduler/retention.ts';
import { makeMonth } from '../../src/store/partitions.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createRetentionHandler } from '../../workers/retention.ts';
import type { Fact } from '../support/metric-facts.ts';
import { createMetricWorld } from '../support/metric-world.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createLedgerQueue, createTestClock } from '../support/scheduling.ts';

const database = await createTestDatabase();
const worker = database.open('tidemark_worker');
const scheduler = database.open('tidemark_scheduler');
const api = database.open('tidemark_api');
const keep = { ...KEEP_DEFAULTS, messages: 400 * DAY_MS };
const clock = createTestClock('2024-03-01T12:00:00Z');
const never = new AbortController().signal;

const said = (key: string, at: string, flag: boolean): Fact => ({
  kind: 'message',
  key,
  at: new Date(at),
  endedAt: null,
  cents: 0,
  currency: 'USD',
  flag,
});

/** The job that the scheduler asks for, as a worker has it in hand. */
async function pass(userId: string, withKeep = keep) {
  const [jobId, workerId] = [uuidv7(), uuidv7()];
  await database.asSuperuser(`insert into workers (id, hostname, pid, concurrency) values ($1, 'test', 1, 1)`, [
    workerId,
  ]);
  await database.asSuperuser(
    `insert into job_ledger (id, kind, queue, user_id, run_at, state, worker_id, max_attempts, created_at)
     values ($1, 'maintenance.retention', 'maintenance', $2, now(), 'active', $3, 5, now())`,
    [jobId, userId, workerId],
  );
  const handler = createRetentionHandler({ db: worker, clock, connectors: new Map(), config: { keep: withKeep } });
  return await handler({
    jobId,
    workerId,
    kind: 'maintenance.retention',
    queue: 'maintenance',
    payload: { userId },
    userId,
    workClass: 'incremental',
    attempt: 1,
    takeovers: 0,
    signal: never,
    draining: never,
    log: silentLog,
    progress: () => undefined,
  });
}

test('old days are sealed by passes, then their months go, and what was said of those days stays', async () => {
  const world = await createMetricWorld(database, { worker, api });
  const { userId } = world;
  await makeMonth(scheduler, 'messages', '2022-12-01');
  await world.put([
    said('a', '2022-12-05T10:00:00Z', true),
    said('c', '2022-12-06T10:00:00Z', false),
    said('e', '2024-02-20T10:00:00Z', true),
  ]);
  await world.roll();
  const days = () =>
    database.asSuperuser(
      `select date::text as date, sealed_at is not null as sealed, messages_in, messages_out, first_responses from user_metrics
       where user_id = $1 order by date`,
      [userId],
    );
  const before = await days();
  expect(before).toHaveLength(3);
  const keepMonths = () => keepPartitions({ db: scheduler, clock, log: silentLog, keep }, never);
  const messages = async (): Promise<number> =>
    (await database.asSuperuser('select from messages where user_id = $1', [userId])).length;
  await keepMonths();
  expect(await messages()).toBe(3);

  expect(await pass(userId, { ...keep, messages: null } as unknown as typeof keep)).toMatchObject({ kind: 'discard' });
  expect(await pass(userId)).toMatchObject({ kind: 'completed' });
  expect((await days()).map((day) => (day as { sealed: boolean }).sealed)).toEqual([true, true, false]);
  await keepMonths();
  expect(await messages()).toBe(1);
  expect(await database.asSuperuser('select from message_keys where user_id = $1', [userId])).toHaveLength(1);

  // Whatever marks such a day, and whatever of it comes again, changes nothing.
  await database.asSuperuser(`insert into dirty_days (user_id, day) values ($1, '2022-12-05'), ($1, '2022-12-06')`, [
    userId,
  ]);
  await world.roll();
  await world.put([said('a', '2022-12-05T10:00:00Z', true)]);
  await world.roll();
  const told = (rows: readonly object[]): unknown => rows.map((row) => ({ ...row, sealed: null }));
  expect(told(await days())).toEqual(told(before));
  expect(await database.asSuperuser('select from metric_adjustments where user_id = $1', [userId])).toEqual([]);
  await keepMonths();
  expect(await messages()).toBe(1);
});

test('a pass a day is asked for over every user with an account when messages are not kept for ever', async () => {
  await database.asSuperuser('delete from job_ledger');
  const queue = createLedgerQueue(scheduler, clock);
  const ask = (sealsDays: boolean): Promise<number> =>
    enqueueDuePasses({ db: scheduler, queue, clock, log: silentLog, limits: {}, sealsDays });
  expect(await ask(false)).toBe(0);
  // The pass before noted when it was made.
  expect(await ask(true)).toBe(0);
  clock.advance(DAY_MS + 1);
  expect(await ask(true)).toBe(1);
  expect(await ask(true)).toBe(0);
});
