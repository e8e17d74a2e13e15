// One worker that backfills statistics of Wildberries, in a process of its own so that its memory is its own:
// `node statistics-worker.ts <worker url> <superuser url> <base url> <first day>`. Tells its rate and its memory, then ends.

import { Client } from 'pg';
import { wildberries } from '../../../src/connectors/wildberries/index.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { Secret } from '../../../src/core/secret.ts';
import { openDatabase } from '../../../src/db/database.ts';
import { createHttpClient } from '../../../src/http/client.ts';
import { createEgressPolicy } from '../../../src/http/egress.ts';
import { createMemoryGovernor } from '../../../src/limits/memory-governor.ts';
import { createSyncRunHandler } from '../../../src/sync/runner.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import { ALL_CATEGORIES, makeToken } from '../../simulators/wildberries/token.ts';
import { timed } from '../measure.ts';
import { claimRun, runnerOver } from '../sync-rig.ts';

export interface StatisticsResult {
  readonly ms: number;
  readonly rows: number;
  /** Resident memory before, at its highest, and at its highest in the second half, in MB. */
  readonly rss: { readonly before: number; readonly peak: number; readonly latePeak: number };
}

const [workerUrl, superuserUrl, baseUrl, firstDay] = process.argv.slice(2);
const now = (): Date => new Date(Date.parse(firstDay!) + 80 * 86_400_000);
const clock = { ...systemClock, now };
const db = openDatabase({ url: new Secret(workerUrl!), role: 'tidemark_worker', poolSize: 4 });
const superuser = new Client({ connectionString: superuserUrl! });
await superuser.connect();
const ask = async <R>(text: string, values: readonly unknown[] = []): Promise<R[]> =>
  (await superuser.query(text, [...values])).rows as R[];

/** The platform's limit of one a minute is not what is measured. */
const open = createMemoryGovernor({ clock: systemClock });
const governor = { ...open, take: async () => ({ granted: true, waitMs: 0 }) as const };
const httpFor = createHttpClient({
  governor,
  egress: createEgressPolicy(),
  clock: systemClock,
  log: silentLog,
  baseUrls: { wildberries: baseUrl! },
  userAgent: 'tidemark-bench',
});
const token = makeToken({
  sid: 'bench',
  kind: 'personal',
  categories: ALL_CATEGORIES,
  expiresAt: new Date(Date.now() + 1e10),
});
const secret = new Secret<unknown>({ api_key: token });

const deps = runnerOver(db, async function* none() {}, {
  connectors: new Map([['wildberries', wildberries]]),
  httpFor,
  credentials: () => ({ current: () => Promise.resolve(secret), renew: () => Promise.resolve(secret) }),
  clock,
});
const job = await claimRun(ask, { platform: 'wildberries', stream: 'orders' });
const mb = (): number => Math.round(process.memoryUsage.rss() / 1024 ** 2);
globalThis.gc?.();
const before = mb();
const samples: number[] = [];
const watch = setInterval(() => void samples.push(mb()), 100);
let outcome = '';
const ms = await timed(async () => {
  outcome = JSON.stringify(await createSyncRunHandler(deps)(job));
});
clearInterval(watch);
if (!outcome.includes('success')) throw new Error(`expected the run to succeed, got ${outcome}`);
const [{ count } = { count: 0 }] = await ask<{ count: number }>('select count(*)::int as count from orders');
const result: StatisticsResult = {
  ms,
  rows: count,
  rss: { before, peak: Math.max(...samples), latePeak: Math.max(...samples.slice(samples.length / 2)) },
};
await new Promise<void>((resolve) => process.send!(result, () => resolve()));
process.exit(0);
