// One worker's runner over static pages, in a process of its own so that its memory is its own. Is sent one run after the
// other and answers with rates and memory: `node pipeline-worker.ts <worker url> <superuser url> <address of the pages>`.

import { Client } from 'pg';
import type { HttpClientScope } from '../../../src/http/http-client.ts';
import { createHttpClient } from '../../../src/http/client.ts';
import { createEgressPolicy } from '../../../src/http/egress.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { Secret } from '../../../src/core/secret.ts';
import { openDatabase } from '../../../src/db/database.ts';
import type { BucketRule } from '../../../src/limits/governor.ts';
import { createPostgresGovernor } from '../../../src/limits/postgres-governor.ts';
import { createSyncRunHandler } from '../../../src/sync/runner.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import { timed } from '../measure.ts';
import { pagesOf, type PageTemplate } from '../static-pages.ts';
import { claimRun, HOST, runnerOver, type PostingsPage, type ReadPostings } from '../sync-rig.ts';

export interface PipelineOrder {
  readonly source: 'http' | 'memory';
  /** Pages `from` to `from + pages - 1`. */
  readonly from: number;
  readonly pages: number;
}

export interface PipelineResult {
  readonly ms: number;
  /** Resident memory before, at its highest and after a collection, in MB. */
  readonly rss: { readonly before: number; readonly peak: number; readonly after: number };
}

const OPEN_RULE: BucketRule = { id: 'upwork.bench', requests: 1e6, perMs: 1_000, burst: 1e6, source: 'bench' };

const [workerUrl, superuserUrl, address] = process.argv.slice(2);
const db = openDatabase({ url: new Secret(workerUrl!), role: 'tidemark_worker', poolSize: 4 });
const superuser = new Client({ connectionString: superuserUrl! });
await superuser.connect();
const ask = async <R>(text: string, values: readonly unknown[] = []): Promise<R[]> =>
  (await superuser.query(text, [...values])).rows as R[];

const httpFor = createHttpClient({
  governor: createPostgresGovernor({ database: db, log: silentLog }),
  egress: createEgressPolicy(),
  clock: systemClock,
  log: silentLog,
  baseUrls: { upwork: address! },
  userAgent: 'tidemark-bench',
});

const pageOf = (records: unknown, n: number): PostingsPage => ({
  records: records as readonly unknown[],
  mode: { kind: 'upsert' },
  checkpoint: { n },
});

function overHttp({ from, pages }: PipelineOrder): ReadPostings {
  return async function* read({ http, signal }) {
    for (let n = from; n < from + pages; n++) {
      const url = `https://${HOST}/pages/${n}`;
      const answer = await http.request({ method: 'GET', url, charges: [{ rule: OPEN_RULE, key: 'bench' }] }, signal);
      yield pageOf(JSON.parse(answer.text), n);
    }
  };
}

/** The texts are there already: what is left is parsing, validation and commit. */
function overMemory({ from, pages }: PipelineOrder, template: PageTemplate): ReadPostings {
  return async function* read() {
    for (let n = from; n < from + pages; n++) yield pageOf(JSON.parse(template.page(n)), n);
  };
}

const mb = (): number => Math.round(process.memoryUsage.rss() / 1024 ** 2);

async function runOnce(order: PipelineOrder): Promise<PipelineResult> {
  const read = order.source === 'http' ? overHttp(order) : overMemory(order, pagesOf());
  const deps = runnerOver(db, read, { httpFor: (scope: HttpClientScope) => httpFor(scope) });
  const job = await claimRun(ask);
  const before = mb();
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, mb())), 50);
  const handle = createSyncRunHandler(deps);
  let failure: string | undefined;
  const ms = await timed(async () => {
    const outcome = await handle(job);
    if (outcome.kind !== 'completed') failure = JSON.stringify(outcome);
  });
  clearInterval(watch);
  if (failure !== undefined) throw new Error(`expected a run to complete, got ${failure}`);
  globalThis.gc?.();
  return { ms, rss: { before, peak, after: mb() } };
}

process.on('message', (order: PipelineOrder) => {
  void runOnce(order).then(
    (result) => process.send!(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
process.send!('ready');
