import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { completed } from '../../../queues/outcome.ts';
import { done, type Harness } from './harness.ts';

const inAnHour = (): Date => new Date(Date.now() + 3_600_000);
const soon = (): Date => new Date(Date.now() + 1_000);

async function deadJob(h: Harness): Promise<string> {
  const consumer = await h.consume(() => Promise.reject(new AppError('internal', 'broken')));
  const jobId = await h.enqueue();
  await h.until(jobId, 'dead');
  await consumer.stop();
  return jobId;
}

export function removalArea(late: () => Harness): void {
  describe('promote', () => {
    test('a delayed job runs at once, a waiting one and an unknown one are left alone', async () => {
      const h = late();
      const jobId = await h.enqueue({ runAt: inAnHour() });
      const waiting = await h.enqueue();
      expect(await h.queue.promote(waiting)).toBe(false);
      expect(await h.queue.promote(randomUUID())).toBe(false);
      expect(await h.queue.promote('no id')).toBe(false);
      expect(await h.queue.promote(jobId)).toBe(true);
      expect(await h.queue.promote(jobId)).toBe(false);
      await h.admission.admitDue();
      await h.consume(done);
      await h.until(jobId, 'completed');
    });

    test('of two at the same moment one brings it forward', async () => {
      const h = late();
      const jobId = await h.enqueue({ runAt: inAnHour() });
      const answers = await Promise.all([h.queue.promote(jobId), h.queue.promote(jobId)]);
      expect(answers.filter((isForward) => isForward)).toEqual([true]);
    });

    test('a job that waits for its next attempt has it now', async () => {
      const h = late();
      let tries = 0;
      await h.consume(
        () => (++tries === 1 ? Promise.reject(new AppError('db.unavailable', 'away')) : Promise.resolve(completed())),
        { random: () => 1 },
      );
      const jobId = await h.enqueue();
      await h.until(jobId, 'delayed');
      expect(await h.queue.promote(jobId)).toBe(true);
      await h.until(jobId, 'completed');
      expect(tries).toBe(2);
    });
  });

  describe('remove', () => {
    test('what waits is gone and never runs, and no reconciler brings it back', async () => {
      const h = late();
      const ids = [await h.enqueue(), await h.enqueue({ runAt: inAnHour() })];
      for (const id of ids) expect(await h.queue.remove(id)).toBe(true);
      for (const id of ids) expect(await h.queue.get(id)).toBeNull();
      await h.reconciler.restoreLost();
      const ran: string[] = [];
      await h.consume((job) => Promise.resolve(completed(ran.push(job.jobId))));
      const witness = await h.enqueue();
      await h.until(witness, 'completed');
      expect(ran).toEqual([witness]);
    });

    test('a unique key is free again', async () => {
      const h = late();
      const uniqueKey = randomUUID();
      const first = await h.enqueue({ uniqueKey });
      await h.queue.remove(first);
      expect(await h.queue.enqueue(h.request({ uniqueKey }))).toMatchObject({ created: true });
    });

    test('a job in hand stays, and whoever asks is told', async () => {
      const h = late();
      await h.consume(
        ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(completed()))),
      );
      const jobId = await h.enqueue();
      await h.until(jobId, 'active');
      await expect(h.queue.remove(jobId)).rejects.toMatchObject({ code: 'queue.job_active' });
      expect(await h.queue.get(jobId)).toMatchObject({ state: 'active' });
    });

    test('an ended job leaves no record', async () => {
      const h = late();
      await h.consume(done);
      const jobId = await h.enqueue();
      await h.until(jobId, 'completed');
      expect(await h.queue.remove(jobId)).toBe(true);
      expect(await h.queue.get(jobId)).toBeNull();
      expect(await h.queue.remove(jobId)).toBe(false);
    });

    test('a dead letter leaves neither record nor copy', async () => {
      const h = late();
      const jobId = await deadJob(h);
      expect(await h.queue.remove(jobId)).toBe(true);
      expect(await h.queue.get(jobId)).toBeNull();
      expect(await h.driver.missing([{ id: jobId, queue: h.deadQueue }])).toEqual([jobId]);
      expect(await h.queue.counts(h.deadQueue)).toMatchObject({ dead: 0 });
    });

    test('of a removal and a claim at the same moment exactly one wins', async () => {
      const h = late();
      const ran = new Set<string>();
      const enqueued = await h.queue.enqueueMany(Array.from({ length: 60 }, () => h.request()));
      const handler = (job: { jobId: string }) => Promise.resolve(completed(ran.add(job.jobId).size));
      const removed = new Set<string>();
      const removals = enqueued.map(async ({ jobId }) => {
        const isGone = await h.queue.remove(jobId).catch((error: AppError) => {
          expect(error.code).toBe('queue.job_active');
          return false;
        });
        if (isGone) removed.add(jobId);
      });
      await Promise.all([h.consume(handler), h.consume(handler), ...removals]);
      for (const { jobId } of enqueued) if (!removed.has(jobId)) await h.until(jobId, 'completed');
      // One that had ended may have been removed as well: nothing of it is left, and it ran once.
      expect(enqueued.filter(({ jobId }) => !removed.has(jobId) && !ran.has(jobId))).toEqual([]);
    });
  });

  describe('clean', () => {
    test('takes what is old enough in the named states, and nothing else', async () => {
      const h = late();
      await h.queue.clean({
        queue: h.lane.queue,
        states: ['completed', 'cancelled', 'failed', 'dead'],
        before: soon(),
      });
      const dead = await deadJob(h);
      const consumer = await h.consume(done);
      const ended = await h.enqueue();
      await h.until(ended, 'completed');
      await consumer.stop();
      const cancelled = await h.enqueue();
      await h.queue.cancel(cancelled);
      const waiting = await h.enqueue();
      const delayed = await h.enqueue({ runAt: inAnHour() });
      const { queue } = h.lane;
      const clean = (states: Parameters<typeof h.queue.clean>[0]['states'], before = soon(), name: string = queue) =>
        h.queue.clean({ queue: name, states, before });

      expect(await clean(['waiting', 'delayed', 'completed', 'cancelled', 'dead'], new Date(0))).toBe(0);
      expect(await clean(['completed'])).toBe(1);
      expect(await h.queue.get(ended)).toBeNull();
      expect(await clean(['cancelled'])).toBe(1);
      expect(await h.queue.get(cancelled)).toBeNull();
      expect(await clean(['delayed'])).toBe(1);
      expect(await h.queue.get(delayed)).toBeNull();
      expect(await h.queue.get(waiting)).toMatchObject({ state: 'waiting' });
      expect(await h.queue.get(dead)).toMatchObject({ state: 'dead' });
      expect(await clean(['waiting', 'completed'], soon(), h.deadQueue)).toBe(0);
      expect(await clean(['dead'], soon(), h.deadQueue)).toBe(1);
      expect(await h.queue.get(dead)).toBeNull();
      expect(await clean(['waiting'])).toBe(1);
      expect(await h.queue.list({ queue })).toEqual([]);
    });

    test('takes no more than it is allowed to, the oldest first', async () => {
      const h = late();
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) ids.push(await h.enqueue());
      expect(await h.queue.clean({ queue: h.lane.queue, states: ['waiting'], before: soon(), limit: 5 })).toBe(5);
      expect(await h.queue.list({ queue: h.lane.queue, states: ['waiting'] })).toEqual([]);
    });
  });
}
