// From engine to hand: claims a batch and marks what the ledger knows as ours. What cannot be worked on ends at once; what
// came in by the engine's own door is enqueued as if it had come by ours.
//
//   claim ──► by the engine's own door ──► enqueued (native.ts)
//     ├─────► known to the engine alone ──► in hand, without a trace in the ledger
//     └─────► in the ledger: admitted ──► active, in hand
//                            anything else ──► dropped: somebody else has it, or nobody wants it any more

import type { ErrorReport } from '../src/core/errors.ts';
import { reportOf } from '../src/core/errors.ts';
import type { Tx } from '../src/db/database.ts';
import type { ClaimDeps } from './claim-deps.ts';
import { reserveStarts, spendStarts } from './controls.ts';
import { asItIs, type ClaimRequest, type EngineClaim, type EngineMeta, type EngineSettlement } from './driver.ts';
import type { ClaimedJob } from './job-run.ts';
import { engineJobOf, type LedgerRow } from './ledger.ts';
import { buryClaimed, deleteClaimed, markActive } from './ledger-claims.ts';
import { knownJobs } from './ledger-views.ts';
import { enterLedger, factsOf } from './ledger-entry.ts';
import { adoptNative } from './native.ts';
import { parsePayload } from './payload.ts';

type Verdict = ClaimedJob | { readonly row: LedgerRow; readonly token: string; readonly error: ErrorReport };

const STRAY_META: EngineMeta = {
  userId: null,
  class: 1,
  priority: 0,
  maxAttempts: 1,
  createdAt: new Date(0).toISOString(),
  ledgered: true,
  uniqueKey: null,
};

function check(row: LedgerRow, token: string, ledgered: ClaimedJob['ledgered']): Verdict {
  try {
    return { row, token, ledgered, ...parsePayload(row.kind, row.payload) };
  } catch (error) {
    return { row, token, error: reportOf(error) };
  }
}

/** A row for a job that has none, so that everybody above may work with rows. */
function rowOf(claim: EngineClaim, meta: EngineMeta, workerId: string, now: Date): LedgerRow {
  const facts = factsOf(claim, meta);
  return {
    ...facts,
    runAt: facts.createdAt,
    state: 'active',
    attempts: 1,
    takeovers: 0,
    workerId,
    claim: '0',
    cancelRequestedAt: null,
    startedAt: now,
    settledAt: null,
    lastError: null,
    progress: null,
  };
}

/** Jobs of derived kinds go to work as they are; one that does not fit its kind becomes a dead letter. */
async function acceptUnledgered(deps: ClaimDeps, claims: readonly EngineClaim[]): Promise<readonly ClaimedJob[]> {
  const { db, driver, clock, workerId, log } = deps;
  const now = clock.now();
  const accepted: ClaimedJob[] = [];
  for (const claim of claims) {
    const verdict = check(rowOf(claim, claim.meta ?? STRAY_META, workerId, now), claim.token, false);
    if (!('error' in verdict)) {
      accepted.push(verdict);
      continue;
    }
    const { row, token, error } = verdict;
    const entry = { job: row, state: 'dead', attempts: 1, takeovers: 0, runAt: now, workerId: null } as const;
    await db.tx({ kind: 'ops' }, async (tx) => {
      await enterLedger(tx, [{ ...entry, startedAt: now, error }], now);
      const output = { attempts: 1, takeovers: 0, workerId, error };
      await driver.bury([{ job: engineJobOf(row), token, output }], { tx });
    });
    log.emit('job.dead', { jobId: row.id, kind: row.kind, code: error.code });
  }
  return accepted;
}

async function buryRejected(
  { driver, clock, workerId, log }: ClaimDeps,
  tx: Tx,
  rejected: readonly Extract<Verdict, { error: ErrorReport }>[],
): Promise<void> {
  if (rejected.length === 0) return;
  const items = rejected.map(({ row, error }) => ({ id: row.id, claim: row.claim, error }));
  await buryClaimed(tx, items, workerId, clock.now());
  const burials = rejected.map(({ row, token, error }) => {
    const { attempts, takeovers } = row;
    return { job: engineJobOf(row), token, output: { attempts, takeovers, workerId, error } };
  });
  await driver.bury(burials, { tx });
  for (const { row, error } of rejected) log.emit('job.dead', { jobId: row.id, kind: row.kind, code: error.code });
}

/** Cancelled between claim and mark: it never runs. */
async function settleCancelled({ driver, workerId, log }: ClaimDeps, tx: Tx, jobs: readonly ClaimedJob[]) {
  if (jobs.length === 0) return;
  const gone = jobs.map(({ row }) => ({ id: row.id, claim: row.claim }));
  await deleteClaimed(tx, gone, workerId);
  const settlements: EngineSettlement[] = jobs.map(({ row, token }) => ({
    job: engineJobOf(row),
    token,
    state: 'cancelled',
    output: { attempts: row.attempts - 1, takeovers: row.takeovers, workerId },
  }));
  await driver.complete(settlements, { tx });
  for (const { row } of jobs) log.emit('job.cancelled', { jobId: row.id, kind: row.kind });
}

/**
 * Engine jobs whose ledger row is gone or dead: nothing is left to do with them. One that another worker has in hand is
 * settled, or put back, by whoever the ledger says has it.
 */
async function dropStrays({ driver, workerId, log }: ClaimDeps, tx: Tx, strays: readonly EngineClaim[]): Promise<void> {
  if (strays.length === 0) return;
  const known = await knownJobs(
    tx,
    strays.map(({ id }) => id),
  );
  const dropped = strays.filter(({ id }) => known.get(id)?.state !== 'active');
  const settlements = dropped.map(({ id, queue, token, kind, payload, meta }) => ({
    job: { id, queue, kind, payload, priority: 0, meta: meta ?? STRAY_META },
    token,
    state: 'cancelled' as const,
    output: { attempts: 0, takeovers: 0, workerId },
  }));
  await driver.complete(settlements, { tx });
  for (const { id, queue } of dropped) log.emit('job.quietly_removed', { jobId: id, queue });
}

async function acceptLedgered(deps: ClaimDeps, claims: readonly EngineClaim[]): Promise<readonly ClaimedJob[]> {
  const { db, clock, workerId } = deps;
  const ids = claims.map(({ id }) => id);
  const rows = await markActive(db, ids, workerId, clock.now());
  const tokens = new Map(claims.map(({ id, token }) => [id, token]));
  const checked = rows.map((row) => check(row, tokens.get(row.id)!, true));
  const marked = new Set(rows.map(({ id }) => id));
  const strays = claims.filter(({ id }) => !marked.has(id));
  const rejected = checked.filter((entry) => 'error' in entry);
  const fit = checked.filter((entry): entry is ClaimedJob => !('error' in entry));
  const cancelled = fit.filter(({ row }) => row.cancelRequestedAt !== null);
  if (strays.length + rejected.length + cancelled.length > 0) {
    await db.tx({ kind: 'ops' }, async (tx) => {
      await buryRejected(deps, tx, rejected);
      await settleCancelled(deps, tx, cancelled);
      await dropStrays(deps, tx, strays);
    });
  }
  return fit.filter(({ row }) => row.cancelRequestedAt === null);
}

/** Whether the engine alone answers for this job. */
const isUnledgered = ({ meta }: EngineClaim): boolean => meta !== null && !meta.ledgered;

/** Makes claims ours, in the engine's order. A failure puts them back, and what that misses the reconciler finds. */
export async function acceptClaims(deps: ClaimDeps, claims: readonly EngineClaim[]): Promise<readonly ClaimedJob[]> {
  if (claims.length === 0) return [];
  try {
    const native = claims.filter(({ meta }) => meta === null);
    if (native.length > 0) await adoptNative(deps, native);
    const unledgered = claims.filter(isUnledgered);
    const ledgered = claims.filter((claim) => claim.meta !== null && !isUnledgered(claim));
    const accepted = [
      ...(unledgered.length > 0 ? await acceptUnledgered(deps, unledgered) : []),
      ...(ledgered.length > 0 ? await acceptLedgered(deps, ledgered) : []),
    ];
    // Priority, then age.
    const order = new Map(claims.map(({ id }, index) => [id, index]));
    return accepted.sort((a, b) => order.get(a.row.id)! - order.get(b.row.id)!);
  } catch (error) {
    await giveBack(deps, claims);
    throw error;
  }
}

/** Claims that nobody will work on go back at once; one that came by the engine's own door too. */
export async function giveBack({ driver, clock }: ClaimDeps, claims: readonly EngineClaim[]): Promise<void> {
  const runAt = clock.now();
  const putBacks = claims.map((claim) => ({ job: asItIs(claim), token: claim.token, runAt }));
  await driver.putBack(putBacks).catch(() => undefined);
}

export interface Claimed {
  /** Given by the engine, those included that came to nothing. */
  readonly claimed: number;
  readonly jobs: readonly ClaimedJob[];
}

/** At most as many jobs as the request says, marked as ours. */
export async function claimJobs(deps: ClaimDeps, request: ClaimRequest): Promise<Claimed> {
  const claims = await deps.driver.claim(request);
  return { claimed: claims.length, jobs: await acceptClaims(deps, claims) };
}

function countByQueue(claims: readonly EngineClaim[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { queue } of claims) counts.set(queue, (counts.get(queue) ?? 0) + 1);
  return counts;
}

/**
 * The same under what operators set. The transaction holds the limits of these queues until the claims are marked, on a
 * connection of their own; `againInMs` says when a rate lets the next job start.
 */
export async function claimControlled(
  deps: ClaimDeps,
  { workerId, queues, limit }: ClaimRequest,
): Promise<Claimed & { readonly againInMs: number | null }> {
  const { db, driver, clock } = deps;
  return await db.tx({ kind: 'ops' }, async (tx) => {
    const now = clock.now();
    const names = queues.map(({ name }) => name);
    const { allowances, againInMs } = await reserveStarts(tx, { driver, queues: names, free: limit, now });
    const open = names.map((name) => ({ name, limit: allowances.get(name) ?? 0 })).filter((queue) => queue.limit > 0);
    if (open.length === 0) return { claimed: 0, jobs: [], againInMs };
    const claims = await driver.claim({ workerId, queues: open, limit });
    await spendStarts(tx, countByQueue(claims), now);
    return { claimed: claims.length, jobs: await acceptClaims(deps, claims), againInMs };
  });
}
