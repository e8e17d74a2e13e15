// When whose copies are looked through: the scheduler's side, which sees accounts and no copy.

import { expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import type { RetentionLimits } from '../../src/core/retention.ts';
import { enqueueDuePasses } from '../../src/scheduler/retention.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { arrangeIntegration, createLedgerQueue, createTestClock } from '../support/scheduling.ts';

const database = await createTestDatabase();
const db = database.open('tidemark_scheduler');
const api = database.open('tidemark_api');

function arrange() {
  const clock = createTestClock('2026-10-06T12:00:00Z');
  const queue = createLedgerQueue(db, clock);
  const enqueue = (limits: RetentionLimits, limit?: number): Promise<number> =>
    enqueueDuePasses({ db, queue, clock, log: silentLog, limits, ...(limit === undefined ? {} : { limit }) });
  return { clock, enqueue };
}

/** What a worker leaves behind at the end of a pass. */
async function settle(userId: string, passedAt: Date): Promise<void> {
  await database.asSuperuser('delete from job_ledger where user_id = $1', [userId]);
  await database.asSuperuser(
    `insert into retention_passes values ($1, $2) on conflict (user_id) do update set passed_at = $2`,
    [userId, passedAt],
  );
}

test('every user with an account is passed over each hour for a limit of a day, one job at a time', async () => {
  const { clock, enqueue } = arrange();
  const { userId } = await arrangeIntegration(api, { now: clock.now(), status: 'disconnected' });
  await api.tx({ kind: 'ops' }, (tx) =>
    tx.query(`insert into users (email, name) values ('alone@example.test', 'No account')`),
  );
  expect(await enqueue({})).toBe(0);
  expect(await enqueue({ ozon: HOUR_MS })).toBe(0);
  expect(await enqueue({ upwork: DAY_MS })).toBe(1);
  expect(await enqueue({ upwork: DAY_MS })).toBe(0);
  const jobs = await database.asSuperuser('select kind, queue, payload, unique_key, user_id from job_ledger');
  expect(jobs).toEqual([
    { kind: 'maintenance.retention', queue: 'maintenance', payload: { userId }, unique_key: userId, user_id: userId },
  ]);
  await settle(userId, clock.now());
  clock.advance(HOUR_MS);
  expect(await enqueue({ upwork: DAY_MS })).toBe(0);
  clock.advance(1);
  expect(await enqueue({ upwork: DAY_MS })).toBe(1);
  await settle(userId, clock.now());
  clock.advance(5 * MINUTE_MS + 1);
  // A shorter limit asks sooner, whenever the last pass was.
  expect(await enqueue({ upwork: 2 * HOUR_MS })).toBe(1);
  await settle(userId, clock.now());
});

test('a pass that went to the dead letter is asked for again after an hour', async () => {
  const { clock, enqueue } = arrange();
  const { userId } = await arrangeIntegration(api, { now: clock.now() });
  clock.advance(DAY_MS);
  expect(await enqueue({ upwork: DAY_MS })).toBe(2);
  await database.asSuperuser(`update job_ledger set state = 'dead', settled_at = $2 where user_id = $1`, [
    userId,
    clock.now(),
  ]);
  clock.advance(HOUR_MS - 1);
  expect(await enqueue({ upwork: DAY_MS })).toBe(0);
  clock.advance(2);
  expect(await enqueue({ upwork: DAY_MS })).toBe(1);
});

test('those that waited longest come first', async () => {
  await database.asSuperuser('delete from users');
  const { clock, enqueue } = arrange();
  const users = [];
  for (const hours of [2, 5, 3]) {
    const { userId } = await arrangeIntegration(api, { now: clock.now() });
    users.push(userId);
    await settle(userId, new Date(clock.now().getTime() - hours * HOUR_MS));
  }
  expect(await enqueue({ upwork: DAY_MS }, 2)).toBe(2);
  const jobs = await database.asSuperuser<{ user_id: string }>('select user_id from job_ledger');
  expect(jobs.map((job) => job.user_id).toSorted()).toEqual([users[1]!, users[2]!].toSorted());
});
