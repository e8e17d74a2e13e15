// The ledger of jobs: the one truth about which jobs exist and in what state they are. SQL of enqueueing, finding and
// cancelling; claims and their ends are in ledger-claims.ts, lists in ledger-views.ts, replay in ledger-dead.ts. Every
// function runs in the caller's transaction.

import type { Queryable } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import type { ErrorReport } from '../src/core/errors.ts';
import { isDerivedQueue } from './catalog.ts';
import { enginePriority, type EngineJob } from './driver.ts';

export type LedgerState = 'pending' | 'admitted' | 'active' | 'dead';

export interface LedgerRow {
  readonly id: string;
  readonly kind: string;
  readonly queue: string;
  readonly payload: unknown;
  readonly uniqueKey: string | null;
  readonly userId: string | null;
  readonly class: number;
  readonly priority: number;
  readonly runAt: Date;
  readonly state: LedgerState;
  readonly attempts: number;
  readonly takeovers: number;
  readonly maxAttempts: number;
  readonly workerId: string | null;
  /** Grows with every claim; with the worker it fences the settle. */
  readonly claim: string;
  readonly cancelRequestedAt: Date | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly settledAt: Date | null;
  readonly lastError: ErrorReport | null;
  readonly progress: { readonly fraction: number; readonly note: string } | null;
}

/** Columns of a LedgerRow; `l` is the alias of the table. */
export const LEDGER_COLUMNS = sql`
  l.id, l.kind, l.queue, l.payload, l.unique_key as "uniqueKey", l.user_id as "userId", l.class, l.priority, l.run_at as "runAt", l.state, l.attempts,
  l.takeovers, l.max_attempts as "maxAttempts", l.worker_id as "workerId", l.claim, l.cancel_requested_at as "cancelRequestedAt", l.created_at as "createdAt",
  l.started_at as "startedAt", l.settled_at as "settledAt", l.last_error as "lastError", l.progress`;

/** A job about to be written. */
export interface NewJob {
  readonly id: string;
  readonly kind: string;
  readonly queue: string;
  readonly payload: unknown;
  readonly uniqueKey: string | null;
  readonly userId: string | null;
  readonly class: number;
  readonly priority: number;
  readonly cost: number;
  readonly fairTag: number;
  readonly runAt: Date;
  readonly maxAttempts: number;
  readonly admitted: boolean;
}

/** What both sides of a job agree on. */
export type JobFacts = Pick<
  LedgerRow,
  'id' | 'queue' | 'kind' | 'payload' | 'uniqueKey' | 'userId' | 'class' | 'priority' | 'maxAttempts' | 'createdAt'
>;

/** The job as an engine holds it beside its row here; the ledger looks after its unique key unless its kind is derived. */
export function engineJobOf(row: JobFacts): EngineJob {
  const { id, queue, kind, payload, priority, userId, maxAttempts, createdAt } = row;
  const uniqueKey = isDerivedQueue(queue) ? row.uniqueKey : null;
  return {
    id,
    queue,
    kind,
    payload,
    priority: enginePriority(row.class, priority),
    meta: {
      userId,
      class: row.class,
      priority,
      maxAttempts,
      createdAt: createdAt.toISOString(),
      ledgered: true,
      uniqueKey,
    },
  };
}

/** The job as an engine alone holds it. */
export function unledgeredJobOf(row: JobFacts): EngineJob {
  const job = engineJobOf(row);
  return { ...job, meta: { ...job.meta, ledgered: false } };
}

/** Inserts in order; answers the ids that are new. A row whose unique key is taken is left out. */
export async function insertJobs(db: Queryable, jobs: readonly NewJob[], now: Date): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ id: string }>(
    sql`
    insert into job_ledger
      (id, kind, queue, payload, unique_key, user_id, class, priority, cost, fair_tag, run_at, state, max_attempts, created_at, admitted_at)
    select id, kind, queue, payload, "uniqueKey", "userId", class, priority, cost, "fairTag", "runAt",
      case when admitted then 'admitted' else 'pending' end, "maxAttempts", $2, case when admitted then $2::timestamptz end
    from jsonb_to_recordset($1::jsonb) as i (
      id uuid, kind text, queue text, payload jsonb, "uniqueKey" text, "userId" uuid, class smallint, priority integer,
      cost real, "fairTag" double precision, "runAt" timestamptz, "maxAttempts" integer, admitted boolean)
    on conflict (kind, unique_key) where unique_key is not null and state <> 'dead' do nothing
    returning id`,
    [JSON.stringify(jobs), now],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Ids of unsettled jobs that hold these keys, by `kind` and key joined with a NUL. */
export async function findByUniqueKey(
  db: Queryable,
  keys: readonly { readonly kind: string; readonly uniqueKey: string }[],
): Promise<ReadonlyMap<string, string>> {
  if (keys.length === 0) return new Map();
  const { rows } = await db.query<{ id: string; kind: string; unique_key: string }>(
    sql`
    select l.id, i.kind, i.unique_key
    from unnest($1::text[], $2::text[]) as i (kind, unique_key)
    -- The limit keeps this a look-up by key: with statistics of an emptied ledger a join reads all of it.
    cross join lateral (
      select l.id
      from job_ledger l
      where l.kind = i.kind
        and l.unique_key = i.unique_key
        and l.state <> 'dead'
      limit 1
    ) as l`,
    [keys.map(({ kind }) => kind), keys.map(({ uniqueKey }) => uniqueKey)],
  );
  return new Map(rows.map((row) => [uniqueRef(row.kind, row.unique_key), row.id]));
}

export const uniqueRef = (kind: string, uniqueKey: string): string => `${kind}\0${uniqueKey}`;

export async function findJob(db: Queryable, id: string): Promise<LedgerRow | null> {
  const { rows } = await db.query<LedgerRow>(sql`select ${LEDGER_COLUMNS} from job_ledger l where l.id = $1`, [id]);
  return rows[0] ?? null;
}

/** Removes a job that nobody works on; null when it is in somebody's hand, dead or gone. */
export async function deleteQueued(db: Queryable, id: string): Promise<LedgerRow | null> {
  const { rows } = await db.query<LedgerRow>(
    sql`delete from job_ledger l where l.id = $1 and l.state in ('pending', 'admitted') returning ${LEDGER_COLUMNS}`,
    [id],
  );
  return rows[0] ?? null;
}

/** Asks whoever works on the job to stop. False when nobody does. */
export async function requestCancel(db: Queryable, id: string, now: Date): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update job_ledger
    set cancel_requested_at = coalesce(cancel_requested_at, $2)
    where id = $1 and state in ('admitted', 'active')`,
    [id, now],
  );
  return rowCount === 1;
}
