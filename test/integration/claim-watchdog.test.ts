// A client that reconnected into silence: it answers, and gives nothing.

import { expect, test } from 'vitest';
import type { EngineDriver } from '../../queues/driver.ts';
import { createPgBossDriver } from '../../queues/drivers/pgboss/driver.ts';
import { completed } from '../../queues/outcome.ts';
import { createClaimWatchdog } from '../../queues/claim-watchdog.ts';
import { createControlsCache } from '../../queues/controls.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { eventually, harnessOn, type Harness } from '../conformance/queue/harness.ts';
import { createTestDatabase } from '../support/postgres.ts';

interface Seen {
  /** Jobs that a claim gave so far. */
  readonly claims: number;
  readonly rebuilds: number;
}

type Verbs = Partial<Pick<EngineDriver, 'claim' | 'rebuild'>>;

interface Opened {
  readonly harness: Harness;
  readonly seen: Seen;
}

/** The real engine behind a connection that misbehaves as `verbs` say. */
async function openHarness(
  verbs: (seen: Seen) => { readonly [K in keyof Verbs]: Verbs[K] | undefined },
): Promise<Opened> {
  const database = await createTestDatabase();
  const worker = database.open('tidemark_worker', 10);
  const real = createPgBossDriver({ db: worker, log: silentLog });
  await real.start();
  const seen = { claims: 0, rebuilds: 0 };
  const claim: EngineDriver['claim'] = async (request) => {
    const claims = await (verbs(seen).claim ?? real.claim.bind(real))(request);
    seen.claims += claims.length;
    return claims;
  };
  const rebuild: EngineDriver['rebuild'] = async () => {
    seen.rebuilds += 1;
    await verbs(seen).rebuild?.();
  };
  const driver = new Proxy<EngineDriver>(real, {
    get(target, name) {
      if (name === 'claim') return claim;
      if (name === 'rebuild') return rebuild;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  const harness = harnessOn({
    driver,
    databases: { api: database.open('tidemark_api'), scheduler: database.open('tidemark_scheduler'), worker },
    asSuperuser: (text, values) => database.asSuperuser(text, values),
    lose: () => Promise.resolve(),
  });
  return { harness, seen };
}

/** Gives nothing until it is rebuilt. */
const silenced = (): Promise<Opened> =>
  openHarness(({ rebuilds }) => ({ claim: rebuilds > 0 ? undefined : () => Promise.resolve([]) }));

test('connections are rebuilt when jobs are due, hands are free, and nothing comes', async () => {
  const { harness: h, seen } = await silenced();
  await h.consume(() => Promise.resolve(completed()), { stuckAfterMs: 100 });
  const jobId = await h.enqueue();
  await h.until(jobId, 'completed');
  expect(seen.rebuilds).toBe(1);
  expect(h.log.events.map(({ event }) => event)).toContain('engine.rebuilt');
});

test('a paused queue, a delayed job and an empty queue are no reason to rebuild', async () => {
  const { harness: h, seen } = await silenced();
  await h.queue.pause('maintenance');
  await h.enqueue();
  await h.queue.enqueue({
    kind: 'sync.run',
    payload: { runId: '0198c5a0-0000-7000-8000-000000000001' },
    userId: null,
    runAt: new Date(Date.now() + 60_000),
  });
  let passes = 0;
  const watchdog = createClaimWatchdog({
    db: h.databases.worker,
    driver: h.driver,
    clock: systemClock,
    log: silentLog,
    controls: createControlsCache({ db: h.databases.worker }),
    lanes: [
      {
        queues: ['maintenance', 'sync-upwork'],
        get idleMs() {
          passes += 1;
          return Infinity;
        },
      },
    ],
    patienceMs: 20,
  });
  await watchdog.start();
  await eventually(() => passes > 5);
  await watchdog.stop();
  expect(seen.rebuilds).toBe(0);
});

test('a drain reaches the handlers while a rebuild hangs', async () => {
  const rebuilt = Promise.withResolvers<void>();
  const { harness: h } = await openHarness(({ claims }) => ({
    claim: claims === 0 ? undefined : () => Promise.resolve([]),
    rebuild: () => rebuilt.promise,
  }));
  const told = Promise.withResolvers<boolean>();
  const consumer = await h.consume(
    (job) => {
      job.draining.addEventListener('abort', () => told.resolve(true));
      return told.promise.then(() => completed());
    },
    { stuckAfterMs: 50 },
  );
  await h.until(await h.enqueue(), 'active');
  await h.enqueue();
  await eventually(() => h.log.events.some(({ event }) => event === 'engine.rebuilt'));
  void consumer.stop();
  expect(await told.promise).toBe(true);
  rebuilt.resolve();
});
