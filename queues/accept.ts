// Claims become jobs in hand: what the ledger knows is marked there, what the engine alone knows goes to work as it is, and
// what cannot be worked on ends at once.

import { reportOf, type ErrorReport } from '../src/core/errors.ts';
import type { Tx } from '../src/db/database.ts';
import type { ClaimDeps } from './claim-deps.ts';
import type { EngineClaim, EngineMeta, EngineSettlement } from './driver.ts';
import { bareMeta } from './engine-meta.ts';
import { countEnds } from './history-write.ts';
import type { ClaimedJob } from './job-run.ts';
import { engineJobOf, type LedgerRow } from './ledger.ts';
import { buryClaimed, deleteClaimed, markActive } from './ledger-claims.ts';
import { enterLedger, factsOf } from './ledger-entry.ts';
import { knownJobs } from './ledger-views.ts';
import { parsePayload } from './payload.ts';
import { storableError } from './storable.ts';

type Verdict = ClaimedJob | { readonly row: LedgerRow; readonly token: string; readonly error: ErrorReport };

const STRAY_META: EngineMeta = { ...bareMeta(new Date(0)), ledgered: true };

function check(row: LedgerRow, token: string, ledgered: ClaimedJob['ledgered']): Verdict {
  try {
    return { row, token, ledgered, ...parsePayload(row.kind, row.payload) };
  } catch (error) {
    return { row, token, error: storableError(reportOf(error)) };
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
export async function acceptUnledgered(
  deps: ClaimDeps,
  claims: readonly EngineClaim[],
): Promise<readonly ClaimedJob[]> {
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
      await countEnds(tx, 'failed', [row], now);
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
  const dead = rejected.map(({ row }) => row);
  await countEnds(tx, 'failed', dead, clock.now());
  for (const { row, error } of rejected) log.emit('job.dead', { jobId: row.id, kind: row.kind, code: error.code });
}

/** Cancelled between claim and mark: it never runs. */
async function settleCancelled({ driver, clock, workerId, log }: ClaimDeps, tx: Tx, jobs: readonly ClaimedJob[]) {
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
  const cancelled = jobs.map(({ row }) => row);
  await countEnds(tx, 'cancelled', cancelled, clock.now());
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

/** Marks jobs of the ledger as ours; those that cannot be worked on end at once. */
export async function acceptLedgered(deps: ClaimDeps, claims: readonly EngineClaim[]): Promise<readonly ClaimedJob[]> {
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
    const settling = db.tx({ kind: 'ops' }, async (tx) => {
      await buryRejected(deps, tx, rejected);
      await settleCancelled(deps, tx, cancelled);
      await dropStrays(deps, tx, strays);
    });
    // What is marked and not settled is given back by the watch; the others must not wait for it.
    await settling.catch((error: unknown) => deps.log.emit('loop.failed', { part: 'claim', error }));
  }
  return fit.filter(({ row }) => row.cancelRequestedAt === null);
}
