// How the engine on Redis fails, and that it comes back: Redis away, stopped, wiped, full, with another password; connections
// that break; answers that never come.

import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { EngineDriver } from '../../queues/driver.ts';
import { createBullMqDriver, type BullMqDriverOptions } from '../../queues/drivers/bullmq/driver.ts';
import { Secret } from '../../src/core/secret.ts';
import type { EventLog } from '../../src/telemetry/event-log.ts';
import { derivedJob, engineJob, TEST_OUTPUT as output, TEST_QUEUE } from '../support/engine-jobs.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { hasRedisServer, NEEDS_REDIS_SERVER, startRedis, type PrivateRedis } from '../support/redis.ts';
import { stressStartStop } from '../support/stress.ts';
import { eventRecorder, waitFor } from '../support/wait.ts';

const BASE = `{tidemark}:${TEST_QUEUE}:`;
const NEVER = new AbortController().signal;
const missing = hasRedisServer() ? '' : ` (${NEEDS_REDIS_SERVER})`;

let redis: PrivateRedis;
let driver: EngineDriver;
let log: ReturnType<typeof eventRecorder>;

function driverOn(url: Secret, options: Partial<BullMqDriverOptions> & { readonly log?: EventLog } = {}): EngineDriver {
  const made = createBullMqDriver({ url, log, ...options });
  onTestFinished(() => made.stop());
  return made;
}

function claim(limit = 10, queue = TEST_QUEUE) {
  return driver.claim({ workerId: 'worker-1', queues: [{ name: queue, limit }], limit });
}

const length = async (key: string): Promise<number> =>
  Number(await redis.do(key.endsWith('events') ? 'xlen' : 'zcard', key));

describe.skipIf(missing !== '')(`BullMQ engine${missing}`, () => {
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    await redis.do('flushall');
    log = eventRecorder();
    driver = driverOn(redis.url);
    await driver.start();
  });

  test('a Redis that may evict keys is refused by the name of its policy, unless that is accepted', async () => {
    await redis.do('config', 'set', 'maxmemory-policy', 'allkeys-lru');
    onTestFinished(async () => void (await redis.do('config', 'set', 'maxmemory-policy', 'noeviction')));
    const refused = driverOn(redis.url);
    await expect(refused.start()).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringMatching(/allkeys-lru.*TIDEMARK_REDIS_ALLOW_EVICTION=true/),
    });
    await expect(refused.epoch()).rejects.toMatchObject({ code: 'queue.engine_failed' });
    const accepting = driverOn(redis.url, { allowEviction: true });
    await accepting.start();
    expect(await accepting.epoch()).toBe(await driver.epoch());
  });

  test('a refused login is a matter of configuration and tells no password', async () => {
    const guarded = await startRedis({ password: 'right-pass' });
    onTestFinished(() => guarded.stop());
    const wrong = new Secret(guarded.url.reveal().replace('right-pass', 'wrong-pass'));
    const absent = new Secret(guarded.url.reveal().replace(':right-pass@', ''));
    for (const url of [wrong, absent]) {
      const thrown: unknown = await driverOn(url)
        .start()
        .catch((error: unknown) => error);
      expect(thrown).toMatchObject({ code: 'config.invalid' });
      expect(inspect([thrown, log.events], { depth: 12, showHidden: true })).not.toMatch(/-pass\b/);
    }
    const right = driverOn(guarded.url);
    await right.start();
    expect(right.health?.()).toEqual({ status: 'ok' });
  });

  test('a Redis that is not there is a failure that may pass', async () => {
    const nowhere = driverOn(new Secret('redis://127.0.0.1:1'));
    await expect(nowhere.start()).rejects.toMatchObject({ code: 'queue.engine_failed', kind: 'transient' });
    await nowhere.stop();
    expect(nowhere.health?.()).toMatchObject({ status: 'down' });
  });

  test('starts and stops in any order leave nothing open', async () => {
    await stressStartStop(() => createBullMqDriver({ url: redis.url, log }), { rounds: 3 });
  });

  test('while Redis is down commands fail at once, and everything works again when it is back, wiped', async () => {
    const [before, after] = [engineJob(), engineJob()];
    await driver.add([before]);
    const epoch = await driver.epoch();
    await redis.end('SIGKILL');
    await log.waitFor('engine.connection_lost');
    const begun = performance.now();
    await expect(driver.add([after])).rejects.toMatchObject({ code: 'queue.engine_failed' });
    await expect(claim()).rejects.toMatchObject({ code: 'queue.engine_failed' });
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(driver.health?.()).toMatchObject({ status: 'degraded' });
    expect(driver.capabilities.wakes).toBe(false);
    const hints: string[] = [];
    driver.onWake((reason) => void hints.push(reason));
    await redis.again();
    await waitFor(() => driver.capabilities.wakes, { what: 'the subscription' });
    expect(hints).toContain('jobs');
    await waitFor(() => driver.add([after]), { what: 'an answer' });
    expect(await driver.epoch()).not.toBe(epoch);
    expect(await driver.missing([before, after])).toEqual([before.id]);
    expect(await claim()).toMatchObject([{ id: after.id }]);
    await waitFor(() => driver.health, { what: 'health' });
    expect(driver.health?.()).toEqual({ status: 'ok' });
  });

  test('a Redis that stands still holds up nobody for long, and goes on where it was', async () => {
    await driver.add([engineJob()]);
    redis.pause();
    onTestFinished(() => redis.resume());
    const begun = performance.now();
    await expect(driver.add([engineJob()])).rejects.toMatchObject({ code: 'queue.engine_failed' });
    expect(performance.now() - begun).toBeLessThan(5_000);
    await expect(driverOn(redis.url).start()).rejects.toMatchObject({ code: 'queue.engine_failed' });
    redis.resume();
    // The command that was given up had been sent: it may still be executed, which adding allows.
    await waitFor(async () => (await driver.counts(TEST_QUEUE)).waiting === 2, { what: 'both jobs' });
    expect(await claim()).toHaveLength(2);
  });

  test('a job claimed for an answer that never came is given back by who asked for it', async () => {
    const [first, second] = [derivedJob('1'), derivedJob('2')];
    await driver.add([first, second]);
    const [held] = await claim(1, 'metrics');
    const settlement = { job: first, token: held!.token, state: 'completed', output } as const;
    const next = { workerId: 'worker-1', queues: [{ name: 'metrics', limit: 1 }], limit: 1 };
    redis.pause();
    onTestFinished(() => redis.resume());
    await expect(driver.exchange([settlement], next)).rejects.toMatchObject({ code: 'queue.engine_failed' });
    redis.resume();
    // Executed late: the first has ended, the second is in the hand of somebody who does not know.
    await waitFor(async () => (await driver.heldBy(['worker-1'], 9))[0]?.id === second.id, { what: 'the late claim' });
    expect(await driver.exchange([settlement], next)).toEqual({ settled: new Set(), claims: [] });
    const [found] = await waitFor(
      async () => {
        const claims = await claim(1, 'metrics');
        return claims.length > 0 ? claims : undefined;
      },
      { what: 'the job that nobody held' },
    );
    expect(found).toMatchObject({ id: second.id });
    expect((await driver.exchange([{ ...settlement, job: second, token: found!.token }], null)).settled).toEqual(
      new Set([second.id]),
    );
  });

  test('a Redis whose memory is full refuses work as a whole, and loses none of it', async () => {
    const [first, second, more] = [derivedJob('1'), derivedJob('2'), engineJob()];
    await driver.add([first, second]);
    const [held] = await claim(1, 'metrics');
    await redis.do('config', 'set', 'maxmemory', 1);
    onTestFinished(async () => void (await redis.do('config', 'set', 'maxmemory', 0)));
    const settlement = { job: first, token: held!.token, state: 'completed', output } as const;
    const refusals = [
      () => driver.add([more]),
      () => driver.exchange([settlement], null),
      () => driver.complete([settlement]),
      () => driver.putBack([{ ...settlement, runAt: new Date() }]),
      () => driver.bury([settlement]),
      () => claim(1, 'metrics'),
    ];
    for (const refusal of refusals) await expect(refusal()).rejects.toMatchObject({ kind: 'transient' });
    expect(await driver.missing([first, second, more])).toEqual([more.id]);
    expect(await driver.heldBy(['worker-1'], 9)).toEqual([held]);
    await driver.epoch();
    await driver.maintain(NEVER);
    await redis.do('config', 'set', 'maxmemory', 0);
    expect((await driver.exchange([settlement], null)).settled).toEqual(new Set([first.id]));
    expect(await claim(9, 'metrics')).toMatchObject([{ id: second.id }]);
  });

  test('verbs with a transaction wait for its commit, and a failure then is told and swallowed', async () => {
    const database = await createTestDatabase();
    const db = database.open('tidemark_worker');
    const [kept, undone] = [engineJob(), engineJob()];
    const failing = db.tx({ kind: 'none' }, async (tx) => {
      await driver.add([undone], { tx });
      throw new Error('undo');
    });
    await expect(failing).rejects.toThrow('undo');
    await db.tx({ kind: 'none' }, async (tx) => {
      expect(await driver.add([kept], { tx })).toEqual([kept.id]);
      expect(await driver.missing([kept], { tx })).toEqual([kept.id]);
    });
    expect(await driver.missing([kept, undone])).toEqual([undone.id]);
    await redis.end('SIGTERM');
    onTestFinished(() => redis.again());
    await db.tx({ kind: 'none' }, async (tx) => {
      const late = { job: kept, token: null, runAt: new Date() };
      await driver.add([undone], { tx });
      await driver.putBack([late], { tx });
      await driver.complete([{ ...late, state: 'completed', output }], { tx });
      await driver.bury([{ ...late, output }], { tx });
      await driver.wake('jobs', { tx });
    });
    expect(log.of('engine.deferred').map(({ fields }) => fields['verb'])).toEqual([
      'add',
      'putBack',
      'complete',
      'bury',
      'wake',
    ]);
  });

  test('rebuilding makes new connections at any time, and hears again', async () => {
    const names = async (): Promise<readonly string[]> =>
      String(await redis.do('client', 'list')).match(/id=\d+(?=.* name=tidemark-)/g) ?? [];
    const old = await names();
    await driver.add([engineJob()]);
    await Promise.all([driver.rebuild(), claim(1).catch(() => undefined)]);
    await waitFor(async () => (await names()).length === 2, { what: 'the old connections to end' });
    expect((await names()).filter((id) => old.includes(id))).toEqual([]);
    await waitFor(() => driver.capabilities.wakes, { what: 'the subscription' });
    const heard: string[] = [];
    driver.onWake((reason) => void heard.push(reason));
    await driver.add([engineJob()]);
    await waitFor(() => heard.includes('jobs'), { what: 'a hint' });
    await redis.end('SIGKILL');
    await expect(driver.rebuild()).rejects.toMatchObject({ code: 'queue.engine_failed' });
    await redis.again();
    await waitFor(() => driver.epoch(), { what: 'the new connections' });
  });

  test('history goes after its age and beyond its number; what waits and the dead letter stay', async () => {
    const [old, young, cancelled, dead, waiting] = [engineJob(), engineJob(), engineJob(), engineJob(), engineJob()];
    const end = { token: null, output };
    await driver.complete([old, young].map((job) => ({ ...end, job, state: 'completed' as const })));
    await driver.complete([{ ...end, job: cancelled, state: 'cancelled' }]);
    await driver.bury([{ ...end, job: dead }]);
    await driver.add([waiting]);
    const eightDaysAgo = Date.now() - 8 * 24 * 3_600_000;
    for (const [set, { id }] of [
      ['completed', old],
      ['failed', cancelled],
      ['cancelled', cancelled],
      ['failed', dead],
    ] as const)
      await redis.do('zadd', BASE + set, eightDaysAgo, id);
    await driver.maintain(NEVER);
    expect(await driver.counts(TEST_QUEUE)).toMatchObject({ waiting: 1, completed: 1, cancelled: 0, failed: 0 });
    expect(await driver.get(old.id)).toBeNull();
    expect(await driver.get(dead.id)).toMatchObject({ queue: `${TEST_QUEUE}-dead`, state: 'waiting' });
    const many = Array.from({ length: 10_300 }, () => ({ ...end, job: engineJob(), state: 'completed' as const }));
    await driver.complete(many);
    await driver.maintain(NEVER);
    expect(await driver.counts(TEST_QUEUE)).toMatchObject({ waiting: 1, completed: 10_000 });
    expect(await driver.get(many.at(-1)!.job.id)).toMatchObject({ state: 'completed' });
    const left = (await redis.do('keys', `${BASE}*-*-*-*-*`)) as string[];
    expect(left).toHaveLength(10_001);
  });

  test('derived jobs leave at most a thousand behind, and events are bounded', async () => {
    for (let round = 0; round < 13; round++) {
      await driver.add(Array.from({ length: 250 }, () => derivedJob(randomUUID())));
      const claims = await claim(250, 'metrics');
      const ended = claims.map(({ id, token }) => ({
        job: derivedJob('x', id),
        token,
        state: 'completed' as const,
        output,
      }));
      await driver.exchange(ended, null);
    }
    expect(await driver.counts('metrics')).toMatchObject({ waiting: 0, active: 0, completed: 1_000 });
    await driver.maintain(NEVER);
    expect(await length('{tidemark}:metrics:events')).toBeLessThan(10_200);
    expect(await redis.do('keys', '{tidemark}:metrics:de:*')).toEqual([]);
  });

  test("a job of BullMQ's own Queue.add is claimed without meta, and goes back as it was", async () => {
    const connection = { host: '127.0.0.1', port: redis.port };
    const native = new Queue(TEST_QUEUE, { connection, prefix: '{tidemark}' });
    onTestFinished(() => native.close());
    const { id } = await native.add('credential.refresh', { integrationId: 'n' }, { attempts: 3 });
    await native.add('other', 'just text', { priority: 5 });
    const expected = { queue: TEST_QUEUE, kind: 'credential.refresh', payload: { integrationId: 'n' }, meta: null };
    const [held, text] = await claim();
    expect(held).toMatchObject({ ...expected, id });
    expect(text).toMatchObject({ kind: 'other', payload: 'just text', meta: null });
    const stored = await native.getJob(id!);
    await driver.putBack([{ job: { ...held!, priority: 1_000_000 }, token: held!.token, runAt: new Date() }]);
    const again = await native.getJob(id!);
    expect(again?.asJSON()).toMatchObject({ data: stored?.asJSON().data, opts: stored?.asJSON().opts });
    expect(await claim()).toMatchObject([{ ...expected, id }]);
    expect(await driver.get(id!)).toMatchObject({ state: 'active', kind: 'credential.refresh' });
  });

  test("BullMQ's own tools read what we write", async () => {
    const native = new Queue(TEST_QUEUE, { connection: { host: '127.0.0.1', port: redis.port }, prefix: '{tidemark}' });
    onTestFinished(() => native.close());
    const jobs = Array.from({ length: 5 }, () => engineJob());
    const [active, waiting, delayed, completed, dead] = jobs as [(typeof jobs)[0], ...typeof jobs];
    await driver.add([active]);
    await claim();
    await driver.add([waiting!, { ...delayed!, runAt: new Date(Date.now() + 60_000) }]);
    await driver.complete([{ job: completed!, token: null, state: 'completed', output }]);
    await driver.bury([{ job: dead!, token: null, output }]);
    const states = await Promise.all(jobs.map(async ({ id }) => (await native.getJob(id))?.getState()));
    expect(states).toEqual(['active', 'prioritized', 'delayed', 'completed', 'failed']);
    expect((await native.getJob(completed!.id))?.returnvalue).toEqual(output);
    expect((await native.getJob(delayed!.id))?.delay).toBeGreaterThan(50_000);
    await native.promoteJobs();
    expect(await claim()).toHaveLength(2);
  });
});
