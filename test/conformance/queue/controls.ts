import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { QUEUES } from '../../../queues/catalog.ts';
import { completed } from '../../../queues/outcome.ts';
import { HOUR_MS } from '../../../src/core/duration.ts';
import { eventually, type Harness, type TestHandler } from './harness.ts';

const WITNESS = 'sync-profiles';
const WITH_WITNESS = { queues: ['maintenance', 'metrics', WITNESS] };
/** No poll comes by in the time of a test: whatever happens was woken. */
const NO_POLL = { ...WITH_WITNESS, firstPollMs: HOUR_MS, pollMs: HOUR_MS };

/** Jobs of another queue come and go: the consumers have looked at their queues since. */
async function lookedAgain(h: Harness): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const jobId = await h.enqueue({ kind: 'sync.run', payload: { runId: randomUUID() }, queue: WITNESS });
    await h.until(jobId, 'completed');
  }
}

/** A handler that keeps all but witnesses until `release`, and counts those in hand. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen = { inHand: 0, most: 0 };
  const handler: TestHandler = async ({ queue }) => {
    if (queue === WITNESS) return completed();
    seen.inHand += 1;
    seen.most = Math.max(seen.most, seen.inHand);
    await promise;
    seen.inHand -= 1;
    return completed();
  };
  return { handler, seen, release: resolve };
}

/** A handler that notes what it was given, witnesses aside. */
function notes() {
  const ran: string[] = [];
  const handler: TestHandler = ({ jobId, queue }) => {
    if (queue !== WITNESS) ran.push(jobId);
    return Promise.resolve(completed());
  };
  return { handler, ran };
}

const enqueueSome = (h: Harness, count: number): Promise<readonly string[]> =>
  Promise.all(Array.from({ length: count }, () => h.enqueue()));

const rollup = () => ({
  kind: 'metrics.rollup' as const,
  payload: { userId: randomUUID(), day: '2026-03-01' },
  userId: null,
});

function pauseTests(late: () => Harness): void {
  test('a paused queue starts nothing, others go on, and resume starts it without waiting for a poll', async () => {
    const h = late();
    await h.queue.pause('maintenance');
    const { handler, ran } = notes();
    await h.consume(handler, NO_POLL);
    const jobId = await h.enqueue();
    await lookedAgain(h);
    expect(ran).toEqual([]);
    expect((await h.queue.get(jobId))?.state).toBe('waiting');
    await h.queue.resume('maintenance');
    await h.until(jobId, 'completed');
    expect(ran).toEqual([jobId]);
  });

  test('a pause is heard by consumers that run, and what is in hand goes on', async () => {
    const h = late();
    const { handler, seen, release } = gate();
    await h.consume(handler, WITH_WITNESS);
    const inHand = await h.enqueue();
    await h.until(inHand, 'active');
    await h.queue.pause('maintenance');
    // Until the word has gone round jobs may still start.
    const stays = await eventually(async () => {
      const jobId = await h.enqueue();
      await lookedAgain(h);
      return (await h.queue.get(jobId))?.state === 'waiting' ? jobId : undefined;
    });
    const before = seen.inHand;
    release();
    await h.until(inHand, 'completed');
    await lookedAgain(h);
    expect((await h.queue.get(stays))?.state).toBe('waiting');
    expect(seen.most).toBe(before);
  });

  test('a pause holds for a consumer that is started later, also in a queue of derived jobs', async () => {
    const h = late();
    await h.queue.pause('metrics');
    const { jobId } = await h.queue.enqueue(rollup());
    const { handler, ran } = notes();
    await (await h.consume(handler, WITH_WITNESS)).stop();
    await h.consume(handler, WITH_WITNESS);
    await lookedAgain(h);
    expect(ran).toEqual([]);
    await h.queue.resume('metrics');
    await h.until(jobId, 'completed');
  });
}

function limitTests(late: () => Harness): void {
  test('a limit of jobs in hand holds over two consumers', async () => {
    const h = late();
    await h.queue.limit('maintenance', { concurrency: 2 });
    const { handler, seen, release } = gate();
    await Promise.all([h.consume(handler, WITH_WITNESS), h.consume(handler, WITH_WITNESS)]);
    const jobs = await enqueueSome(h, 7);
    await eventually(() => seen.inHand === 2);
    await lookedAgain(h);
    expect(seen.most).toBe(2);
    release();
    await Promise.all(jobs.map((jobId) => h.until(jobId, 'completed')));
    expect(seen.most).toBe(2);
  });

  test('a limit of jobs in hand holds in a queue of derived jobs', async () => {
    const h = late();
    await h.queue.limit('metrics', { concurrency: 2 });
    const { handler, seen, release } = gate();
    await Promise.all([h.consume(handler, WITH_WITNESS), h.consume(handler, WITH_WITNESS)]);
    const jobs = await h.queue.enqueueMany(Array.from({ length: 7 }, rollup));
    await eventually(() => seen.inHand === 2);
    await lookedAgain(h);
    expect(seen.most).toBe(2);
    release();
    await Promise.all(jobs.map(({ jobId }) => h.until(jobId, 'completed')));
    expect(seen.most).toBe(2);
  });

  test('a rate of starts holds over two consumers, and taking it away starts the rest', async () => {
    const h = late();
    await h.queue.limit('maintenance', { rate: { max: 3, perMs: HOUR_MS } });
    const { handler, ran } = notes();
    await Promise.all([h.consume(handler, WITH_WITNESS), h.consume(handler, WITH_WITNESS)]);
    const jobs = await enqueueSome(h, 8);
    await eventually(() => ran.length >= 3);
    await lookedAgain(h);
    expect(ran).toHaveLength(3);
    expect(await h.queue.counts('maintenance')).toMatchObject({ waiting: 5, active: 0 });
    await h.queue.limit('maintenance', { rate: null });
    await Promise.all(jobs.map((jobId) => h.until(jobId, 'completed')));
    expect(ran).toHaveLength(8);
  });

  test('the next job of a rate starts at its time, not at the next poll', async () => {
    const h = late();
    await h.queue.limit('maintenance', { rate: { max: 1, perMs: 300 } });
    const { handler, ran } = notes();
    await h.consume(handler, NO_POLL);
    const jobs = await enqueueSome(h, 3);
    await Promise.all(jobs.map((jobId) => h.until(jobId, 'completed')));
    expect(ran).toHaveLength(3);
  });
}

export function controlsArea(late: () => Harness): void {
  describe('queue controls', () => {
    pauseTests(late);
    limitTests(late);

    test('controls of every queue are shown; null takes a limit away, absent leaves it', async () => {
      const { queue } = late();
      const none = { pausedAt: null, concurrency: null, rate: null };
      const of = async (name: string) => (await queue.controls()).find((controls) => controls.queue === name);
      expect(await queue.controls()).toEqual(QUEUES.map((name) => ({ queue: name, ...none })));
      await queue.limit('metrics', { concurrency: 4, rate: { max: 10, perMs: 1_000 } });
      await queue.pause('metrics');
      const paused = await of('metrics');
      expect(paused).toMatchObject({ concurrency: 4, rate: { max: 10, perMs: 1_000 }, pausedAt: expect.any(Date) });
      await queue.pause('metrics');
      await queue.limit('metrics', { concurrency: null });
      expect(await of('metrics')).toEqual({ ...paused, concurrency: null });
      await queue.resume('metrics');
      await queue.limit('metrics', { rate: null });
      expect(await of('metrics')).toEqual({ queue: 'metrics', ...none });
    });

    test('limits that make no sense are refused, and so are unknown queues', async () => {
      const { queue } = late();
      const refused = { code: 'usage.invalid' };
      for (const concurrency of [0, -1, 1.5, Number.NaN])
        await expect(queue.limit('metrics', { concurrency })).rejects.toMatchObject(refused);
      for (const rate of [
        { max: 0, perMs: 1 },
        { max: 1, perMs: 0 },
        { max: 1, perMs: 0.5 },
      ])
        await expect(queue.limit('metrics', { rate })).rejects.toMatchObject(refused);
      await expect(queue.pause('no-such' as 'metrics')).rejects.toMatchObject(refused);
    });
  });
}
