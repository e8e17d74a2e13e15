// The page path into the database, from validated records to the commit: fence, position, policy, hash, upsert, counters.
// Reference: COPY of the same rows into a twin table without policy and foreign keys, one transaction a page.

import { hash } from 'node:crypto';
import type { Client } from 'pg';
import { uuidv7 } from '../../../src/core/ids.ts';
import type { PostingRecord } from '../../../src/core/records.ts';
import { parsePosting } from '../../../src/connectors/upwork/schemas/postings.ts';
import { jobsTable } from '../../../src/store/record-tables/jobs.ts';
import { tableOf } from '../../../src/store/record-tables/tables.ts';
import { commitPage } from '../../../src/sync/commit.ts';
import type { SyncRunDeps } from '../../../src/sync/runner.ts';
import { validatePage, type ValidatedPage } from '../../../src/sync/validate.ts';
import type { BenchCase, Figure } from '../bench-case.ts';
import { copyIn, copyText } from '../copy.ts';
import { median, medianRatio, perSecond, timed } from '../measure.ts';
import { rawPostings } from '../postings.ts';
import { claimRun, openRun, runnerOver } from '../sync-rig.ts';
import { withClient, type BenchDatabase } from '../world.ts';

const PAGE_ROWS = 1_000;

interface PreparedPage {
  readonly checked: ValidatedPage;
  readonly copy: Buffer;
}

const COLUMNS = ['user_id', 'integration_id', 'content_hash', ...jobsTable.columns.map(({ name }) => name)];

function toCopy(records: readonly PostingRecord[], userId: string, integrationId: string): Buffer {
  const rows = records.map((record) => {
    const values = jobsTable.columns.map(({ read }) => read(record));
    return [userId, integrationId, `\\x${hash('sha256', JSON.stringify(values))}`, ...values];
  });
  return copyText(rows);
}

function preparePages(count: number): readonly PreparedPage[] {
  const [userId, integrationId] = [uuidv7(), uuidv7()];
  const stream = { name: 'jobs', parse: parsePosting, keyOf: () => null };
  return Array.from({ length: count }, (_, page) => {
    const checked = validatePage(stream, tableOf('posting'), { records: rawPostings(page * PAGE_ROWS, PAGE_ROWS) });
    const records = checked.good.map(({ record }) => record as PostingRecord);
    return { checked, copy: toCopy(records, userId, integrationId) };
  });
}

/** Milliseconds to commit all pages as new rows, and again as unchanged ones. */
async function commitAll(
  deps: SyncRunDeps,
  database: BenchDatabase,
  pages: readonly PreparedPage[],
): Promise<{ readonly fresh: number; readonly unchanged: number }> {
  const run = await openRun(deps, await claimRun(database.asSuperuser));
  let { cursorVersion } = run;
  const pass = async (): Promise<void> => {
    for (const [n, { checked }] of pages.entries()) {
      const page = { records: [], mode: { kind: 'upsert' }, checkpoint: { n } } as const;
      ({ cursorVersion } = await commitPage(deps, { run, page, checked, cursorVersion, requests: 1 }));
    }
  };
  return { fresh: await timed(pass), unchanged: await timed(pass) };
}

async function copyAll(client: Client, pages: readonly PreparedPage[]): Promise<number> {
  await client.query('truncate jobs_twin');
  return await timed(async () => {
    for (const { copy } of pages) await copyIn(client, `copy jobs_twin (${COLUMNS.join(', ')}) from stdin`, copy);
  });
}

interface Rates {
  readonly fresh: number[];
  readonly unchanged: number[];
  readonly copy: number[];
}

async function measure(database: BenchDatabase, quick: boolean, note: (text: string) => void): Promise<Rates> {
  const pages = preparePages(20);
  const rows = pages.length * PAGE_ROWS;
  const deps = runnerOver(database.open('tidemark_worker', 2), async function* () {});
  const rates: Rates = { fresh: [], unchanged: [], copy: [] };
  await database.asSuperuser('create table jobs_twin (like jobs including all)');
  await withClient(database.superuserUrl, async (client) => {
    const rounds = quick ? 3 : 8;
    for (let round = 0; round < rounds; round++) {
      note(`round ${round + 1} of ${rounds}`);
      await client.query('truncate jobs cascade');
      await client.query('checkpoint');
      const copy = await copyAll(client, pages);
      const { fresh, unchanged } = await commitAll(deps, database, pages);
      // The first round warms caches and the compiler.
      if (round === 0) continue;
      rates.fresh.push(perSecond(rows, fresh));
      rates.unchanged.push(perSecond(rows, unchanged));
      rates.copy.push(perSecond(rows, copy));
    }
  });
  return rates;
}

export const commit: BenchCase = {
  name: 'commit',
  async run(world, { quick, note }) {
    const database = await world.createDatabase();
    try {
      const rates = await measure(database, quick, note);
      const figure = (name: string, ours: readonly number[], atLeast: number): Figure => ({
        name,
        unit: 'rows/s',
        ours: median(ours),
        reference: median(rates.copy),
        ratio: medianRatio(ours, rates.copy),
        target: { of: 'ratio', atLeast },
        details: { reference: 'COPY of ready text', pageRows: PAGE_ROWS, pages: 20, rounds: rates.copy.length },
      });
      return [figure('commit, new rows', rates.fresh, 0.6), figure('commit, unchanged rows', rates.unchanged, 0.8)];
    } finally {
      await database.drop();
    }
  },
};
