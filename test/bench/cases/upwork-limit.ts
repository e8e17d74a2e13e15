// Twenty tenants behind one address who always have more to read than the limit lets through, with the rule as it is
// shipped: the fullest minute at the server, and how much of Upwork's limit is used.

import { mapBounded } from '../../../src/core/async.ts';
import { generatePostings } from '../../simulators/upwork/generate-postings.ts';
import { arrivalsOf, UPWORK_LIMIT } from '../../simulators/upwork/arrivals.ts';
import { createUpworkSimulator } from '../../simulators/upwork/simulator.ts';
import { createSharedLimit } from '../../support/shared-limit.ts';
import type { BenchCase } from '../bench-case.ts';

const TENANTS = 20;
const POSTINGS = 1_500;

export const upworkLimit: BenchCase = {
  name: 'upwork-limit',
  async run(world, { quick, note }) {
    const windowMs = quick ? UPWORK_LIMIT.windowMs / 10 : UPWORK_LIMIT.windowMs;
    const limit = { max: UPWORK_LIMIT.max, windowMs };
    const forMs = Math.round(windowMs * 2.2);
    const database = await world.createDatabase();
    const sim = createUpworkSimulator({ traps: { fixedSearchPageSize: 10 }, rateLimit: limit });
    sim.state.addPostings(generatePostings({ count: POSTINGS, newest: new Date(Date.now() - windowMs) }));
    await sim.start();
    try {
      const limits = { 'upwork.api': { perMs: windowMs } };
      const { tenants, pass } = await createSharedLimit({ database, sim, tenants: TENANTS, limits });
      note(`${TENANTS} tenants for ${Math.round(forMs / 1_000)} s`);
      const signal = AbortSignal.timeout(forMs);
      await mapBounded(tenants, TENANTS, (tenant) => pass(tenant, 'jobs', signal));
      const seen = arrivalsOf(sim.journal, { ...limit, forMs });
      const each = [...seen.byAccount.values()];
      const details = {
        windowMs,
        requests: seen.requests,
        refused: seen.refused,
        tenants: each.length,
        fewest: Math.min(...each),
        most: Math.max(...each),
      };
      const most = { of: 'ours', atMost: UPWORK_LIMIT.max } as const;
      const share = { of: 'ours', atLeast: 0.9 } as const;
      return [
        {
          name: 'upwork-limit: fullest window at the server',
          unit: 'requests',
          ours: seen.mostInWindow,
          reference: null,
          ratio: null,
          target: most,
          details,
        },
        {
          name: 'upwork-limit: used of the limit',
          unit: 'share',
          ours: seen.share,
          reference: null,
          ratio: null,
          target: share,
          details,
        },
      ];
    } finally {
      await sim.stop();
      await database.drop();
    }
  },
};
