// The ledger's side of a claim: taking it, watching it, ending it, taking it over. A claim is (job, worker, claim number);
// every end names all three, so that a worker that was declared dead changes nothing when it wakes up.

import type { Queryable } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import type { ErrorReport } from '../src/core/errors.ts';
import { LEDGER_COLUMNS, type LedgerRow } from './ledger.ts';

export interface ClaimRef {
  readonly id: string;
  readonly claim: string;
}

export interface PutBackRow extends ClaimRef {
  readonly runAt: Date;
  /** False: the attempt is given back (snooze, drain). */
  readonly spent: boolean;
  readonly error: ErrorReport | null;
}

const HELD = sql`l.id = i.id and l.claim = i.claim and l.worker_id = $2 and l.state = 'active'`;

/** Marks admitted jobs as worked on by `workerId`; spends an attempt. Rows in any other state are left out. */
export async function markActive(
  db: Queryable,
  ids: readonly string[],
  workerId: string,
  now: Date,
): Promise<LedgerRow[]> {
  const { rows } = await db.query<LedgerRow>(
    sql`
    update job_ledger l
    set state = 'active', worker_id = $2, claim = l.claim + 1, attempts = l.attempts + 1, started_at = $3, progress = null
    where l.id = any($1::uuid[]) and l.state = 'admitted'
    returning ${LEDGER_COLUMNS}`,
    [ids, workerId, now],
  );
  return rows;
}

/** Settled for good; answers the ids that were still ours. */
export async function deleteClaimed(
  db: Queryable,
  claims: readonly ClaimRef[],
  workerId: string,
): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>(
    sql`
    delete from job_ledger l
    using jsonb_to_recordset($1::jsonb) as i (id uuid, claim bigint)
    where ${HELD}
    returning l.id`,
    [JSON.stringify(claims), workerId],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Queued again, not before `runAt`; answers the ids that were still ours. */
export async function releaseClaimed(
  db: Queryable,
  items: readonly PutBackRow[],
  workerId: string,
  now: Date,
): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>(
    sql`
    update job_ledger l
    set state = 'admitted', worker_id = null, run_at = i."runAt", admitted_at = $3, started_at = null, progress = null,
        -- It lived through its handler, so the workers that died with it before did not die of it.
        takeovers = 0, attempts = l.attempts - case when i.spent then 0 else 1 end, last_error = coalesce(i.error, l.last_error)
    from jsonb_to_recordset($1::jsonb) as i (id uuid, claim bigint, "runAt" timestamptz, spent boolean, error jsonb)
    where ${HELD}
    returning l.id`,
    [JSON.stringify(items), workerId, now],
  );
  return new Set(rows.map(({ id }) => id));
}

/** The durable dead letter; answers the ids that were still ours. */
export async function buryClaimed(
  db: Queryable,
  items: readonly (ClaimRef & { readonly error: ErrorReport })[],
  workerId: string,
  now: Date,
): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>(
    sql`
    update job_ledger l
    set state = 'dead', worker_id = null, settled_at = $3, last_error = i.error
    from jsonb_to_recordset($1::jsonb) as i (id uuid, claim bigint, error jsonb)
    where ${HELD}
    returning l.id`,
    [JSON.stringify(items), workerId, now],
  );
  return new Set(rows.map(({ id }) => id));
}

export interface HeldClaim extends ClaimRef {
  readonly cancelRequested: boolean;
  readonly startedAt: Date;
}

/** What this worker still holds, and what somebody asked to stop. */
export async function heldBy(db: Queryable, workerId: string): Promise<readonly HeldClaim[]> {
  const { rows } = await db.query<HeldClaim>(
    sql`
    select id, claim, cancel_requested_at is not null as "cancelRequested", started_at as "startedAt"
    from job_ledger
    where worker_id = $1`,
    [workerId],
  );
  return rows;
}

/** Claims of ours that nobody here works on, queued again with the attempt given back; the rows. */
export async function releaseForgotten(
  db: Queryable,
  claims: readonly ClaimRef[],
  workerId: string,
  now: Date,
): Promise<readonly LedgerRow[]> {
  const { rows } = await db.query<LedgerRow>(
    sql`
    update job_ledger l
    set state = 'admitted', worker_id = null, attempts = l.attempts - 1, run_at = $3, admitted_at = $3, started_at = null
    from jsonb_to_recordset($1::jsonb) as i (id uuid, claim bigint)
    where ${HELD}
    returning ${LEDGER_COLUMNS}`,
    [JSON.stringify(claims), workerId, now],
  );
  return rows;
}

export async function saveProgress(
  db: Queryable,
  items: readonly (ClaimRef & { readonly fraction: number; readonly note: string })[],
  workerId: string,
): Promise<void> {
  if (items.length === 0) return;
  await db.query(
    sql`
    update job_ledger l
    set progress = jsonb_build_object('fraction', i.fraction, 'note', i.note)
    from jsonb_to_recordset($1::jsonb) as i (id uuid, claim bigint, fraction double precision, note text)
    where ${HELD}`,
    [JSON.stringify(items), workerId],
  );
}

/** Locks up to `limit` jobs in the hands of these workers. */
export async function lockHeldBy(
  db: Queryable,
  workerIds: readonly string[],
  limit: number,
): Promise<readonly LedgerRow[]> {
  const { rows } = await db.query<LedgerRow>(
    sql`
    select ${LEDGER_COLUMNS}
    from job_ledger l
    where l.worker_id = any($1::uuid[]) and l.state = 'active'
    order by l.id
    limit $2
    for update skip locked`,
    [workerIds, limit],
  );
  return rows;
}

/** Back into the queue at once: a takeover more, the attempt given back. The caller holds the locks. */
export async function releaseTakenOver(db: Queryable, ids: readonly string[], now: Date): Promise<void> {
  await db.query(
    sql`
    update job_ledger
    set state = 'admitted', worker_id = null, takeovers = takeovers + 1, attempts = attempts - 1, run_at = $2,
        admitted_at = $2, started_at = null
    where id = any($1::uuid[])`,
    [ids, now],
  );
}

/** Poison: dead with one takeover more. The caller holds the locks. */
export async function buryTakenOver(
  db: Queryable,
  items: readonly { readonly id: string; readonly error: ErrorReport }[],
  now: Date,
): Promise<void> {
  await db.query(
    sql`
    update job_ledger l
    set state = 'dead', worker_id = null, takeovers = l.takeovers + 1, settled_at = $2, last_error = i.error
    from jsonb_to_recordset($1::jsonb) as i (id uuid, error jsonb)
    where l.id = i.id`,
    [JSON.stringify(items), now],
  );
}
