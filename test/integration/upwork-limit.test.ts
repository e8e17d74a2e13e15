// Upwork's limit belongs to the outgoing address, not to a tenant: twenty of them behind one bucket, and a platform that
// enforces the limit itself. How much of it is used is measured by `npm run bench -- --only upwork-limit`.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { mapBounded } from '../../src/core/async.ts';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { generatePostings } from '../simulators/upwork/generate-postings.ts';
import { arrivalsOf, isApiRequest } from '../simulators/upwork/arrivals.ts';
import { createUpworkSimulator, type UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createSharedLimit, type SharedLimit } from '../support/shared-limit.ts';

const TENANTS = 20;
/** Upwork's minute and ours, both made a tenth. */
const WINDOW_MS = 6_000;
const LIMIT = { max: 300, windowMs: WINDOW_MS };
const SCALED = { perMs: WINDOW_MS };
const FREE = { requests: 600_000, burst: 10_000 };
const POSTINGS = 190;

let database: TestDatabase;
let sim: UpworkSimulator;
const signal = AbortSignal.timeout(10 * MINUTE_MS);

beforeEach(async () => {
  database = await createTestDatabase();
  sim = createUpworkSimulator({ traps: { fixedSearchPageSize: 10 }, rateLimit: LIMIT });
  sim.state.addPostings(generatePostings({ count: POSTINGS, newest: new Date(Date.now() - MINUTE_MS) }));
  await sim.start();
});
afterEach(() => sim.stop());

const open = (rule: object): Promise<SharedLimit> =>
  createSharedLimit({ database, sim, tenants: TENANTS, limits: { 'upwork.api': rule } });

const passes = ({ tenants, pass }: SharedLimit, of = tenants): Promise<readonly boolean[]> =>
  mapBounded(of, TENANTS, (tenant) => pass(tenant, 'jobs', signal));

/** Runs that wait would go on by themselves; these tests begin new ones. */
const cancelRuns = (): Promise<unknown> =>
  database.asSuperuser(`update sync_logs set status = 'cancelled', completed_at = now() where completed_at is null`);

async function expectComplete({ tenants }: SharedLimit): Promise<void> {
  for (const tenant of tenants) {
    const rows = await tenant.rowsOf('select 1 from jobs where deleted_at is null');
    expect(rows).toHaveLength(POSTINGS);
  }
}

test(
  'twenty tenants never send more than it in any window, and all of them get through',
  { timeout: 120_000 },
  async () => {
    const shared = await open(SCALED);
    expect(await passes(shared)).toEqual(shared.tenants.map(() => true));
    const { mostInWindow, refused, requests, byAccount } = arrivalsOf(sim.journal, LIMIT);
    expect([refused, mostInWindow <= LIMIT.max, byAccount.size]).toEqual([0, true, TENANTS]);
    expect(requests, 'more than one window of it').toBeGreaterThan(LIMIT.max);
    await expectComplete(shared);
  },
);

test('a block page of the edge for one of them pauses all', { timeout: 60_000 }, async () => {
  sim.rateLimit = null;
  const shared = await open(FREE);
  const [unlucky, ...others] = shared.tenants;
  sim.faults.add({ match: { account: unlucky!.added.account.id }, after: 2, fault: { kind: 'html-403' } });
  // One by one, so that nobody is under way when the page comes.
  expect(await shared.pass(unlucky!, 'jobs', signal)).toBe(false);
  const blocked = sim.journal.total;
  expect(await passes(shared, others)).toEqual(others.map(() => false));
  expect(sim.journal.total, 'requests during the pause').toBe(blocked);
  // As if the pause were over, and the one request that leaves after it long ago.
  await database.asSuperuser(`update rate_buckets set parked_until = now(), tat_ms = 0 where rule_id = 'upwork.api'`);
  await cancelRuns();
  expect(await passes(shared)).toEqual(shared.tenants.map(() => true));
  await expectComplete(shared);
});

test('the budget of a day holds for all of them together, and a new day goes on', { timeout: 60_000 }, async () => {
  sim.rateLimit = null;
  // A fifth of it is kept for people, so 80 are left for passes.
  const shared = await open({ ...FREE, perDay: 100 });
  const ended = await passes(shared);
  expect(ended).toContain(false);
  expect(sim.journal.count(isApiRequest)).toBe(80);
  await database.asSuperuser(`update rate_buckets set day = day - 1 where rule_id = 'upwork.api'`);
  await cancelRuns();
  await passes(shared);
  expect(sim.journal.count(isApiRequest)).toBe(160);
});
