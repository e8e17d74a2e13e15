// What a claim of controlled queues may take, against the tables alone; both engines are held to the outcome elsewhere.

import { beforeEach, describe, expect, test } from 'vitest';
import { createControlsCache, readControls, reserveStarts, spendStarts } from '../../queues/controls.ts';
import type { EngineRecord } from '../../queues/driver.ts';
import type { Queryable } from '../../src/db/database.ts';
import { eventually } from '../conformance/queue/harness.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createTestClock } from '../support/scheduling.ts';

const database = await createTestDatabase();
const worker = database.open('tidemark_worker');
const OPS = { kind: 'ops' } as const;
const NOW = new Date('2026-03-01T12:00:00Z');
const HOUR_MS = 3_600_000;

/** A statement of this database that waits for somebody's lock. */
const OTHER_WAITS = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

beforeEach(async () => {
  await database.asSuperuser('delete from queue_controls; delete from job_ledger');
});

interface Setting {
  readonly queue: string;
  readonly paused?: true;
  readonly concurrency?: number;
  readonly max?: number;
  readonly perMs?: number;
}

async function set({ queue, paused, concurrency, max, perMs }: Setting): Promise<void> {
  await database.asSuperuser(
    `insert into queue_controls (queue, paused_at, concurrency, rate_max, rate_per_ms, updated_at)
     values ($1, case when $2 then now() end, $3, $4, $5, now())`,
    [queue, paused ?? false, concurrency ?? null, max ?? null, perMs ?? null],
  );
}

async function putInHand(queue: string, count: number): Promise<void> {
  await database.asSuperuser(
    `insert into job_ledger (id, kind, queue, run_at, state, worker_id, max_attempts, created_at)
     select gen_random_uuid(), 'sync.run', $1, now(), 'active', gen_random_uuid(), 1, now() from generate_series(1, $2)`,
    [queue, count],
  );
}

/** An engine in which so many derived jobs are in hand. */
const engineWith = (active: number) => ({
  list: ({ limit }: { readonly limit: number }) =>
    Promise.resolve(Array.from({ length: Math.min(active, limit) }, () => ({}) as EngineRecord)),
});

const reserve = (queues: readonly string[], { free = 10, active = 0, now = NOW } = {}) =>
  worker.tx(OPS, (tx) => reserveStarts(tx, { driver: engineWith(active), queues, free, now }));

describe('a reservation', () => {
  test('gives each queue what its controls leave, and all to a queue without any', async () => {
    await set({ queue: 'maintenance', paused: true, concurrency: 5 });
    await set({ queue: 'sync-upwork', concurrency: 3 });
    await set({ queue: 'sync-profiles', max: 4, perMs: HOUR_MS });
    await set({ queue: 'sync-messaging', concurrency: 1, max: 4, perMs: HOUR_MS });
    await set({ queue: 'metrics', concurrency: 6 });
    await putInHand('sync-upwork', 2);
    await putInHand('sync-messaging', 4);
    const queues = ['maintenance', 'sync-upwork', 'sync-profiles', 'sync-messaging', 'metrics', 'webhooks'];
    const { allowances } = await reserve(queues, { active: 4 });
    expect(Object.fromEntries(allowances)).toEqual({
      maintenance: 0,
      'sync-upwork': 1,
      'sync-profiles': 4,
      'sync-messaging': 0,
      metrics: 2,
      webhooks: 10,
    });
    expect((await reserve(['metrics', 'sync-upwork'], { active: 9, free: 1 })).allowances).toEqual(
      new Map([
        ['metrics', 0],
        ['sync-upwork', 1],
      ]),
    );
  });

  test('says when a rate lets the next job start, and only if a rate is what holds', async () => {
    await set({ queue: 'sync-profiles', max: 4, perMs: 4_000 });
    await set({ queue: 'maintenance', paused: true, max: 1, perMs: HOUR_MS });
    await set({ queue: 'sync-upwork', concurrency: 1, max: 100, perMs: HOUR_MS });
    await putInHand('sync-upwork', 1);
    const queues = ['sync-profiles', 'maintenance', 'sync-upwork'];
    expect((await reserve(queues, { free: 4 })).againInMs).toBeNull();
    expect((await reserve(queues, { free: 5 })).againInMs).toBe(1_000);
    await worker.tx(OPS, (tx) => spendStarts(tx, new Map(queues.map((queue) => [queue, 4])), NOW));
    const later = await reserve(queues, { now: new Date(NOW.getTime() + 1_700) });
    expect(later).toMatchObject({ againInMs: 300 });
    expect(later.allowances.get('sync-profiles')).toBe(1);
  });

  test('waits for another claim of the same limited queue, and sees what that one has spent', async () => {
    await set({ queue: 'maintenance', max: 3, perMs: HOUR_MS });
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    const one = worker.tx(OPS, async (tx) => {
      const { allowances } = await reserveStarts(tx, {
        driver: engineWith(0),
        queues: ['maintenance'],
        free: 10,
        now: NOW,
      });
      first.resolve();
      await eventually(async () => (await database.asSuperuser(OTHER_WAITS)).length > 0);
      await spendStarts(tx, new Map([['maintenance', 2]]), NOW);
      order.push(`one ${allowances.get('maintenance')}`);
    });
    await first.promise;
    order.push(`two ${(await reserve(['maintenance'])).allowances.get('maintenance')}`);
    await one;
    expect(order).toEqual(['one 3', 'two 1']);
  });

  test('a worker may spend starts and change nothing else', async () => {
    await set({ queue: 'maintenance', concurrency: 1 });
    await worker.tx(OPS, (tx) => spendStarts(tx, new Map([['maintenance', 2]]), NOW));
    expect(await readControls(worker)).toEqual(
      new Map([['maintenance', { queue: 'maintenance', pausedAt: null, concurrency: 1, rate: null }]]),
    );
    for (const text of ['update queue_controls set concurrency = 9', 'delete from queue_controls'])
      await expect(worker.query(text)).rejects.toMatchObject({ code: 'db.forbidden' });
  });
});

describe('the cache of controls', () => {
  /** Counts questions; each waits for `gate`. */
  function counted() {
    const seen = { questions: 0, gate: Promise.resolve() };
    const db: Queryable = {
      async query(text, values) {
        seen.questions += 1;
        const answer = await worker.query(text, values);
        await seen.gate;
        return answer as never;
      },
    };
    return { db, seen };
  }

  test('asks once in its time, and again after it or when told', async () => {
    const clock = createTestClock(NOW.toISOString());
    const { db, seen } = counted();
    const cache = createControlsCache({ db, everyMs: 1_000, clock });
    await cache.read();
    clock.advance(999);
    expect((await cache.read()).size).toBe(0);
    expect(seen.questions).toBe(1);
    clock.advance(1);
    await cache.read();
    expect(seen.questions).toBe(2);
    await set({ queue: 'metrics', paused: true });
    expect((await cache.read()).size).toBe(0);
    cache.invalidate();
    expect((await cache.read()).get('metrics')?.pausedAt).toBeInstanceOf(Date);
    expect(seen.questions).toBe(3);
  });

  test('what was told while a question was on its way is asked for again', async () => {
    const { db, seen } = counted();
    const cache = createControlsCache({ db });
    const gate = Promise.withResolvers<void>();
    seen.gate = gate.promise;
    const first = cache.read();
    cache.invalidate();
    gate.resolve();
    await first;
    await cache.read();
    expect(seen.questions).toBe(2);
  });
});
