// What other services can put into Redis: copies of our own jobs, texts that Postgres cannot keep, names that mean something
// to a language. None of it may stand in anybody's way.

import { randomBytes, randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completed } from '../../queues/outcome.ts';
import type { JobContext } from '../../queues/port.ts';
import { eventually, harnessOn, type Harness } from '../conformance/queue/harness.ts';
import { openBullMq } from '../support/engines-under-test.ts';
import { hasRedisServer, NEEDS_REDIS_SERVER, startRedis, type PrivateRedis } from '../support/redis.ts';

const missing = hasRedisServer() ? '' : ` (${NEEDS_REDIS_SERVER})`;

describe.skipIf(missing !== '')(`jobs of other services in Redis${missing}`, () => {
  let redis: PrivateRedis;
  let h: Harness;
  let door: Queue;

  beforeAll(async () => {
    redis = await startRedis();
    h = harnessOn(await openBullMq(redis));
    door = new Queue('maintenance', { connection: { url: redis.url.reveal() }, prefix: '{tidemark}' });
  });

  afterAll(async () => {
    await door?.close();
    await h?.driver.stop();
    await redis?.stop();
  });

  const refresh = (): { integrationId: string } => ({ integrationId: randomUUID() });

  /** As BullMQ's boards copy a job: everything that it carries, under a number of BullMQ's. */
  async function copyOf(jobId: string): Promise<string> {
    const job = (await door.getJob(jobId))!;
    return (await door.add(job.name, job.data)).id!;
  }

  test('a copy of one of our jobs is enqueued like any other, and holds up nobody', async () => {
    const ran: JobContext[] = [];
    const original = await h.enqueue();
    const copy = await copyOf(original);
    await h.consume((job) => Promise.resolve(completed(ran.push(job))), { concurrency: 1 });
    await h.until(original, 'completed');
    const adopted = await eventually(() => ran.find(({ jobId }) => jobId !== original));
    expect(ran.find(({ jobId }) => jobId === original)?.payload).toEqual(adopted.payload);
    await h.until(adopted.jobId, 'completed');
    const record = await eventually(async () => (await h.driver.get(copy)) ?? undefined);
    expect(record.output).toMatchObject({ result: { enqueuedAs: adopted.jobId } });
    await h.until(await h.enqueue(), 'completed');
  });

  test('what no store can keep becomes a dead letter and is not tried for ever', async () => {
    await h.consume(() => Promise.resolve(completed()));
    await door.add('credential.refresh', { integrationId: 'a\0b', '\0': 1 });
    await door.add('con\0structor', {});
    await door.add('constructor', refresh());
    await door.add('credential.refresh', { ...refresh(), _tm: { ledgered: true, createdAt: 'never' } });
    await h.until(await h.enqueue(), 'completed');
    const dead = await eventually(async () => {
      const found = await h.queue.list({ queue: 'maintenance', states: ['dead'] });
      return found.length >= 4 && found;
    });
    expect(dead.map(({ error }) => error?.code ?? '').toSorted()).toEqual([
      'queue.payload_invalid',
      'queue.payload_invalid',
      'queue.unknown_kind',
      'queue.unknown_kind',
    ]);
    await h.until(await h.enqueue(), 'completed');
    expect((await h.driver.counts('maintenance')).active).toBe(0);
    expect(await h.queue.list({ queue: 'maintenance', states: ['dead'] })).toHaveLength(4);
  });

  test('payloads of any form, size and depth end in the dead letter with the reason, and HTML stays text', async () => {
    await h.asSuperuser('delete from job_ledger');
    await h.consume(() => Promise.resolve(completed()));
    let deep: unknown = 1;
    for (let level = 0; level < 500; level++) deep = { a: deep };
    const html = '<script>alert(1)</script>';
    const payloads = ['text', ['a'], 5, { integrationId: html }, { integrationId: `'; drop table users; --` }, deep];
    for (const payload of payloads) await door.add('credential.refresh', payload);
    await door.add('credential.refresh', { integrationId: 'x'.repeat(2 * 1024 * 1024) });
    const dead = await eventually(async () => {
      const found = await h.queue.list({ queue: 'maintenance', states: ['dead'] });
      return found.length >= payloads.length + 1 && found;
    });
    expect(new Set(dead.map(({ error }) => error?.code))).toEqual(new Set(['queue.payload_invalid']));
    expect(dead.map(({ payload }) => JSON.stringify(payload)).some((text) => text.includes(html))).toBe(true);
    await h.until(await h.enqueue(), 'completed');
  });

  test('a delay holds until its time, and an id that is used again is one job', async () => {
    await h.asSuperuser('delete from job_ledger');
    const ran: unknown[] = [];
    const [later, once] = [refresh(), refresh()];
    await door.add('credential.refresh', later, { delay: 3_600_000 });
    await door.add('credential.refresh', once, { jobId: 'order-7', priority: 3 });
    await door.add('credential.refresh', once, { jobId: 'order-7' });
    await h.consume((job) => Promise.resolve(completed(ran.push(job.payload))));
    await eventually(() => ran.length > 0);
    await h.until(await h.enqueue(), 'completed');
    expect(ran.slice(0, 1)).toEqual([once]);
    expect(ran.filter((payload) => JSON.stringify(payload) === JSON.stringify(once))).toHaveLength(1);
    expect(ran.map((payload) => JSON.stringify(payload))).not.toContain(JSON.stringify(later));
  });

  /** As a service writes it that does not ask BullMQ how deep JSON may be. */
  async function addDeep(levels: number): Promise<string> {
    const { id } = await door.add('credential.refresh', {});
    const deep = `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    await redis.do('hset', `{tidemark}:maintenance:${id}`, 'data', deep);
    return id!;
  }

  test.for([300, 5_000, 200_000])('%i levels of JSON are dead once, and the worker goes on', async (levels) => {
    await h.asSuperuser('delete from job_ledger');
    const { delayed } = await h.driver.counts('maintenance');
    await addDeep(levels);
    expect(await h.driver.list({ queues: ['maintenance'], states: ['waiting'], limit: 10 })).toHaveLength(1);
    await h.consume(() => Promise.resolve(completed()));
    await eventually(async () => (await h.queue.list({ queue: 'maintenance', states: ['dead'] })).length > 0);
    await h.until(await h.enqueue(), 'completed');
    expect(await h.driver.counts('maintenance')).toMatchObject({ active: 0, waiting: 0, delayed });
    expect(await h.queue.list({ queue: 'maintenance', states: ['dead'] })).toMatchObject([
      { error: { code: 'queue.payload_invalid' } },
    ]);
  });

  test('one that is too deep goes back with the others of its worker when that dies', async () => {
    await h.asSuperuser('delete from job_ledger');
    await addDeep(200_000);
    const fit = refresh();
    await door.add('credential.refresh', fit);
    const workerId = randomUUID();
    expect(await h.driver.claim({ workerId, queues: [{ name: 'maintenance', limit: 2 }], limit: 2 })).toHaveLength(2);
    await h.reconciler.takeOver([workerId]);
    const ran: unknown[] = [];
    await h.consume((job) => Promise.resolve(completed(ran.push(job.payload))));
    await eventually(() => ran.length > 0);
    expect(ran).toEqual([fit]);
    await eventually(async () => (await h.queue.list({ queue: 'maintenance', states: ['dead'] })).length === 1);
  });

  test('ids of any length and form are one job each', async () => {
    await h.asSuperuser('delete from job_ledger');
    const ids = [randomBytes(8_000).toString('base64'), 'a\0b', 'ab', `'; drop table users; --`, '<b>bold</b>', '名'];
    const payloads = ids.map(refresh);
    for (const [index, jobId] of ids.entries()) await door.add('credential.refresh', payloads[index], { jobId });
    const ran: string[] = [];
    await h.consume((job) => Promise.resolve(completed(ran.push(JSON.stringify(job.payload)))));
    await eventually(() => ran.length >= ids.length);
    expect(ran.toSorted()).toEqual(payloads.map((payload) => JSON.stringify(payload)).toSorted());
    expect(await h.queue.list({ queue: 'maintenance', states: ['dead'] })).toEqual([]);
  });

  test('many at once are taken together, and one that does not fit spoils only itself', async () => {
    await h.asSuperuser('delete from job_ledger');
    const good = Array.from({ length: 60 }, () => ({ name: 'credential.refresh', data: refresh() }));
    const bad = { name: 'credential.refresh', data: { integrationId: 'none' } as never };
    await door.addBulk([...good.slice(0, 30), bad, ...good.slice(30)]);
    const ran = new Set<string>();
    await h.consume((job) => Promise.resolve(completed(ran.add(JSON.stringify(job.payload)).size)));
    await eventually(() => ran.size >= good.length);
    expect(ran).toEqual(new Set(good.map(({ data }) => JSON.stringify(data))));
    expect(await h.queue.list({ queue: 'maintenance', states: ['dead'] })).toHaveLength(1);
  });
});
