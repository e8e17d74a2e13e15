// Fifty syncs of one shop on Wildberries who always have more to ask, before a limit that is not the documented one and changes while
// they work: real HTTP, buckets in Postgres. How many are refused, and how much of the limit is used.

import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { createWildberriesApi, type Context } from '../../../src/connectors/wildberries/api.ts';
import { SELLER_WAREHOUSES } from '../../../src/connectors/wildberries/endpoints.ts';
import { wildberries } from '../../../src/connectors/wildberries/index.ts';
import { AppError } from '../../../src/core/errors.ts';
import { createPostgresGovernor } from '../../../src/limits/postgres-governor.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import { createWildberriesSimulator } from '../../simulators/wildberries/simulator.ts';
import { rigContext } from '../../support/connector-rig.ts';
import type { BenchCase } from '../bench-case.ts';

const SYNCS = 50;
const BURST = 20;
/** Requests a second that the platform means, one after the other; the documents say 5. */
const HIDDEN = [5, 3, 4] as const;

/** Asks until the signal fires, as a sync does: short waits inside the client, long ones as the queue would. */
async function askOn(context: Context, signal: AbortSignal): Promise<void> {
  const api = createWildberriesApi(context);
  while (!signal.aborted) {
    try {
      await api.ask(SELLER_WAREHOUSES, z.unknown());
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'rate_limited') throw error;
      await delay(error.retryAfterMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

export const shopLimit: BenchCase = {
  name: 'shop-limit',
  async run(world, { quick, note }) {
    const stepMs = quick ? 10_000 : 60_000;
    const database = await world.createDatabase();
    const sim = createWildberriesSimulator();
    await sim.start();
    try {
      const { credentials } = sim.addSeller();
      const governor = createPostgresGovernor({ database: database.open('tidemark_worker', 8), log: silentLog });
      const context = rigContext({ connector: wildberries, baseUrl: sim.baseUrl, credentials, governor }) as Context;
      const stop = new AbortController();
      sim.limit('marketplace', { perSecond: HIDDEN[0], burst: BURST });
      const working = Array.from({ length: SYNCS }, () => askOn(context, stop.signal));
      for (const perSecond of HIDDEN) {
        sim.limit('marketplace', { perSecond, burst: BURST });
        note(`${perSecond} a second for ${stepMs / 1_000} s`);
        await delay(stepMs);
      }
      stop.abort();
      await Promise.all(working);
      const sent = sim.journal.total;
      const refused = sim.journal.entries.filter(({ status }) => status === 429).length;
      const grantable = BURST + HIDDEN.reduce((sum, perSecond) => sum + (perSecond * stepMs) / 1_000, 0);
      const details = { syncs: SYNCS, sent, refused, grantable };
      const common = { reference: null, ratio: null, details } as const;
      return [
        {
          name: 'shop-limit: refused',
          unit: 'share',
          ours: refused / sent,
          target: { of: 'ours', atMost: 0.01 },
          ...common,
        },
        {
          name: 'shop-limit: used',
          unit: 'share',
          ours: (sent - refused) / grantable,
          target: { of: 'ours', atLeast: 0.9 },
          ...common,
        },
      ];
    } finally {
      await sim.stop();
      await database.drop();
    }
  },
};
