import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { completed } from '../../queues/outcome.ts';
import { done, harnessOn, type Harness } from '../conformance/queue/harness.ts';
import { apiQueue, openApi, type ApiCaller } from '../support/api-client.ts';
import { openBullMq, openPgBoss, type OpenEngine } from '../support/engines-under-test.ts';
import { NEEDS_REDIS, openRedis } from '../support/redis.ts';

const redis = await openRedis();

const refresh = (over: object = {}) => ({
  kind: 'credential.refresh',
  payload: { integrationId: randomUUID() },
  ...over,
});

interface Late {
  readonly engine: OpenEngine;
  readonly call: ApiCaller;
  readonly h: Harness;
}

function doorArea(late: () => Promise<Late>): void {
  test('a job is enqueued, runs, and tells what became of it', async () => {
    const { call, h } = await late();
    await h.consume((job) => {
      job.log.emit('run.finished', { note: 'well' });
      return Promise.resolve(completed({ well: true }));
    });
    const { status, body } = await call('POST', '/v1/jobs', refresh());
    expect([status, body]).toEqual([201, { jobId: expect.any(String) as string, created: true }]);
    const jobId = body['jobId'] as string;
    await h.until(jobId, 'completed');
    expect((await call('GET', `/v1/jobs/${jobId}`)).body).toMatchObject({ state: 'completed', result: { well: true } });
    await expect
      .poll(async () => (await call('GET', `/v1/jobs/${jobId}/logs`)).body['lines'])
      .toMatchObject([{ level: 'info', line: expect.stringContaining('well') as string }]);
  });

  test('a unique key is answered with the job that has it', async () => {
    const { call } = await late();
    const job = refresh({ uniqueKey: randomUUID(), runAt: '2099-01-01T00:00:00Z' });
    const first = await call('POST', '/v1/jobs', job);
    const second = await call('POST', '/v1/jobs', { ...job, payload: { integrationId: randomUUID() } });
    expect(second.body).toEqual({ jobId: first.body['jobId'], created: false });
  });

  test('bulk takes all or none, and says which one is wrong', async () => {
    const { call, h } = await late();
    const jobs = Array.from({ length: 500 }, () => refresh());
    const { status, body } = await call('POST', '/v1/jobs/bulk', { jobs });
    expect(status).toBe(201);
    expect(new Set((body['jobs'] as { jobId: string }[]).map(({ jobId }) => jobId)).size).toBe(500);
    const before = (await h.queue.counts('maintenance')).waiting;
    const refused = await call('POST', '/v1/jobs/bulk', { jobs: [refresh(), refresh({ payload: { no: 1 } })] });
    expect(refused).toMatchObject({ status: 422, body: { code: 'queue.payload_invalid' } });
    expect(refused.body['detail']).toContain('body.jobs.1');
    expect((await h.queue.counts('maintenance')).waiting).toBe(before);
  });

  test('the same Idempotency-Key gives the same answer and one job, also at once and from two servers', async () => {
    const { call, engine } = await late();
    const other = await openApi(engine.databases.api, apiQueue(engine.databases.api, engine.driver));
    const same = Object.assign((...args: Parameters<ApiCaller>) => call(...args), call);
    const job = refresh();
    const key = { 'idempotency-key': randomUUID() };
    const answers = await Promise.all(Array.from({ length: 20 }, () => same('POST', '/v1/jobs', job, key)));
    expect(new Set(answers.map(({ body }) => body['jobId'])).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    const reordered = JSON.stringify({ payload: job.payload, kind: job.kind });
    expect((await call('POST', '/v1/jobs', reordered, key)).body).toEqual(answers[0]!.body);
    expect(await call('POST', '/v1/jobs', refresh(), key)).toMatchObject({
      status: 409,
      body: { code: 'api.idempotency_mismatch' },
    });
    // Keys belong to a token.
    expect((await other('POST', '/v1/jobs', job, key)).body['jobId']).not.toBe(answers[0]!.body['jobId']);
  });

  test('what failed is not remembered: the same key may be tried again', async () => {
    const { call } = await late();
    const key = { 'idempotency-key': randomUUID() };
    expect((await call('POST', '/v1/jobs', refresh({ kind: 'no.such' }), key)).status).toBe(422);
    expect((await call('POST', '/v1/jobs', refresh(), key)).status).toBe(201);
  });

  test('pages hold every job once, also of one instant, while new ones arrive', async () => {
    const { call } = await late();
    const userId = uuidv7();
    const { body } = await call('POST', '/v1/jobs/bulk', {
      jobs: Array.from({ length: 25 }, () => refresh({ userId })),
    });
    const wanted = (body['jobs'] as { jobId: string }[]).map(({ jobId }) => jobId);
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await call('GET', `/v1/jobs?userId=${userId}&limit=4${cursor}`);
      seen.push(...(page.body['items'] as { id: string }[]).map(({ id }) => id));
      const next = page.body['nextCursor'];
      cursor = typeof next === 'string' ? `&cursor=${next}` : '';
      await call('POST', '/v1/jobs', refresh({ userId }));
    } while (cursor !== '');
    expect([...seen].sort()).toEqual([...wanted].sort());
  });

  test('ended jobs are paged too, whatever the order in which they ended', async () => {
    const { call, h } = await late();
    const userId = uuidv7();
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) ids.push((await call('POST', '/v1/jobs', refresh({ userId }))).body['jobId'] as string);
    await h.consume(done);
    for (const id of ids) await h.until(id, 'completed');
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await call('GET', `/v1/jobs?userId=${userId}&state=completed&limit=3${cursor}`);
      seen.push(...(page.body['items'] as { id: string }[]).map(({ id }) => id));
      const next = page.body['nextCursor'];
      cursor = typeof next === 'string' ? `&cursor=${next}` : '';
    } while (cursor !== '');
    expect(seen).toEqual(ids.toReversed());
  });

  test('a job is cancelled, a dead one retried, and each is written down', async () => {
    const { call, h } = await late();
    const delayed = (await call('POST', '/v1/jobs', refresh({ runAt: '2099-01-01T00:00:00Z' }))).body[
      'jobId'
    ] as string;
    expect((await call('POST', `/v1/jobs/${delayed}/cancel`)).body).toEqual({ changed: true });
    expect((await call('POST', `/v1/jobs/${delayed}/cancel`)).status).toBe(404);
    const consumer = await h.consume(() => Promise.reject(new Error('broken')));
    const broken = (await call('POST', '/v1/jobs', refresh())).body['jobId'] as string;
    await h.until(broken, 'dead');
    await consumer.stop();
    expect((await call('GET', `/v1/jobs/${broken}`)).body).toMatchObject({ error: { code: 'internal' } });
    expect((await call('POST', `/v1/jobs/${broken}/retry`)).body).toEqual({ changed: true });
    await h.consume(done);
    await h.until(broken, 'completed');
    const audited = await h.asSuperuser<{ action: string; outcome: string }>(
      `select action, outcome from audit_logs where target = any($1) order by at`,
      [[delayed, broken]],
    );
    expect(audited).toEqual([
      { action: 'cancelJob', outcome: 'done' },
      { action: 'cancelJob', outcome: 'failed' },
      { action: 'retryJob', outcome: 'done' },
    ]);
  });

  test('queues are shown, paused and resumed', async () => {
    const { call, h } = await late();
    expect((await call('POST', '/v1/queues/maintenance/pause')).body).toEqual({ changed: true });
    const { items } = (await call('GET', '/v1/queues')).body as { items: { name: string; pausedAt: string | null }[] };
    expect(items.find(({ name }) => name === 'maintenance')?.pausedAt).toEqual(expect.any(String));
    expect(items).toHaveLength(8);
    await call('POST', '/v1/queues/maintenance/resume');
    expect((await h.queue.controls()).find(({ queue }) => queue === 'maintenance')?.pausedAt).toBeNull();
    expect((await call('POST', '/v1/queues/nowhere/pause')).status).toBe(400);
  });
}

function describeEngine(name: string, open: () => Promise<OpenEngine>): void {
  describe(`jobs over HTTP on ${name}`, () => {
    let engine: OpenEngine;
    beforeAll(async () => {
      engine = await open();
    });
    afterAll(() => engine.driver.stop());
    doorArea(async () => {
      const { api } = engine.databases;
      await engine.asSuperuser('delete from workers; delete from queue_controls');
      const h = harnessOn(engine);
      return { engine, h, call: await openApi(api, apiQueue(api, engine.driver)) };
    });
  });
}

describeEngine('pgboss', openPgBoss);
if (redis === null) test.skip(`jobs over HTTP on bullmq (${NEEDS_REDIS})`, () => undefined);
else {
  afterAll(() => redis.stop());
  describeEngine('bullmq', () => openBullMq(redis));
}
