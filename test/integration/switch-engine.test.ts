// The switch from one engine to the other on a real PostgreSQL and a real Redis: whatever was unfinished is in the new
// engine afterwards, once, wherever the switch was interrupted.

import { Queue } from 'bullmq';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test, type TestContext } from 'vitest';
import { takeOverFromDead } from '../../src/app/engine-switch.ts';
import { systemClock } from '../../src/core/clock.ts';
import { otherEngine, type QueueEngine } from '../../src/core/queue-engines.ts';
import { claimEngine, readEngine, recordEngine } from '../../src/store/settings.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { deadLetterOf } from '../../queues/catalog.ts';
import type { ClaimRequest, EngineDriver } from '../../queues/driver.ts';
import { createReconciler } from '../../queues/reconcile.ts';
import { switchEngine, type SwitchDeps, type SwitchProgress } from '../../queues/switch-engine.ts';
import type { TestHandler } from '../conformance/queue/harness.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { hasRedisServer, NEEDS_REDIS_SERVER, startRedis, type PrivateRedis } from '../support/redis.ts';
import { skipUnless } from '../support/skip.ts';
import {
  arrangeJobs,
  countRuns,
  createSwitchWorld,
  keyedAgain,
  type Arranged,
  type SwitchWorld,
} from '../support/switch-world.ts';
import { waitFor } from '../support/wait.ts';

const database = await createTestDatabase();
const scheduler = database.open('tidemark_scheduler');
let redis: PrivateRedis | undefined;
let world: SwitchWorld;

beforeAll(async () => {
  if (!hasRedisServer()) return;
  redis = await startRedis();
  world = await createSwitchWorld(database, redis.url);
});
afterAll(async () => {
  await world?.stop();
  await redis?.stop();
});
beforeEach(async (context: TestContext) => {
  skipUnless(context, redis, NEEDS_REDIS_SERVER);
  await database.asSuperuser('delete from job_ledger');
  await database.asSuperuser('delete from pgboss.job');
  await database.asSuperuser('delete from workers');
  await redis.do('flushall');
});

/** A switch with nothing in its way; `over` puts something there. */
function depsFor(target: QueueEngine, over: Partial<SwitchDeps> = {}): SwitchDeps {
  const from = world.drivers[otherEngine(target)];
  const shared = { db: scheduler, clock: systemClock, log: silentLog };
  return {
    ...shared,
    from,
    to: world.drivers[target],
    record: () => recordEngine(scheduler, target),
    stragglers: () => Promise.resolve([]),
    takeOver: () => takeOverFromDead({ ...shared, driver: from }),
    timeoutMs: 10_000,
    noticeMs: 0,
    signal: AbortSignal.timeout(20_000),
    onProgress: () => undefined,
    ...over,
  };
}

const ledgerRows = () =>
  database.asSuperuser<{ id: string; state: string }>('select id, state from job_ledger order by id');

/** Everything is in the new engine, once, and runs there once; the old one holds nothing. */
async function expectArrived(jobs: Arranged, target: QueueEngine): Promise<void> {
  const source = otherEngine(target);
  expect(await world.held(source)).toEqual([]);
  expect(await world.drivers[source].counts(deadLetterOf('maintenance'))).toMatchObject({ waiting: 0 });
  const held = await world.held(target);
  const expected = [...jobs.waiting, jobs.snoozed, ...jobs.derived, jobs.derivedLater];
  expect(held.map(({ id }) => id).toSorted()).toEqual(expected.toSorted());
  const delayed = held.filter(({ state }) => state === 'delayed').map(({ id }) => id);
  expect(delayed.toSorted()).toEqual([jobs.snoozed, jobs.derivedLater].toSorted());
  for (const { runAt } of held.filter(({ state }) => state === 'delayed'))
    expect(runAt.getTime() - Date.now()).toBeGreaterThan(3_500_000);
  expect(await world.drivers[target].counts(deadLetterOf('maintenance'))).toMatchObject({ waiting: 1 });

  const queue = world.queueOn(target);
  const again = await queue.enqueue(keyedAgain(jobs));
  expect(again).toEqual({ jobId: jobs.derived[1], created: false });
  expect(await queue.get(jobs.dead)).toMatchObject({ state: 'dead', error: { code: 'internal' } });
  expect(await queue.retry(jobs.dead)).toBe(true);

  const runs = countRuns();
  const consumer = await world.consume(target, runs.handler);
  // The pending ones come from the ledger as their user gets room.
  const due = [...jobs.waiting, ...jobs.pending, ...jobs.derived, jobs.dead];
  await waitFor(() => due.every((id) => runs.counts.has(id)), { what: 'every due job to run' });
  await waitFor(async () => (await ledgerRows()).length === 1, { what: 'the ledger to empty' });
  expect([...runs.counts.keys()].toSorted()).toEqual(due.toSorted());
  expect(new Set(runs.counts.values())).toEqual(new Set([1]));
  expect(await ledgerRows()).toEqual([{ id: jobs.snoozed, state: 'admitted' }]);
  await consumer.stop();
}

describe.each([
  ['pgboss', 'bullmq'],
  ['bullmq', 'pgboss'],
] as const)('from %s to %s', (source, target) => {
  beforeEach(async () => {
    await recordEngine(scheduler, source);
  });

  test('every unfinished job is in the new engine, and runs there once', async () => {
    const jobs = await arrangeJobs(world, source);
    const moved = await switchEngine(depsFor(target));
    expect(moved).toEqual({ ledgered: 4, derived: 3, native: 0, dead: 1, left: 0 });
    expect(await readEngine(scheduler)).toBe(target);
    await expect(claimEngine(scheduler, source)).rejects.toMatchObject({ code: 'config.invalid' });
    await expectArrived(jobs, target);
  });

  test('history stays where it was', async () => {
    const queue = world.queueOn(source);
    const { jobId } = await queue.enqueue({
      kind: 'credential.refresh',
      payload: { integrationId: crypto.randomUUID() },
      userId: null,
    });
    const consumer = await world.consume(source, countRuns().handler);
    await waitFor(async () => (await queue.get(jobId))?.state === 'completed', { what: 'the job to complete' });
    await consumer.stop();
    await switchEngine(depsFor(target));
    expect(await world.drivers[source].get(jobId)).toMatchObject({ state: 'completed' });
    expect(await world.drivers[target].get(jobId)).toBeNull();
  });

  test('a second switch finds nothing to do and changes nothing', async () => {
    const jobs = await arrangeJobs(world, source);
    await switchEngine(depsFor(target));
    await switchEngine(depsFor(target));
    await expectArrived(jobs, target);
  });

  test('there and back again loses nothing', async () => {
    const jobs = await arrangeJobs(world, source);
    await switchEngine(depsFor(target));
    await switchEngine(depsFor(source));
    await expectArrived(jobs, source);
  });

  test('a worker that is still at work is waited for, and its job ends where it began', async () => {
    const { jobId } = await world.queueOn(source).enqueue({
      kind: 'credential.refresh',
      payload: { integrationId: crypto.randomUUID() },
      userId: null,
    });
    const gate = Promise.withResolvers<void>();
    const runs = countRuns();
    const consumer = await world.consume(source, async (job) => {
      await gate.promise;
      return await runs.handler(job);
    });
    await waitFor(() => consumer.activeCount === 1, { what: 'the job to start' });
    const seen: SwitchProgress[] = [];
    const switched = switchEngine(
      depsFor(target, {
        stragglers: async () => (consumer.activeCount > 0 ? ['a worker'] : []),
        onProgress: (progress) => void seen.push(progress),
      }),
    );
    await waitFor(() => seen.some(({ step, done, total }) => step === 'drain' && done === 0 && total === 1), {
      what: 'the switch to wait',
    });
    expect(await readEngine(scheduler)).toBe(target);
    gate.resolve();
    expect(await switched).toMatchObject({ ledgered: 0, derived: 0 });
    expect(runs.counts).toEqual(new Map([[jobId, 1]]));
    expect(await world.held(target)).toEqual([]);
  });

  test('workers that do not end stop the switch before anything has moved, and it can be run again', async () => {
    const jobs = await arrangeJobs(world, source);
    const before = await world.held(source);
    const stuck = depsFor(target, { stragglers: async () => ['host (process 7)'], timeoutMs: 300 });
    await expect(switchEngine(stuck)).rejects.toMatchObject({
      code: 'queue.engine_busy',
      message: expect.stringContaining('host (process 7)'),
    });
    expect(await world.held(source)).toEqual(before);
    expect(await world.held(target)).toEqual([]);
    await switchEngine(depsFor(target));
    await expectArrived(jobs, target);
  });

  test('jobs in the hands of a dead worker go over, and the worker that wakes up settles nothing', async () => {
    const queue = world.queueOn(source);
    const { jobId: ledgered } = await queue.enqueue({
      kind: 'credential.refresh',
      payload: { integrationId: crypto.randomUUID() },
      userId: null,
    });
    const userId = crypto.randomUUID();
    const { jobId: derived } = await queue.enqueue({
      kind: 'metrics.rollup',
      payload: { userId, day: '2026-01-01' },
      userId,
      uniqueKey: 'k',
    });
    const gate = Promise.withResolvers<void>();
    const late = countRuns();
    const frozen = { isFrozen: false };
    const work: TestHandler = async (job) => {
      await gate.promise;
      return await late.handler(job);
    };
    const zombie = await world.consume(source, work, freezing(world.drivers[source], frozen));
    await waitFor(() => zombie.activeCount === 2, { what: 'both jobs to start' });
    frozen.isFrozen = true;
    await database.asSuperuser(`update workers set heartbeat_at = now() - interval '1 minute'`);
    await switchEngine(depsFor(target));
    // A job that entered the ledger in the dead worker's name at the last moment is left to the scheduler's first look.
    await takeOverFromDead({ db: scheduler, driver: world.drivers[target], clock: systemClock, log: silentLog });
    expect((await world.held(target)).map(({ id }) => id).toSorted()).toEqual([ledgered, derived].toSorted());
    gate.resolve();
    await waitFor(() => late.counts.size === 2, { what: 'the zombie to end its jobs' });
    await zombie.stop();
    expect((await ledgerRows()).map(({ id }) => id)).toContain(ledgered);
    const runs = countRuns();
    await world.consume(target, runs.handler);
    await waitFor(() => runs.counts.size === 2, { what: 'both jobs to run again' });
    await waitFor(async () => (await ledgerRows()).length === 0, { what: 'the ledger to empty' });
    expect(new Set(runs.counts.values())).toEqual(new Set([1]));
  });

  test('a process on the new engine may start before everything has moved', async () => {
    const jobs = await arrangeJobs(world, source);
    // Its reconciler restores what the switch has not come to yet.
    const early = createReconciler({
      db: scheduler,
      driver: world.drivers[target],
      clock: systemClock,
      log: silentLog,
      graceMs: 0,
    });
    expect(await early.restoreLost()).toBe(4);
    await switchEngine(depsFor(target));
    await expectArrived(jobs, target);
  });

  describe('interrupted and run again', () => {
    test.each(['before', 'after'] as const)(
      '%s any call to an engine, it heals',
      { timeout: 120_000 },
      async (when) => {
        for (let nth = 1; ; nth++) {
          await database.asSuperuser('delete from job_ledger');
          await database.asSuperuser('delete from pgboss.job');
          await redis!.do('flushall');
          await recordEngine(scheduler, source);
          const jobs = await arrangeJobs(world, source);
          const fault = breakAt(nth, when);
          const broken = depsFor(target, {
            from: fault.wrap(world.drivers[source]),
            to: fault.wrap(world.drivers[target]),
          });
          const error = await switchEngine(broken).catch((thrown: unknown) => thrown);
          if (!fault.struck()) break;
          expect(error).toBeInstanceOf(Broken);
          await switchEngine(depsFor(target));
          await expectArrived(jobs, target);
          expect(nth).toBeLessThan(40);
        }
      },
    );

    test('by its signal, it stops at once and heals', async () => {
      const jobs = await arrangeJobs(world, source);
      const stopping = new AbortController();
      const switched = switchEngine(depsFor(target, { signal: stopping.signal, stragglers: async () => ['a worker'] }));
      await delay(0);
      stopping.abort();
      await expect(switched).rejects.toMatchObject({ name: 'AbortError' });
      await switchEngine(depsFor(target));
      await expectArrived(jobs, target);
    });
  });
});

describe('what came by the own door of BullMQ', () => {
  test('is enqueued, at its own time, and what fits no kind becomes a dead letter with the reason', async () => {
    await recordEngine(scheduler, 'bullmq');
    const payload = { integrationId: crypto.randomUUID() };
    const door = new Queue('maintenance', { connection: { url: redis!.url.reveal() }, prefix: '{tidemark}' });
    try {
      await door.add('credential.refresh', payload);
      await door.add('credential.refresh', payload, { delay: 3_600_000 });
      await door.add('no.such_kind', payload, { jobId: crypto.randomUUID() });
      const late = new Date(Date.now() + 3_500_000);
      expect(await switchEngine(depsFor('pgboss'))).toMatchObject({ native: 3, left: 0 });
      expect(await world.held('bullmq')).toEqual([]);
      const jobs = await world.queueOn('pgboss').list({ queue: 'maintenance' });
      expect(jobs.map(({ state, kind }) => `${state} ${kind}`).toSorted()).toEqual([
        'dead no.such_kind',
        'delayed credential.refresh',
        'waiting credential.refresh',
      ]);
      expect(jobs.find(({ state }) => state === 'dead')?.error).toMatchObject({ code: 'queue.unknown_kind' });
      expect(jobs.find(({ state }) => state === 'delayed')!.runAt.getTime()).toBeGreaterThan(late.getTime());
    } finally {
      await door.close();
    }
  });
});

test('an intent that nobody wants any more is not carried over', async () => {
  await recordEngine(scheduler, 'pgboss');
  const jobs = await arrangeJobs(world, 'pgboss');
  await database.asSuperuser('delete from job_ledger where id = any($1)', [jobs.waiting]);
  expect(await switchEngine(depsFor('bullmq'))).toMatchObject({ ledgered: 1, derived: 3, left: 0 });
  expect(await world.held('pgboss')).toEqual([]);
  expect((await world.held('bullmq')).map(({ id }) => id)).not.toContain(jobs.waiting[0]);
});

/** A driver of a worker that sleeps: it claims nothing more. */
function freezing(driver: EngineDriver, state: { readonly isFrozen: boolean }): EngineDriver {
  return new Proxy(driver, {
    get(target, name) {
      if (name === 'claim') return async (request: ClaimRequest) => (state.isFrozen ? [] : await target.claim(request));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

class Broken extends Error {}

const CHANGING: ReadonlySet<string> = new Set(['add', 'putBack', 'bury', 'remove', 'list', 'missing']);

/** The n-th call of both drivers fails, before or after it did its work: as if the process had been killed there. */
function breakAt(nth: number, when: 'before' | 'after') {
  let calls = 0;
  const wrap = (driver: EngineDriver): EngineDriver =>
    new Proxy(driver, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        const call = value.bind(target) as (...args: unknown[]) => unknown;
        if (!CHANGING.has(String(name))) return call;
        return async (...args: unknown[]) => {
          const strikes = ++calls === nth;
          if (strikes && when === 'before') throw new Broken();
          const result = await call(...args);
          if (strikes) throw new Broken();
          return result;
        };
      },
    });
  return { wrap, struck: () => calls >= nth };
}
