// Many tenants behind one outgoing address, each with a full pass to read, and several workers that share nothing but the
// database: who waits for quota gives his slot back and comes again when he was told to.

import { createHttpFor } from '../../src/app/http-for.ts';
import { sleep } from '../../src/core/async.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { LimitOverrides } from '../../src/limits/overrides.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import type { Outcome } from '../../queues/outcome.ts';
import type { UpworkSimulator } from '../simulators/upwork/simulator.ts';
import type { TestDatabase } from './postgres.ts';
import { createUpworkWorld, type UpworkWorld } from './upwork-world.ts';
import type { UpworkStream } from './upwork-streams.ts';

export interface SharedLimit {
  readonly tenants: readonly UpworkWorld[];
  /** Runs a pass of the stream for a tenant to its end; false when the signal ended it. */
  pass(tenant: UpworkWorld, stream: UpworkStream, signal: AbortSignal): Promise<boolean>;
}

export interface SharedLimitOptions {
  readonly database: TestDatabase;
  readonly sim: UpworkSimulator;
  readonly tenants: number;
  readonly limits: LimitOverrides;
}

const WORKERS = 2;
/** A wait that is longer than the test is no wait of the test. */
const LONGEST_WAIT_MS = 5_000;

export async function createSharedLimit({ database, sim, tenants, limits }: SharedLimitOptions): Promise<SharedLimit> {
  const env = { UPWORK_BASE_URL: sim.baseUrl, TIDEMARK_LIMITS: JSON.stringify(limits) };
  const config = loadConfig({ ...env, DATABASE_URL: database.urlOf('tidemark_worker') });
  const workers = Array.from({ length: WORKERS }, () => {
    const db = database.open('tidemark_worker', 12);
    return { db, httpFor: createHttpFor({ config, db, clock: systemClock, log: silentLog }) };
  });
  const settings = { saved_searches: [{ name: 'all' }] };
  const worlds = await Promise.all(
    Array.from({ length: tenants }, (_, n) => {
      const { db, httpFor } = workers[n % WORKERS]!;
      return createUpworkWorld({ database, worker: db, sim, clock: systemClock, settings, httpFor });
    }),
  );
  return {
    tenants: worlds,
    async pass(tenant, stream, signal) {
      const runId = await tenant.addRun(stream);
      while (!signal.aborted) {
        const outcome = (await tenant.work(runId)) as Outcome;
        if (outcome.kind !== 'snooze') return true;
        if (outcome.delayMs > LONGEST_WAIT_MS) return false;
        await sleep(outcome.delayMs, signal).catch(() => undefined);
      }
      return false;
    },
  };
}
