import { describe, expect, test } from 'vitest';
import { completed } from '../../../queues/outcome.ts';
import type { JobContext } from '../../../queues/port.ts';
import { skipUnless } from '../../support/skip.ts';
import { done, eventually, type Harness } from './harness.ts';

export function nativeArea(late: () => Harness): void {
  describe("the engine's own door", () => {
    test('a job that fits its kind is enqueued and runs once', async (context) => {
      const h = late();
      skipUnless(context, h.addNative, 'needs an engine with a door of its own');
      const { kind, payload } = h.request();
      const seen: JobContext[] = [];
      const nativeId = await h.addNative(h.lane.queue, { kind, payload });
      await h.consume((job) => Promise.resolve(completed(seen.push(job))));
      await eventually(() => seen.length > 0);
      await h.until(seen[0]!.jobId, 'completed');
      await h.until(await h.enqueue(), 'completed');
      expect(seen.slice(0, -1)).toMatchObject([{ kind, payload, queue: h.lane.queue, userId: null, attempt: 1 }]);
      const record = await eventually(async () => (await h.driver.get(nativeId)) ?? undefined);
      expect(record).toMatchObject({ state: 'completed', output: { result: { enqueuedAs: seen[0]!.jobId } } });
    });

    test('one that does not fit, of an unknown kind, or in the wrong queue is dead, with the reason', async (context) => {
      const h = late();
      skipUnless(context, h.addNative, 'needs an engine with a door of its own');
      await h.consume(done);
      await h.addNative(h.lane.queue, { kind: h.lane.kind, payload: h.lane.unfit });
      await h.addNative(h.lane.queue, { kind: 'no.such', payload: {} });
      await h.addNative(h.lane.otherQueue, { kind: h.lane.kind, payload: h.request().payload });
      const dead = await eventually(async () => {
        const found = await h.queue.list({ states: ['dead'] });
        return found.length === 3 && found;
      });
      const reasons = dead.map(({ error }) => error?.code ?? '').toSorted();
      expect(reasons).toEqual(['queue.payload_invalid', 'queue.unknown_kind', 'usage.invalid']);
      const inLetter = await h.driver.list({ queues: [h.deadQueue], states: ['waiting'], limit: 10 });
      expect(inLetter.map(({ id }) => id).sort()).toEqual(
        dead.flatMap(({ id, queue }) => (queue === h.lane.queue ? [id] : [])).sort(),
      );
      await eventually(async () => (await h.driver.counts(h.lane.queue)).active === 0);
    });

    test('one whose worker died with it in hand goes back, and runs once', async (context) => {
      const h = late();
      skipUnless(context, h.addNative, 'needs an engine with a door of its own');
      const { kind, payload } = h.request();
      await h.addNative(h.lane.queue, { kind, payload });
      const workerId = crypto.randomUUID();
      const [claim] = await h.driver.claim({ workerId, queues: [{ name: h.lane.queue, limit: 1 }], limit: 1 });
      expect(claim).toMatchObject({ kind, payload, meta: null });
      await h.reconciler.takeOver([workerId]);
      const ran: string[] = [];
      await h.consume((job) => Promise.resolve(completed(ran.push(job.jobId))));
      await eventually(() => ran.length > 0);
      const witness = await h.enqueue();
      await h.until(witness, 'completed');
      expect(ran.slice(1)).toEqual([witness]);
    });
  });
}
