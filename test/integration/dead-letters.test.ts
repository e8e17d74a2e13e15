// Replays that something gets in the way of: enqueues of the same key, an engine that fails after the commit.

import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { createPgBossDriver } from '../../queues/drivers/pgboss/driver.ts';
import { installPgBoss } from '../../queues/drivers/pgboss/install.ts';
import type { EngineDriver } from '../../queues/driver.ts';
import { createJobQueue } from '../../queues/job-queue.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Database } from '../../src/db/database.ts';
import { recordLog } from '../conformance/queue/harness.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let pg: TestDatabase;
let api: Database;
let driver: EngineDriver;

beforeAll(async () => {
  pg = await createTestDatabase();
  await installPgBoss(pg.urlOf('tidemark_owner'));
  api = pg.open('tidemark_api', 10);
  driver = createPgBossDriver({ db: api, log: recordLog() });
  await driver.start();
  return () => driver.stop();
});

beforeEach(async () => {
  await pg.asSuperuser('delete from job_ledger');
});

function queueOn(engine: EngineDriver) {
  const log = recordLog();
  return { log, queue: createJobQueue({ db: api, driver: engine, clock: systemClock, log }) };
}

const request = (uniqueKey: string) => ({
  kind: 'credential.refresh' as const,
  payload: { integrationId: randomUUID() },
  userId: null,
  uniqueKey,
});

const kill = () => pg.asSuperuser(`update job_ledger set state = 'dead', settled_at = clock_timestamp()`);

test('a replay and enqueues of the same keys at once leave one unfinished job of each, and none is lost', async () => {
  const { queue } = queueOn(driver);
  for (let round = 0; round < 10; round++) {
    await pg.asSuperuser('delete from job_ledger');
    const keys = Array.from({ length: 8 }, (_, i) => `${round}-${i}`);
    await queue.enqueueMany(keys.map(request));
    await kill();
    const [replayed, enqueued] = await Promise.all([
      queue.replay({}),
      Promise.all(keys.map((key) => queue.enqueue(request(key)))),
    ]);
    const created = enqueued.filter((answer) => answer.created).length;
    expect(replayed).toEqual({ replayed: keys.length - created, left: created });
    const unfinished = await pg.asSuperuser<{ unique_key: string }>(
      `select unique_key from job_ledger where state <> 'dead' order by unique_key`,
    );
    expect(unfinished.map((row) => row.unique_key)).toEqual(keys);
  }
});

test('an engine that fails after the commit costs a copy in its dead letter, never the job', async () => {
  const failing = new Proxy(driver, {
    get(target, name) {
      if (name === 'remove') return () => Promise.reject(new Error('gone'));
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  const { queue, log } = queueOn(failing);
  const { jobId } = await queue.enqueue(request('k'));
  await kill();
  expect(await queue.retry(jobId)).toBe(true);
  expect(await queue.get(jobId)).toMatchObject({ state: 'waiting', attempts: 0 });
  expect(await driver.missing([{ id: jobId, queue: 'maintenance' }])).toEqual([]);
  expect(log.events).toContainEqual({ event: 'loop.failed', fields: expect.objectContaining({ part: 'replay' }) });
});

test('dead letters of the same instant are all taken, whatever the size of a batch', async () => {
  const { queue } = queueOn(driver);
  await queue.enqueueMany(Array.from({ length: 250 }, (_, i) => request(`${i}`)));
  await pg.asSuperuser(`update job_ledger set state = 'dead', settled_at = now()`);
  expect(await queue.previewReplay({})).toMatchObject({ total: 250, blocked: 0 });
  expect(await queue.replay({}, 210)).toEqual({ replayed: 210, left: 40 });
  expect(await queue.replay({})).toEqual({ replayed: 40, left: 0 });
});
