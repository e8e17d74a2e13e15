// The history of queues on both engines: what it counts is what ended, however the process or the database fares meanwhile.

import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { AppError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createHistoryRecorder, type HistoryRecorder } from '../../queues/history-recorder.ts';
import { completed, discard, snooze } from '../../queues/outcome.ts';
import { readQueueAges } from '../../queues/queue-age.ts';
import { harnessOn, type Harness, type TestHandler } from '../conformance/queue/harness.ts';
import { DERIVED, LEDGERED } from '../conformance/queue/lanes.ts';
import { openBullMq, openPgBoss, type OpenEngine } from '../support/engines-under-test.ts';
import { endsOf } from '../support/history.ts';
import { killSpawned, spawnModule } from '../support/processes/spawned.ts';
import { NEEDS_REDIS, openRedis } from '../support/redis.ts';
import { startTestScheduler } from '../support/test-scheduler.ts';
import { waitFor } from '../support/wait.ts';

const FORGET = `delete from job_ledger; delete from queue_controls; delete from queue_history;
  delete from queue_history_writers`;

/** Each job ends as its first letter says; the map is filled as jobs are enqueued. */
type Fate = 'completed' | 'discarded' | 'dead' | 'retried' | 'snoozed';

function obey(fates: ReadonlyMap<string, Fate>): TestHandler {
  const slept = new Set<string>();
  return ({ jobId, attempt }) => {
    const fate = fates.get(jobId);
    if (fate === 'dead') throw new AppError('queue.payload_invalid', 'expected another payload');
    if (fate === 'retried' && attempt === 1) throw new AppError('http.unavailable', 'no answer');
    if (fate === 'snoozed' && !slept.has(jobId)) {
      slept.add(jobId);
      return Promise.resolve(snooze(1, 'next slice'));
    }
    return Promise.resolve(fate === 'discarded' ? discard('nothing to do') : completed());
  };
}

function historySuite(name: string, open: () => Promise<OpenEngine>): void {
  describe(`history of queues on ${name}`, () => {
    let engine: OpenEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(async () => {
      await engine.driver.stop();
    });
    beforeEach(async () => {
      await engine.asSuperuser(FORGET);
    });
    afterEach(killSpawned);

    const recorderOn = (): HistoryRecorder => {
      const recorder = createHistoryRecorder({ db: engine.databases.worker, clock: systemClock, log: silentLog });
      onTestFinished(() => recorder.stop());
      return recorder;
    };

    /** Enqueues so many of each fate before anybody may take them; answers how to run them all to their ends. */
    async function arrange(h: Harness, wanted: Readonly<Record<Fate, number>>) {
      const fates = new Map<string, Fate>();
      for (const [fate, count] of Object.entries(wanted) as [Fate, number][])
        for (let i = 0; i < count; i++) fates.set(await h.enqueue(), fate);
      return async (history: HistoryRecorder): Promise<void> => {
        const consumer = await h.consume(obey(fates), { history });
        for (const id of fates.keys()) await h.until(id, 'completed', 'dead');
        await consumer.stop();
        await history.flush();
      };
    }

    for (const lane of [LEDGERED, DERIVED]) {
      test(`${lane.title} are counted by how they ended, once, in minutes, hours and days`, async () => {
        const h = harnessOn(engine, lane);
        const run = await arrange(h, { completed: 20, discarded: 2, dead: 4, retried: 3, snoozed: 2 });
        await run(recorderOn());
        const ends = { completed: 27, failed: 4, cancelled: 0, retried: 3 };
        for (const granularity of ['minute', 'hour', 'day'] as const)
          expect(await endsOf(engine.databases.api, lane.queue, granularity)).toEqual(ends);
        expect(
          await engine.asSuperuser('select count(*)::int as jobs from job_ledger where state = $1', ['dead']),
        ).toEqual([{ jobs: 4 }]);
      });

      test(`${lane.title} that end without a worker are counted: cancelled, poison, unfit`, async () => {
        const h = harnessOn(engine, lane);
        expect(await h.queue.cancel(await h.enqueue())).toBe(true);
        const poison = await h.enqueue();
        const { workerId } = await h.dieWith(poison);
        await h.reconciler.takeOver([workerId]);
        // As if four more had died of it.
        await engine.asSuperuser('update job_ledger set takeovers = 4 where id = $1', [poison]);
        const { workerId: last } = await h.dieWith(poison);
        expect(await h.reconciler.takeOver([last])).toEqual({ requeued: 0, poisoned: 1 });
        expect(await endsOf(engine.databases.api, lane.queue)).toEqual({
          completed: 0,
          failed: 1,
          cancelled: 1,
          retried: 0,
        });
      });
    }

    test('a queued job that does not fit its kind is counted as failed', async () => {
      const h = harnessOn(engine, LEDGERED);
      const id = await h.enqueue();
      await engine.asSuperuser(`update job_ledger set payload = '{"integrationId": "no"}' where id = $1`, [id]);
      await h.consume(() => Promise.resolve(completed()));
      await h.until(id, 'dead');
      expect(await endsOf(engine.databases.api, 'maintenance')).toMatchObject({ completed: 0, failed: 1 });
    });

    test('the oldest due job gives a queue its age; what is paused or for later does not', async () => {
      const { databases, driver } = engine;
      const ages = async () => {
        const all = await readQueueAges({ db: databases.scheduler, driver, clock: systemClock });
        return new Map(all.map(({ queue, oldestReadyMs }) => [queue, oldestReadyMs]));
      };
      const [ledgered, derived] = [harnessOn(engine, LEDGERED), harnessOn(engine, DERIVED)];
      await ledgered.enqueue({ runAt: new Date(Date.now() + 3_600_000) });
      expect(await ages()).toEqual(new Map());
      const waiting = [await ledgered.enqueue(), await ledgered.enqueue({ workClass: 'interactive' })];
      await engine.asSuperuser(`update job_ledger set run_at = run_at - interval '1 hour' where id = $1`, [waiting[0]]);
      const rollup = await derived.enqueue();
      const old = await waitFor(ages, { what: 'ages' });
      expect([...old.keys()].sort()).toEqual(['maintenance', 'metrics']);
      expect(old.get('maintenance')).toBeGreaterThanOrEqual(3_600_000);
      expect(old.get('metrics')).toBeLessThan(3_600_000);
      await ledgered.queue.pause('maintenance');
      expect([...(await ages()).keys()]).toEqual(['metrics']);
      await ledgered.queue.resume('maintenance');
      for (const id of [...waiting, rollup]) await ledgered.queue.cancel(id);
      expect(await ages()).toEqual(new Map());
    });

    test('the scheduler notes ages and forgets what is too old', async () => {
      const { address, databases } = engine;
      await databases.scheduler.query(
        `insert into queue_history (period, period_start, queue, completed)
         values ('minute', now() - interval '4 days', 'metrics', 1), ('hour', now() - interval '91 days', 'metrics', 1)`,
      );
      const h = harnessOn(engine, LEDGERED);
      const jobId = await h.enqueue();
      await engine.asSuperuser(`update job_ledger set run_at = now() - interval '1 hour' where id = $1`, [jobId]);
      const url = new URL(address.databaseUrl);
      url.username = 'tidemark_scheduler';
      const config = loadConfig({
        DATABASE_URL: url.href,
        ...(address.redisUrl === null ? {} : { REDIS_URL: address.redisUrl }),
      });
      const scheduler = await startTestScheduler(config, new Secret(url.href));
      onTestFinished(() => scheduler.stop());
      const rows = await waitFor(
        async () => {
          const found = await engine.asSuperuser<{ queue: string; age: number }>(
            'select queue, oldest_ready_ms as age from queue_history order by period',
          );
          return found.length === 2 && found.every(({ age }) => age !== null) && found;
        },
        { what: 'ages, and old rows to be gone' },
      );
      expect(rows.map(({ queue, age }) => [queue, age >= 3_600_000])).toEqual([
        ['maintenance', true],
        ['maintenance', true],
      ]);
      await h.queue.cancel(jobId);
    });

    test('a worker that is told to end, and the next one, leave every end counted', async () => {
      const { address, databases } = engine;
      const h = harnessOn(engine, LEDGERED);
      const integrationIds = Array.from({ length: 400 }, randomUUID);
      await h.queue.enqueueMany(integrationIds.map((integrationId) => h.request({ payload: { integrationId } })));
      const beginning = (letter: string): number => integrationIds.filter((id) => id.startsWith(letter)).length;
      const spawn = () =>
        spawnModule('counting-worker.ts', [], {
          PATH: process.env['PATH'],
          DATABASE_URL: address.databaseUrl,
          ...(address.redisUrl === null ? {} : { REDIS_URL: address.redisUrl }),
        });
      const left = async (): Promise<number> => {
        const { waiting, delayed, active } = await h.queue.counts('maintenance');
        return waiting + delayed + active;
      };
      const first = spawn();
      await waitFor(async () => (await left()) < 390, { what: 'the first worker to be in the middle of it' });
      first.kill('SIGTERM');
      expect(await first.ended).toEqual({ exitCode: 0, signal: null });
      expect(await left()).toBeGreaterThan(0);
      const second = spawn();
      await waitFor(async () => (await left()) === 0, { what: 'the second worker to end them all', timeoutMs: 40_000 });
      second.kill('SIGTERM');
      expect(await second.ended).toEqual({ exitCode: 0, signal: null });
      expect(await endsOf(databases.api, 'maintenance')).toEqual({
        completed: 400 - beginning('d'),
        failed: beginning('d'),
        cancelled: 0,
        retried: beginning('e'),
      });
    }, 60_000);
  });
}

const redis = await openRedis();
historySuite('pgboss', openPgBoss);
if (redis === null) test.skip(`history of queues on bullmq (${NEEDS_REDIS})`, () => undefined);
else {
  afterAll(() => redis.stop());
  historySuite('bullmq', () => openBullMq(redis));
}
