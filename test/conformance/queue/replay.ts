import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { completed } from '../../../queues/outcome.ts';
import type { JobQueue } from '../../../queues/port.ts';
import { AppError } from '../../../src/core/errors.ts';
import type { ErrorCode } from '../../../src/core/error-codes.ts';
import { done, type Harness } from './harness.ts';

type Request = Partial<Parameters<JobQueue['enqueue']>[0]>;

/** Dead letters in the order of their death, with their ids. */
async function bury(h: Harness, requests: readonly Request[], code: ErrorCode = 'internal'): Promise<string[]> {
  const consumer = await h.consume(() => Promise.reject(new AppError(code, 'broken')), { concurrency: 1 });
  const ids: string[] = [];
  for (const request of requests) {
    const jobId = await h.enqueue(request);
    await h.until(jobId, 'dead');
    ids.push(jobId);
  }
  await consumer.stop();
  return ids;
}

const rollup = (userId: string) =>
  ({
    kind: 'metrics.rollup',
    payload: { userId, day: '2026-03-01' },
    uniqueKey: `${userId}:2026-03-01`,
  }) as const;

const deadOf = async (h: Harness) => new Set((await h.queue.list({ states: ['dead'] })).map(({ id }) => id));

function filterTests(late: () => Harness): void {
  test('a preview tells what a replay with the same filter then takes', async () => {
    const h = late();
    const broken = await bury(h, [{}, {}, {}]);
    await bury(h, [{}, {}], 'platform.scope_missing');
    expect(await h.queue.previewReplay({})).toEqual({
      total: 5,
      blocked: 0,
      groups: [
        { queue: 'maintenance', kind: 'credential.refresh', code: 'internal', jobs: 3 },
        { queue: 'maintenance', kind: 'credential.refresh', code: 'platform.scope_missing', jobs: 2 },
      ],
    });
    const filter = { code: 'internal' };
    expect(await h.queue.previewReplay(filter)).toMatchObject({ total: 3, blocked: 0 });
    expect(await h.queue.replay(filter)).toEqual({ replayed: 3, left: 0 });
    expect(await h.queue.previewReplay(filter)).toEqual({ total: 0, blocked: 0, groups: [] });
    expect(await h.queue.counts('maintenance')).toMatchObject({ dead: 2, waiting: 3 });
    await h.consume(done);
    for (const jobId of broken) expect((await h.until(jobId, 'completed')).attempts).toBe(1);
    const copies = broken.map((id) => ({ id, queue: 'maintenance-dead' }));
    expect((await h.driver.missing(copies)).toSorted()).toEqual(broken.toSorted());
  });

  test('every filter narrows, and all of them together', async () => {
    const h = late();
    const [userId, integrationId] = [randomUUID(), randomUUID()];
    const [plain, wanted, other] = await bury(h, [{}, { userId, payload: { integrationId } }, rollup(randomUUID())]);
    const diedAt = (await h.queue.get(wanted!))!.finishedAt!;
    const [before, after] = [new Date(diedAt.getTime() - 1), new Date(diedAt.getTime() + 1)];
    const filters = [
      { ids: [wanted!] },
      { ids: [wanted!, 'not-an-id'] },
      { userId },
      { payload: { integrationId } },
      { kind: 'credential.refresh', userId },
      { queue: 'maintenance', diedAfter: before, diedBefore: after },
      { queue: 'maintenance-dead', userId },
      { code: 'internal', payload: { integrationId }, userId, ids: [wanted!], kind: 'credential.refresh' },
    ];
    for (const filter of filters)
      expect([filter, await h.queue.previewReplay(filter)]).toMatchObject([filter, { total: 1 }]);
    const none = [
      { userId: randomUUID() },
      { userId: 'not-an-id' },
      { ids: [] },
      { code: 'http.timeout' },
      { payload: { integrationId, more: 1 } },
      { kind: 'sync.run' },
      { diedBefore: before, userId },
      { diedAfter: after, userId },
    ];
    for (const filter of none) {
      expect([filter, await h.queue.previewReplay(filter)]).toMatchObject([filter, { total: 0 }]);
      expect(await h.queue.replay(filter)).toEqual({ replayed: 0, left: 0 });
    }
    expect(await h.queue.replay(filters.at(-1)!)).toEqual({ replayed: 1, left: 0 });
    expect(await deadOf(h)).toEqual(new Set([plain, other]));
  });

  test('no more than the limit goes back, longest dead first', async () => {
    const h = late();
    const ids = await bury(h, [{}, {}, {}, {}]);
    expect(await h.queue.replay({}, 3)).toEqual({ replayed: 3, left: 1 });
    expect(await deadOf(h)).toEqual(new Set([ids[3]]));
    expect(await h.queue.replay({}, 3)).toEqual({ replayed: 1, left: 0 });
  });
}

function blockedTests(late: () => Harness): void {
  test('a dead job whose key another one holds is blocked and stays, until the key is free', async () => {
    const h = late();
    const [blocked, free] = await bury(h, [{ uniqueKey: 'u' }, {}]);
    await h.enqueue({ uniqueKey: 'u' });
    expect(await h.queue.previewReplay({})).toMatchObject({ total: 2, blocked: 1 });
    expect(await h.queue.replay({})).toEqual({ replayed: 1, left: 1 });
    expect(await deadOf(h)).toEqual(new Set([blocked]));
    const consumer = await h.consume(done);
    await h.until(free!, 'completed');
    await consumer.stop();
    expect(await h.queue.replay({})).toEqual({ replayed: 1, left: 0 });
  });

  test('of dead jobs with one key the first goes back and blocks the others', async () => {
    const h = late();
    const [first, second] = await bury(h, [{ uniqueKey: 'u' }, { uniqueKey: 'u' }]);
    expect(await h.queue.previewReplay({})).toMatchObject({ total: 2, blocked: 1 });
    expect(await h.queue.replay({})).toEqual({ replayed: 1, left: 1 });
    expect(await deadOf(h)).toEqual(new Set([second]));
    await h.consume(done);
    await h.until(first!, 'completed');
  });

  test('a dead derived job stays while the engine has another one with its key', async () => {
    const h = late();
    const request = rollup(randomUUID());
    const [jobId] = await bury(h, [request]);
    const { jobId: holder, created } = await h.queue.enqueue({ ...request, userId: null });
    expect(created).toBe(true);
    expect(await h.queue.previewReplay({ queue: 'metrics' })).toMatchObject({ total: 1, blocked: 1 });
    expect(await h.queue.replay({})).toEqual({ replayed: 0, left: 1 });
    await h.consume(done);
    await h.until(holder, 'completed');
    expect(await h.queue.previewReplay({ queue: 'metrics' })).toMatchObject({ total: 1, blocked: 0 });
    expect(await h.queue.replay({})).toEqual({ replayed: 1, left: 0 });
    expect((await h.until(jobId!, 'completed')).attempts).toBe(1);
    expect(await h.driver.missing([{ id: jobId!, queue: 'metrics-dead' }])).toEqual([jobId]);
  });
}

export function replayArea(late: () => Harness): void {
  describe('dead letters', () => {
    filterTests(late);
    blockedTests(late);

    test('replayed jobs of one user enter the engine no further than that user has room', async () => {
      const h = late();
      const userId = randomUUID();
      const consumer = await h.consume(() => Promise.reject(new AppError('internal', 'broken')));
      const jobs = await h.queue.enqueueMany(
        Array.from({ length: 30 }, () => ({
          kind: 'credential.refresh' as const,
          payload: { integrationId: randomUUID() },
          userId,
        })),
      );
      await Promise.all(jobs.map(({ jobId }) => h.until(jobId, 'dead')));
      await consumer.stop();
      expect(await h.queue.replay({ userId })).toEqual({ replayed: 30, left: 0 });
      const refs = jobs.map(({ jobId }) => ({ id: jobId, queue: 'maintenance' }));
      expect(await h.driver.missing(refs)).toHaveLength(10);
      await h.consume(done);
      await Promise.all(jobs.map(({ jobId }) => h.until(jobId, 'completed')));
    });

    test('replays at once put each dead letter back once', async () => {
      const h = late();
      const ids = await bury(h, [{}, {}, {}, {}, {}]);
      const answers = await Promise.all([h.queue.replay({}), h.queue.replay({}), h.queue.retry(ids[0]!)]);
      const [one, two, retried] = answers;
      expect(one.replayed + two.replayed + (retried ? 1 : 0)).toBe(5);
      const runs: string[] = [];
      await h.consume((job) => Promise.resolve(completed(runs.push(job.jobId))));
      await Promise.all(ids.map((jobId) => h.until(jobId, 'completed')));
      expect(runs.toSorted()).toEqual(ids.toSorted());
    });
  });
}
