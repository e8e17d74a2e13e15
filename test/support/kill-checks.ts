// What must hold in the database whatever was killed, asked as superuser, past every policy and every line of the store.

import { expect } from 'vitest';
import {
  compareRows,
  expectedPosting,
  expectedProposal,
  POSTINGS_SQL,
  PROPOSALS_SQL,
  type Row,
} from '../demo/compare.ts';
import { compareWork, WORK_SOURCES } from '../demo/compare-work.ts';
import { searchPostings } from '../simulators/upwork/search.ts';
import { SEARCHES, type Account, type KillWorld } from './kill-world.ts';
import { UPWORK_STREAMS, type UpworkStream } from './upwork-streams.ts';

interface StoredCursor {
  readonly stream: string;
  readonly cursor: { readonly at: unknown } | null;
}

interface JobsCursor {
  readonly searches: Readonly<Record<string, string>>;
  readonly pass: { readonly search: string; readonly offset: number; readonly done: readonly string[] } | null;
}

interface ProposalsCursor {
  readonly mark: string | null;
  readonly pass: { readonly status: string } | null;
}

/** The order in which the lists of proposals are read. */
const STATUS_ORDER = ['Accepted', 'Declined', 'Withdrawn', 'Offered', 'Activated', 'Archived', 'Hired', 'Pending'];

/** Ids of postings on pages before the cursor. */
function coveredPostings({ sim }: KillWorld, { pass }: JobsCursor): string[] {
  return SEARCHES.flatMap(({ name, job_type: type }) => {
    const found = searchPostings(sim.state.postings.values(), { jobType_eq: type.toUpperCase() }, 'RECENCY');
    const read = pass === null || pass.done.includes(name) ? found.length : pass.search === name ? pass.offset : 0;
    return found.slice(0, read).map(({ id }) => id);
  });
}

/** Ids of proposals in lists that the cursor has left behind. */
function coveredProposals({ sim }: KillWorld, { added }: Account, { pass }: ProposalsCursor): string[] {
  const left = pass === null ? STATUS_ORDER : STATUS_ORDER.slice(0, STATUS_ORDER.indexOf(pass.status));
  return [...sim.state.proposals.values()]
    .filter(({ accountId, status }) => accountId === added.account.id && left.includes(status))
    .map(({ id }) => id);
}

async function expectCursorsBehindRows(world: KillWorld, account: Account): Promise<void> {
  const { asSuperuser } = world.database;
  // Cursors first: what is committed between the two looks can only add rows.
  const streams = await asSuperuser<StoredCursor>(
    'select stream, cursor from integration_streams where integration_id = $1',
    [account.integrationId],
  );
  const stored = await asSuperuser<{ key: string }>(
    `select upwork_job_id as key from jobs where integration_id = $1
     union all select upwork_proposal_id from proposals where integration_id = $1`,
    [account.integrationId],
  );
  const keys = new Set(stored.map(({ key }) => key));
  expect(stored.length, 'rows stored twice').toBe(keys.size);
  for (const { stream, cursor } of streams) {
    // What the other streams have is compared row by row at the end.
    if (cursor === null || (stream !== 'jobs' && stream !== 'proposals')) continue;
    const covered =
      stream === 'jobs'
        ? coveredPostings(world, cursor.at as JobsCursor)
        : coveredProposals(world, account, cursor.at as ProposalsCursor);
    const missing = covered.filter((id) => !keys.has(id));
    expect(missing, `${stream}: the cursor is ahead of the rows`).toEqual([]);
  }
}

const TABLES: Readonly<Record<UpworkStream, string>> = {
  profile: 'upwork_profiles',
  jobs: 'jobs',
  proposals: 'proposals',
  contracts: 'contracts',
  time_entries: 'time_entries',
  transactions: 'payments',
  rooms: 'conversations',
  messages: 'messages',
  offers: 'offers',
};

/** The counters of a page are committed with its rows, so each first sight of a record is counted exactly once. */
const COUNTED_SQL = UPWORK_STREAMS.map(
  (stream) => `
  select '${stream}' as stream,
    (select coalesce(sum(records_changed), 0) from sync_logs where integration_id = $1 and stream = '${stream}')::int as counted,
    (select count(*) from ${TABLES[stream]} where integration_id = $1)::int as stored`,
).join(' union all ');

/** Holds at every moment at which no worker writes. */
export async function expectConsistent(world: KillWorld, accounts: readonly Account[]): Promise<void> {
  const { asSuperuser } = world.database;
  for (const account of accounts) {
    await expectCursorsBehindRows(world, account);
    const counts = await asSuperuser<{ stream: string; counted: number; stored: number }>(COUNTED_SQL, [
      account.integrationId,
    ]);
    expect(counts.filter(({ counted, stored }) => counted !== stored)).toEqual([]);
  }
  const doubled = await asSuperuser(`
    select integration_id, stream, count(*)
    from sync_logs
    where status in ('queued', 'running', 'waiting')
    group by integration_id, stream
    having count(*) > 1`);
  expect(doubled, 'streams with two active runs').toEqual([]);
}

/** Every run of the accounts succeeded, every row is the platform's, and nobody holds anything any more. */
export async function expectFinished(world: KillWorld, accounts: readonly Account[]): Promise<void> {
  const { database, sim } = world;
  await expectConsistent(world, accounts);
  const postings = new Map([...sim.state.postings].map(([id, posting]) => [id, expectedPosting(posting)]));
  for (const { added, userId, integrationId } of accounts) {
    const stored = (text: string): Promise<(Row & { readonly key: string })[]> =>
      database.asSuperuser(`${text} and user_id = $1`, [userId]);
    const own = [...sim.state.proposals.values()].filter(({ accountId }) => accountId === added.account.id);
    const proposals = new Map(own.map((proposal) => [proposal.id, expectedProposal(proposal)]));
    expect(compareRows(postings, await stored(POSTINGS_SQL)).differences).toEqual([]);
    expect(compareRows(proposals, await stored(PROPOSALS_SQL)).differences).toEqual([]);
    for (const source of WORK_SOURCES) {
      const { differences } = await compareWork(sim, added, source, stored);
      expect(differences, source.stream).toEqual([]);
    }
    const runs = await database.asSuperuser(
      `select stream, status, records_failed as failed, records_synced >= records_changed as plausible
       from sync_logs where integration_id = $1 order by stream`,
      [integrationId],
    );
    expect(runs).toEqual(
      UPWORK_STREAMS.toSorted().map((stream) => ({ stream, status: 'success', failed: 0, plausible: true })),
    );
  }
  expect(await holdings(world)).toEqual({ jobs: 0, streams: 0, leases: 0 });
}

async function holdings({ database }: KillWorld): Promise<unknown> {
  const [found] = await database.asSuperuser(`
    select (select count(*) from job_ledger where kind = 'sync.run')::int as jobs,
      (select count(*) from integration_streams where lease_token is not null)::int as streams,
      (select count(*)
        from tidemark_private.leases l
        where not exists (select from job_ledger j where j.id = l.job_id))::int as leases`);
  return found;
}

/** Every row that a sync writes, with the transaction that wrote it. */
export async function writtenRows({ database }: KillWorld): Promise<readonly unknown[]> {
  return await database.asSuperuser(`
    ${Object.values(TABLES)
      .map((table) => `select '${table}' as name, id::text, xmin::text, updated_at from ${table} union all`)
      .join(' ')}
    select 'sync_logs', id::text, xmin::text, completed_at from sync_logs
    union all select stream, integration_id::text, xmin::text, updated_at from integration_streams
    order by 1, 2`);
}

/** How often the streams of an account were taken or freed; more than once: somebody took one over. */
export async function fencesOf({ database }: KillWorld, { integrationId }: Account): Promise<readonly number[]> {
  const rows = await database.asSuperuser<{ fence: number }>(
    'select fence::int from integration_streams where integration_id = $1 order by stream',
    [integrationId],
  );
  return rows.map(({ fence }) => fence);
}
