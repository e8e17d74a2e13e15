import { describe, expect, test } from 'vitest';
import { uuidv7 } from '../../../src/core/ids.ts';
import { asItIs, type EngineClaim } from '../../../queues/driver.ts';
import { done, type Harness } from './harness.ts';

/** What a worker does first: one job out of the engine, and nothing else yet. */
export async function claimOne({ driver, lane }: Harness, workerId: string): Promise<EngineClaim> {
  const [claim] = await driver.claim({ workerId, queues: [{ name: lane.queue, limit: 1 }], limit: 1 });
  expect(claim).toBeDefined();
  return claim!;
}

/** What a worker leaves behind that is gone for good. */
async function addGoneWorker({ asSuperuser }: Harness): Promise<string> {
  const id = uuidv7();
  await asSuperuser(
    `insert into workers (id, hostname, pid, concurrency, status, stopped_at) values ($1, 'h', 1, 1, 'dead', now())`,
    [id],
  );
  return id;
}

export function claimsArea(late: () => Harness): void {
  describe('claims', () => {
    test('a claim that has moved on settles nothing', async () => {
      const h = late();
      const [earlier, later] = [uuidv7(), uuidv7()];
      const jobId = await h.enqueue();
      const stale = await claimOne(h, earlier);
      await h.driver.putBack([{ job: asItIs(stale), token: stale.token, runAt: new Date() }]);
      const current = await claimOne(h, later);
      expect(current.id).toBe(jobId);
      const job = { ...asItIs(stale), meta: stale.meta! };
      const output = { attempts: 1, takeovers: 0, workerId: earlier };
      const end = { job, token: stale.token, state: 'completed', output } as const;
      await h.driver.complete([end]);
      await h.driver.putBack([{ job, token: stale.token, runAt: new Date() }]);
      await h.driver.bury([{ job, token: stale.token, output }]);
      expect((await h.driver.exchange([end], null)).settled.size).toBe(0);
      expect(await h.driver.get(jobId)).toMatchObject({ state: 'active', output: { workerId: later } });
      expect(await h.driver.missing([{ id: jobId, queue: h.deadQueue }])).toEqual([jobId]);
      expect(await h.driver.heldBy([earlier], 10)).toEqual([]);
      expect((await h.driver.exchange([{ ...end, token: current.token }], null)).settled).toEqual(new Set([jobId]));
    });

    test('a claim that has ended cannot be put back', async () => {
      const h = late();
      const jobId = await h.enqueue();
      const claim = await claimOne(h, uuidv7());
      const job = { ...asItIs(claim), meta: claim.meta! };
      const output = { attempts: 1, takeovers: 0, workerId: null };
      await h.driver.complete([{ job, token: claim.token, state: 'completed', output }]);
      await h.driver.putBack([{ job, token: claim.token, runAt: new Date() }]);
      expect((await h.driver.get(jobId))?.state).toBe('completed');
    });

    test('a job is given to one of many who ask for it', async () => {
      const h = late();
      const enqueued = await h.queue.enqueueMany(Array.from({ length: 50 }, () => h.request()));
      const queues = [{ name: h.lane.queue, limit: 20 }];
      const claims = await Promise.all(
        Array.from({ length: 10 }, () => h.driver.claim({ workerId: uuidv7(), queues, limit: 20 })),
      );
      const left = await h.driver.claim({ workerId: uuidv7(), queues: [{ name: h.lane.queue, limit: 50 }], limit: 50 });
      const ids = [...claims, left].flat().map(({ id }) => id);
      expect(ids.sort()).toEqual(enqueued.map(({ jobId }) => jobId).sort());
      expect(Math.max(...claims.map(({ length }) => length))).toBeLessThanOrEqual(20);
    });

    test('a claim that was never worked on goes back when its worker is taken over', async () => {
      const h = late();
      const gone = uuidv7();
      const jobId = await h.enqueue();
      await claimOne(h, gone);
      expect(await h.driver.heldBy([gone], 10)).toMatchObject([{ id: jobId }]);
      expect(await h.reconciler.takeOver([gone])).toEqual({ requeued: 1, poisoned: 0 });
      await h.consume(done);
      expect((await h.until(jobId, 'completed')).attempts).toBe(1);
    });

    test('what a worker that is gone still has in hand is found without being told', async () => {
      const h = late();
      const jobId = await h.enqueue();
      await claimOne(h, await addGoneWorker(h));
      await h.reconciler.restoreLost();
      await h.consume(done);
      expect((await h.until(jobId, 'completed')).attempts).toBe(1);
    });
  });
}
