// Ends of jobs, in groups. What the ledger knows ends there first, and only what the ledger says is still ours reaches the
// engine. A job that the engine alone knows ends there alone, unless it comes back or dies: then it enters the ledger.

import type { Clock } from '../src/core/clock.ts';
import type { Database, Tx } from '../src/db/database.ts';
import type { ClaimRequest, EngineDriver, EngineOutput, EngineSettlement, Exchanged } from './driver.ts';
import type { ClaimedJob } from './job-run.ts';
import { engineJobOf, unledgeredJobOf } from './ledger.ts';
import { enterLedger, stillOurs, type Entered } from './ledger-entry.ts';
import { buryClaimed, deleteClaimed, releaseClaimed } from './ledger-claims.ts';
import { storable, storableError } from './storable.ts';
import type { Verdict } from './verdict.ts';

export interface SettleDeps {
  readonly db: Database;
  readonly driver: EngineDriver;
  readonly clock: Clock;
  readonly workerId: string;
}

export interface Settled {
  readonly job: ClaimedJob;
  readonly verdict: Verdict;
}

type OfVerdict<A extends Verdict['as']> = Settled & { readonly verdict: Extract<Verdict, { as: A }> };

const pick = <A extends Verdict['as']>(group: readonly Settled[], ...kinds: readonly A[]): readonly OfVerdict<A>[] =>
  group.filter((entry): entry is OfVerdict<A> => (kinds as readonly string[]).includes(entry.verdict.as));

const refOf = ({ job }: Settled) => ({ id: job.row.id, claim: job.row.claim });

function outputOf({ job, verdict }: Settled, workerId: string): EngineOutput {
  const { attempts, takeovers } = job.row;
  const output = { attempts, takeovers, workerId };
  if (verdict.as === 'completed') return { ...output, result: storable(verdict.result) };
  if (verdict.as === 'discarded') return { ...output, result: { discarded: storable(verdict.reason) } };
  if (verdict.as === 'dead') return { ...output, error: storableError(verdict.error) };
  return output;
}

/** What the ledger has fenced, the engine follows, whoever it thinks has the job. */
const tokenOf = ({ ledgered, token }: ClaimedJob): string | null => (ledgered ? null : token);

const NOBODY: Entered = { entered: new Set(), superseded: new Set() };

type Ended = OfVerdict<'completed' | 'discarded' | 'cancelled'>;

const isEnded = (entry: Settled): entry is Ended => ['completed', 'discarded', 'cancelled'].includes(entry.verdict.as);

function settlementOf(entry: Ended, workerId: string): EngineSettlement {
  const { row, ledgered } = entry.job;
  return {
    job: ledgered ? engineJobOf(row) : unledgeredJobOf(row),
    token: tokenOf(entry.job),
    state: entry.verdict.as === 'cancelled' ? 'cancelled' : 'completed',
    output: outputOf(entry, workerId),
  };
}

async function settleEnded({ driver, workerId }: SettleDeps, tx: Tx, group: readonly Settled[]): Promise<Set<string>> {
  const ended = group.filter(isEnded);
  if (ended.length === 0) return new Set();
  const ours = await deleteClaimed(tx, ended.map(refOf), workerId);
  const settlements = ended.filter(({ job }) => ours.has(job.row.id)).map((entry) => settlementOf(entry, workerId));
  await driver.complete(settlements, { tx });
  return ours;
}

/**
 * Another job holds their unique key in the ledger, since before the engine let these in: it does what they would come back
 * for.
 */
async function giveWay({ driver, workerId }: SettleDeps, tx: Tx, superseded: readonly Settled[]): Promise<void> {
  const settlements = superseded.map((entry) => ({
    job: unledgeredJobOf(entry.job.row),
    token: entry.job.token,
    state: 'cancelled' as const,
    output: outputOf(entry, workerId),
  }));
  await driver.complete(settlements, { tx });
}

type Again = OfVerdict<'retried' | 'snoozed'> & { readonly runAt: Date };

/** Those whom the ledger let go, and those that it let in. */
async function releaseAll({ clock, workerId }: SettleDeps, tx: Tx, again: readonly Again[]): Promise<Entered> {
  const now = clock.now();
  const items = again.map(({ job, verdict, runAt }) => ({
    job,
    id: job.row.id,
    claim: job.row.claim,
    runAt,
    spent: verdict.spent,
    error: verdict.error === null ? null : storableError(verdict.error),
  }));
  const known = items.filter(({ job }) => job.ledgered);
  const entries = items
    .filter(({ job }) => !job.ledgered)
    .map(({ job: { row }, runAt, spent, error }) => ({
      job: row,
      state: 'admitted' as const,
      attempts: spent ? row.attempts : row.attempts - 1,
      takeovers: 0,
      runAt,
      workerId: null,
      startedAt: null,
      error,
    }));
  const released = known.length === 0 ? [] : await releaseClaimed(tx, known, workerId, now);
  const { entered, superseded } = await enterLedger(tx, entries, now);
  return { entered: new Set([...released, ...entered]), superseded };
}

const within =
  (ids: ReadonlySet<string>) =>
  ({ job }: Settled): boolean =>
    ids.has(job.row.id);

async function settleAgain(deps: SettleDeps, tx: Tx, group: readonly Settled[]): Promise<Entered> {
  const { driver, clock } = deps;
  const now = clock.now().getTime();
  const again = pick(group, 'retried', 'snoozed').map((entry) => ({
    ...entry,
    runAt: new Date(now + entry.verdict.delayMs),
  }));
  const result = again.length === 0 ? NOBODY : await releaseAll(deps, tx, again);
  const putBacks = again
    .filter(within(result.entered))
    .map(({ job, runAt }) => ({ job: engineJobOf(job.row), token: tokenOf(job), runAt }));
  await driver.putBack(putBacks, { tx });
  return result;
}

async function settleDead(deps: SettleDeps, tx: Tx, group: readonly Settled[]): Promise<Entered> {
  const { driver, clock, workerId } = deps;
  const dead = pick(group, 'dead');
  if (dead.length === 0) return NOBODY;
  const now = clock.now();
  const items = dead.map((entry) => ({ ...refOf(entry), job: entry.job, error: storableError(entry.verdict.error) }));
  const known = items.filter(({ job }) => job.ledgered);
  const entries = items
    .filter(({ job }) => !job.ledgered)
    .map(({ job: { row }, error }) => ({
      job: row,
      state: 'dead' as const,
      attempts: row.attempts,
      takeovers: 0,
      runAt: row.runAt,
      workerId: null,
      startedAt: row.startedAt,
      error,
    }));
  const buried = known.length === 0 ? [] : await buryClaimed(tx, known, workerId, now);
  const { entered, superseded } = await enterLedger(tx, entries, now);
  const ours = new Set([...buried, ...entered]);
  const burials = dead.filter(within(ours)).map((entry) => ({
    job: engineJobOf(entry.job.row),
    token: tokenOf(entry.job),
    output: outputOf(entry, workerId),
  }));
  await driver.bury(burials, { tx });
  return { entered: ours, superseded };
}

/** Ledgered jobs are fenced by the ledger; of the others only those whose claim is still good in the engine. */
async function fenced({ driver, workerId }: SettleDeps, group: readonly Settled[]): Promise<readonly Settled[]> {
  const claims = group
    .filter(({ job }) => !job.ledgered)
    .map(({ job: { row, token } }) => ({ id: row.id, queue: row.queue, token }));
  const ours = await stillOurs(driver, workerId, claims);
  return group.filter(({ job }) => job.ledgered || ours.has(job.row.id));
}

/** Settles a group in one transaction; answers the ids that were still ours. */
export async function settleInLedger(deps: SettleDeps, group: readonly Settled[]): Promise<ReadonlySet<string>> {
  const ours = await fenced(deps, group);
  return await deps.db.tx({ kind: 'ops' }, async (tx) => {
    const ended = await settleEnded(deps, tx, ours);
    const again = await settleAgain(deps, tx, ours);
    const dead = await settleDead(deps, tx, ours);
    const superseded = new Set([...again.superseded, ...dead.superseded]);
    await giveWay(deps, tx, ours.filter(within(superseded)));
    return new Set([...ended, ...again.entered, ...dead.entered, ...superseded]);
  });
}

/** Settles ended jobs that the engine alone knows, and claims as many anew where the engine does both at once. */
export async function settleInEngine(
  { driver, workerId }: SettleDeps,
  group: readonly Settled[],
  next: ClaimRequest | null,
): Promise<Exchanged> {
  return await driver.exchange(
    group.filter(isEnded).map((entry) => settlementOf(entry, workerId)),
    next,
  );
}

/** Whether the end of this job concerns the engine alone. */
export function endsInEngine(entry: Settled): boolean {
  return !entry.job.ledgered && isEnded(entry);
}
