// From engine to hand: claims a batch, marks it in the ledger, and ends at once what cannot be worked on. Where the engine
// is Postgres all of it is one transaction.

import { AppError, reportOf, type ErrorReport } from '../src/core/errors.ts';
import type { Clock } from '../src/core/clock.ts';
import type { Database, Tx } from '../src/db/database.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { isJobKind, KINDS } from './catalog.ts';
import type { EngineClaim, EngineDriver } from './driver.ts';
import type { ClaimedJob } from './job-run.ts';
import { engineJobOf, type LedgerRow } from './ledger.ts';
import { buryClaimed, markActive } from './ledger-claims.ts';

export interface ClaimDeps {
  readonly db: Database;
  readonly driver: EngineDriver;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly workerId: string;
  readonly queues: readonly string[];
}

interface Rejected {
  readonly row: LedgerRow;
  readonly token: string;
  readonly error: ErrorReport;
}

function check(row: LedgerRow, token: string): ClaimedJob | Rejected {
  if (!isJobKind(row.kind)) {
    const error = new AppError('queue.unknown_kind', `expected a known job kind, got ${JSON.stringify(row.kind)}`);
    return { row, token, error: reportOf(error) };
  }
  const parsed = KINDS[row.kind].payload.safeParse(row.payload);
  if (parsed.success) return { row, token, kind: row.kind, payload: parsed.data };
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'payload'}: ${issue.message}`);
  return {
    row,
    token,
    error: reportOf(new AppError('queue.payload_invalid', `payload of ${row.kind}: ${issues.join('; ')}`)),
  };
}

async function buryRejected(
  { driver, clock, workerId, log }: ClaimDeps,
  tx: Tx,
  rejected: readonly Rejected[],
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

/** Engine jobs whose ledger row is gone, dead, or in another worker's hand: nothing is left to do with them. */
async function dropStrays({ driver, workerId, log }: ClaimDeps, tx: Tx, strays: readonly EngineClaim[]): Promise<void> {
  if (strays.length === 0) return;
  const settlements = strays.map(({ id, queue, token, kind, payload }) => ({
    job: {
      id,
      queue,
      kind,
      payload,
      priority: 0,
      meta: { userId: null, class: 1, priority: 0, maxAttempts: 1, createdAt: '' },
    },
    token,
    state: 'cancelled' as const,
    output: { attempts: 0, takeovers: 0, workerId },
  }));
  await driver.complete(settlements, { tx });
  for (const { id, queue } of strays) log.emit('job.quietly_removed', { jobId: id, queue });
}

/** At most `limit` jobs, marked as ours. */
export async function claimJobs(deps: ClaimDeps, limit: number): Promise<readonly ClaimedJob[]> {
  const { db, driver, clock, workerId, queues } = deps;
  const early = driver.capabilities.transactional ? undefined : await driver.claim(queues, limit);
  if (early?.length === 0) return [];
  return await db.tx({ kind: 'ops' }, async (tx) => {
    const claims = early ?? (await driver.claim(queues, limit, { tx }));
    if (claims.length === 0) return [];
    const rows = await markActive(
      tx,
      claims.map(({ id }) => id),
      workerId,
      clock.now(),
    );
    const tokens = new Map(claims.map(({ id, token }) => [id, token]));
    const checked = rows.map((row) => check(row, tokens.get(row.id)!));
    await buryRejected(
      deps,
      tx,
      checked.filter((entry) => 'error' in entry),
    );
    const marked = new Set(rows.map(({ id }) => id));
    await dropStrays(
      deps,
      tx,
      claims.filter(({ id }) => !marked.has(id)),
    );
    // In the engine's order: priority, then age.
    const order = new Map(claims.map(({ id }, index) => [id, index]));
    const accepted = checked.filter((entry): entry is ClaimedJob => !('error' in entry));
    return accepted.sort((a, b) => order.get(a.row.id)! - order.get(b.row.id)!);
  });
}
