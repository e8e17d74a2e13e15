// A worker process that is killed while its handler computes, its event loop never turning again: what it has in hand, begun
// or claimed ahead, is taken over by the reaper and runs elsewhere, once.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { completed } from '../../queues/outcome.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Loop } from '../../src/lifecycle/loop.ts';
import { createReaper } from '../../src/scheduler/reaper.ts';
import { harnessOn } from '../conformance/queue/harness.ts';
import { DERIVED, LEDGERED } from '../conformance/queue/lanes.ts';
import { openBullMq, openPgBoss, type OpenEngine } from '../support/engines-under-test.ts';
import { hasRedisServer, NEEDS_REDIS_SERVER, startRedis, type PrivateRedis } from '../support/redis.ts';

const HOLDING_WORKER = new URL('../bench/processes/holding-worker.ts', import.meta.url);

function takeovers(openEngine: () => Promise<OpenEngine>): void {
  let engine: OpenEngine;
  let victim: ChildProcess;
  let reaper: Loop;
  beforeAll(async () => {
    engine = await openEngine();
  });
  beforeEach(() => {
    victim = fork(HOLDING_WORKER, [JSON.stringify(engine.address), 'busy'], { execArgv: [] });
  });
  afterEach(async () => {
    victim.kill('SIGKILL');
    await reaper.stop();
  });
  afterAll(() => engine?.driver.stop());

  test.each([LEDGERED, DERIVED])('what it has in hand of $title runs elsewhere, once', async (lane) => {
    const h = harnessOn(engine, lane);
    reaper = createReaper({
      db: h.databases.scheduler,
      clock: systemClock,
      log: h.log,
      takeOver: async (workerIds) => (await h.reconciler.takeOver(workerIds)).requeued,
    });
    const jobs = [await h.enqueue(), await h.enqueue()];
    await once(victim, 'message');
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    await reaper.start();
    const ran: string[] = [];
    const { workerId } = await h.consume((job) => Promise.resolve(completed(ran.push(job.jobId))));
    for (const jobId of jobs) expect(await h.until(jobId, 'completed')).toMatchObject({ attempts: 1, workerId });
    expect(ran.toSorted()).toEqual(jobs.toSorted());
    expect(h.log.events.filter(({ event }) => event === 'worker.dead')).toHaveLength(1);
    expect(h.log.events.filter(({ event }) => event === 'job.taken_over').length).toBeGreaterThan(0);
    expect(await engine.asSuperuser('select from job_ledger')).toEqual([]);
  });
}

describe('a computing worker that is killed, on pgboss', { timeout: 60_000 }, () => takeovers(openPgBoss));

describe('a computing worker that is killed, on bullmq', { timeout: 60_000 }, () => {
  if (!hasRedisServer()) {
    test.skip(`what it has in hand runs elsewhere, once (${NEEDS_REDIS_SERVER})`, () => undefined);
    return;
  }
  let redis: PrivateRedis | undefined;
  afterAll(() => redis?.stop());
  takeovers(async () => openBullMq((redis = await startRedis())));
});
