// The verbs of the BullMQ driver, one by one, past everything above it.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { STRANDED_MS, type EngineDriver } from '../../queues/driver.ts';
import { createBullMqDriver } from '../../queues/drivers/bullmq/driver.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import {
  derivedJob as derived,
  engineJob as job,
  TEST_OUTPUT as output,
  TEST_QUEUE as QUEUE,
} from '../support/engine-jobs.ts';
import { NEEDS_REDIS, openRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';

const redis: TestRedis | null = await openRedis();
const WORKER = 'worker-1';

let driver: EngineDriver;

function claim(limit = 10, queue = QUEUE, workerId = WORKER) {
  return driver.claim({ workerId, queues: [{ name: queue, limit }], limit });
}

const idsOf = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id);

describe.skipIf(redis === null)(`BullMQ driver${redis === null ? ` (${NEEDS_REDIS})` : ''}`, () => {
  beforeAll(async () => {
    driver = createBullMqDriver({ url: redis!.url, log: silentLog });
    await driver.start();
  });
  afterAll(async () => {
    await driver.stop();
    await redis?.stop();
  });
  beforeEach(async () => void (await redis!.do('flushall')));

  test('a claim gives the job as it was added, once', async () => {
    const added = job({ payload: { integrationId: 'x', deep: { list: [1, 'two', null] } } });
    expect(await driver.add([added])).toEqual([added.id]);
    const [held, ...others] = await claim();
    expect(held).toMatchObject({
      id: added.id,
      queue: QUEUE,
      kind: added.kind,
      payload: added.payload,
      meta: added.meta,
    });
    expect([...others, ...(await claim())]).toEqual([]);
  });

  test('payloads of any shape come back as they were', async () => {
    const payloads = [null, 'text', 7, [1, 2], { _tm: 'mine' }, {}];
    await driver.add(payloads.map((payload) => job({ payload })));
    expect((await claim()).map(({ payload }) => payload)).toEqual(payloads);
  });

  test('classes come strictly in order, then priorities, then age', async () => {
    const added = [
      job({ meta: { class: 2, priority: 499_000 } }),
      job({ meta: { priority: -1 } }),
      job(),
      job(),
      job({ meta: { priority: 1 } }),
      job({ meta: { class: 0, priority: -499_000 } }),
      job({ meta: { class: 0, priority: 499_000 } }),
    ];
    await driver.add(added);
    const order = [6, 5, 4, 2, 3, 1, 0].map((index) => added[index]!.id);
    expect(idsOf(await claim())).toEqual(order);
  });

  test('a claim takes no more than its limits, and of every queue something', async () => {
    await driver.add(Array.from({ length: 20 }, (_, index) => job(index % 2 === 0 ? { queue: 'webhooks' } : {})));
    const queues = [
      { name: QUEUE, limit: 2 },
      { name: 'webhooks', limit: 9 },
      { name: 'metrics', limit: 9 },
    ];
    const held = await driver.claim({ workerId: WORKER, queues, limit: 7 });
    expect(held.filter(({ queue }) => queue === QUEUE)).toHaveLength(2);
    expect(held.filter(({ queue }) => queue === 'webhooks')).toHaveLength(5);
    expect(await driver.claim({ workerId: WORKER, queues, limit: 0 })).toEqual([]);
  });

  test('a delayed job is claimed when it is due, not before', async () => {
    const runAt = new Date(Date.now() + 150);
    const added = job();
    await driver.add([{ ...added, runAt }]);
    expect(await claim()).toEqual([]);
    expect(await driver.get(added.id)).toMatchObject({ state: 'delayed', runAt });
    expect(await driver.counts(QUEUE)).toMatchObject({ waiting: 0, delayed: 1 });
    const [held] = await waitFor(async () => ((await claim()).length > 0 ? [Date.now()] : undefined), {
      what: 'the job',
    });
    expect(held).toBeGreaterThanOrEqual(runAt.getTime());
  });

  test('adding an unfinished job changes nothing, adding a finished one makes it claimable again', async () => {
    const added = job();
    await driver.add([added]);
    expect(await driver.add([{ ...added, payload: { integrationId: 'other' } }])).toEqual([added.id]);
    const [held] = await claim();
    expect(held?.payload).toEqual(added.payload);
    await driver.add([added]);
    expect(await claim()).toEqual([]);
    await driver.complete([{ job: added, token: held!.token, state: 'completed', output }]);
    await driver.add([{ ...added, payload: { integrationId: 'second' } }]);
    expect(await driver.counts(QUEUE)).toMatchObject({ waiting: 1, completed: 0 });
    expect(await claim()).toMatchObject([{ id: added.id, payload: { integrationId: 'second' } }]);
  });

  test('a unique key of a derived kind is answered with its holder, until that has ended', async () => {
    const [first, second, third] = [derived('k'), derived('k'), derived('k')];
    expect(await driver.add([first, second, derived('other')])).toEqual([first.id, first.id, expect.any(String)]);
    const [held] = await claim(1, 'metrics');
    expect(await driver.add([third])).toEqual([first.id]);
    await driver.exchange([{ job: first, token: held!.token, state: 'completed', output }], null);
    expect(await driver.add([third])).toEqual([third.id]);
    await driver.remove([third]);
    expect(await driver.add([second])).toEqual([second.id]);
    await redis!.do('del', `{tidemark}:metrics:${second.id}`);
    expect(await driver.add([third])).toEqual([third.id]);
  });

  test('an exchange settles and claims, within its limits, and refuses a stale token', async () => {
    await driver.add(Array.from({ length: 6 }, (_, index) => derived(String(index))));
    const held = await claim(3, 'metrics');
    const settlements = held.map(({ id, token }, index) => ({
      job: { ...derived('x', id) },
      token: index === 2 ? randomUUID() : token,
      state: 'completed' as const,
      output: { ...output, result: { index } },
    }));
    const queues = [{ name: 'metrics', limit: 5 }];
    const { settled, claims } = await driver.exchange(settlements, { workerId: 'w2', queues, limit: 1 });
    expect(settled).toEqual(new Set(idsOf(held).slice(0, 2)));
    expect(claims).toHaveLength(1);
    expect(await driver.heldBy(['w2'], 10)).toEqual(claims);
    expect(await driver.get(held[1]!.id)).toMatchObject({ state: 'completed', output: { result: { index: 1 } } });
    expect(await driver.counts('metrics')).toMatchObject({ waiting: 2, active: 2, completed: 2 });
  });

  test('a stale token changes nothing', async () => {
    const added = job();
    await driver.add([added]);
    await claim();
    const token = randomUUID();
    await driver.complete([{ job: added, token, state: 'completed', output }]);
    await driver.putBack([{ job: added, token, runAt: new Date() }]);
    await driver.bury([{ job: added, token, output }]);
    expect(await driver.get(added.id)).toMatchObject({ state: 'active', output: { workerId: WORKER } });
    expect(await driver.counts(`${QUEUE}-dead`)).toMatchObject({ waiting: 0 });
  });

  test('without a token a job is settled whoever holds it, and a lost one is recorded', async () => {
    const [queued, held, lost] = [job(), job(), job()];
    await driver.add([held]);
    await claim();
    await driver.add([{ ...queued, runAt: new Date(Date.now() + 60_000) }]);
    await driver.complete([queued, held].map((each) => ({ job: each, token: null, state: 'cancelled', output })));
    await driver.complete([{ job: lost, token: randomUUID(), state: 'completed', output }]);
    for (const each of [queued, held]) {
      expect(await driver.get(each.id)).toMatchObject({ state: 'cancelled', output, finishedAt: expect.any(Date) });
    }
    expect(await driver.get(lost.id)).toMatchObject({ state: 'completed', payload: lost.payload, output });
    expect(await driver.counts(QUEUE)).toEqual({
      waiting: 0,
      delayed: 0,
      active: 0,
      completed: 1,
      cancelled: 2,
      failed: 0,
    });
    expect(await claim()).toEqual([]);
  });

  test('a job put back comes again at its time with what it carries now, before newer ones', async () => {
    const [first, second, delayed] = [job(), job(), job()];
    await driver.add([first, second]);
    const [held] = await claim(1);
    const changed = { ...first, meta: { ...first.meta, ledgered: false } };
    await driver.putBack([{ job: changed, token: held!.token, runAt: new Date() }]);
    expect(await claim()).toMatchObject([{ id: first.id, meta: { ledgered: false } }, { id: second.id }]);
    await driver.putBack([{ job: delayed, token: null, runAt: new Date(Date.now() + 60_000) }]);
    await driver.putBack([{ job: second, token: null, runAt: new Date(Date.now() + 60_000) }]);
    expect(await driver.counts(QUEUE)).toMatchObject({ delayed: 2, active: 1 });
  });

  test('putting back a job that waits leaves it in its place; one that sleeps gets its new time', async () => {
    const [first, second, sleeper] = [job(), job(), job()];
    await driver.add([{ ...sleeper, runAt: new Date(Date.now() + 60_000) }]);
    await driver.add([first, second]);
    await driver.putBack([{ job: second, token: null, runAt: new Date(0) }]);
    expect(idsOf(await claim())).toEqual([first.id, second.id]);
    await driver.putBack([{ job: sleeper, token: null, runAt: new Date(0) }]);
    expect(idsOf(await claim())).toEqual([sleeper.id]);
  });

  test('a buried job has failed, and its copy lies in the dead letter until it is removed', async () => {
    const added = job();
    await driver.add([added]);
    const [held] = await claim();
    const error = { code: 'internal', kind: 'fatal', message: 'broken' } as const;
    await driver.bury([{ job: added, token: held!.token, output: { ...output, error } }]);
    expect(await driver.get(added.id)).toMatchObject({ state: 'failed', queue: QUEUE, output: { error } });
    const dead = { id: added.id, queue: `${QUEUE}-dead` };
    const filter = { queues: [dead.queue], states: ['waiting'] as const, limit: 10 };
    expect(await driver.list(filter)).toMatchObject([{ ...dead, payload: added.payload, output: { error } }]);
    expect(await driver.remove([dead])).toEqual([added.id]);
    expect(await driver.list(filter)).toEqual([]);
    expect(await driver.get(added.id)).toMatchObject({ state: 'failed' });
  });

  test('remove takes out what waits, and nothing else', async () => {
    const [held, queued, delayed] = [job(), job(), job()];
    await driver.add([held]);
    await claim();
    await driver.add([queued, { ...delayed, runAt: new Date(Date.now() + 60_000) }]);
    expect(await driver.remove([held, queued, delayed, job()])).toEqual([queued.id, delayed.id]);
    expect(await driver.get(queued.id)).toBeNull();
    expect(await driver.get(held.id)).toMatchObject({ state: 'active' });
  });

  test('missing is what neither waits nor was just taken in hand', async () => {
    const [waiting, delayed, held, stranded, ended, unknown] = [job(), job(), job(), job(), job(), job()];
    await driver.add([stranded, held]);
    await claim();
    const long = Date.now() - STRANDED_MS - 1_000;
    await redis!.do('hset', `{tidemark}:${QUEUE}:${stranded.id}`, 'processedOn', long);
    await driver.complete([{ job: ended, token: null, state: 'completed', output }]);
    await driver.add([waiting, { ...delayed, runAt: new Date(Date.now() + 60_000) }]);
    const refs = [waiting, delayed, held, stranded, ended, unknown];
    expect(await driver.missing(refs)).toEqual(idsOf([stranded, ended, unknown]));
  });

  test('heldBy finds what a worker has in hand', async () => {
    await driver.add([job(), job({ queue: 'webhooks' }), job()]);
    const mine = await driver.claim({
      workerId: 'dead',
      queues: [
        { name: QUEUE, limit: 1 },
        { name: 'webhooks', limit: 1 },
      ],
      limit: 2,
    });
    await claim();
    const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
    expect((await driver.heldBy(['dead', 'none'], 10)).toSorted(byId)).toEqual(mine.toSorted(byId));
    expect(await driver.heldBy(['dead'], 1)).toHaveLength(1);
    expect(await driver.heldBy(['none'], 10)).toEqual([]);
  });

  test('a list is filtered by state, kind, user and payload, newest first', async () => {
    const USER = randomUUID();
    const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
    const jobs = Array.from({ length: 5 }, (_, index) =>
      job({ payload: { integrationId: 'i', tag: { n: index % 2 } }, meta: { userId: USER, createdAt: at(index) } }),
    );
    await driver.add([...jobs, job({ meta: { userId: randomUUID() } })]);
    const filter = { queues: [QUEUE], states: ['waiting'] as const, limit: 10 };
    const newest = idsOf(jobs).toReversed();
    expect(idsOf(await driver.list({ ...filter, userId: USER }))).toEqual(newest);
    expect(idsOf(await driver.list({ ...filter, userId: USER, limit: 2 }))).toEqual(newest.slice(0, 2));
    expect(idsOf(await driver.list({ ...filter, payload: { tag: { n: 1 } } }))).toEqual([newest[1], newest[3]]);
    expect(await driver.list({ ...filter, kind: 'sync.run' })).toEqual([]);
    expect(await driver.list({ ...filter, states: ['active', 'failed', 'cancelled', 'completed', 'delayed'] })).toEqual(
      [],
    );
  });

  test('waking reaches other processes, and so does adding', async () => {
    const other = createBullMqDriver({ url: redis!.url, log: silentLog });
    await other.start();
    await waitFor(() => other.capabilities.wakes, { what: 'the subscription' });
    const heard: string[] = [];
    const stop = other.onWake((reason) => void heard.push(reason));
    await driver.wake('controls');
    await driver.add([job()]);
    await waitFor(() => heard.includes('controls') && heard.includes('jobs'), { what: 'both hints' });
    stop();
    await other.stop();
  });

  test('the epoch stays as long as what the engine holds', async () => {
    const epoch = await driver.epoch();
    expect(await driver.epoch()).toBe(epoch);
    await redis!.do('flushall');
    expect(await driver.epoch()).not.toBe(epoch);
  });
});
