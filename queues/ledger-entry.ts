// How a job that an engine alone knew enters the ledger: because it takes long, failed, sleeps, was taken over or is dead.
// From then on it is a job like any other. A row that is there already, or another job with its key, keeps it out; and who
// has lost his claim in the engine must not let his job in.

import type { ErrorReport } from '../src/core/errors.ts';
import type { Queryable } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import type { EngineClaim, EngineDriver, EngineMeta, EngineRef } from './driver.ts';
import type { JobFacts } from './ledger.ts';

/** The claim number of a job that enters while somebody works on it. */
export const FIRST_CLAIM = '1';

export interface LedgerEntry {
  readonly job: JobFacts;
  readonly state: 'admitted' | 'active' | 'dead';
  readonly attempts: number;
  readonly takeovers: number;
  readonly runAt: Date;
  /** Who has it in hand, and since when; null unless `active`. */
  readonly workerId: string | null;
  readonly startedAt: Date | null;
  readonly error: ErrorReport | null;
}

/** The facts of a job in hand that no ledger knows; `meta` is the claim's. */
export function factsOf({ id, queue, kind, payload }: Omit<EngineClaim, 'meta' | 'token'>, meta: EngineMeta): JobFacts {
  const { userId, class: rank, priority, maxAttempts, uniqueKey, createdAt } = meta;
  return {
    id,
    queue,
    kind,
    payload,
    uniqueKey,
    userId,
    class: rank,
    priority,
    maxAttempts,
    createdAt: new Date(createdAt),
  };
}

export interface Entered {
  /** Ids of the jobs that have a row now. */
  readonly entered: ReadonlySet<string>;
  /** Kept out although they have no row: another job holds their unique key, and does what they would. */
  readonly superseded: ReadonlySet<string>;
}

async function withoutRow(db: Queryable, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await db.query<{ id: string }>(
    sql`select i.id from unnest($1::uuid[]) as i (id) where not exists (select from job_ledger l where l.id = i.id)`,
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Whoever is in neither set of the answer has a row already: somebody else let the job in. */
export async function enterLedger(db: Queryable, entries: readonly LedgerEntry[], now: Date): Promise<Entered> {
  if (entries.length === 0) return { entered: new Set(), superseded: new Set() };
  const rows = entries.map(({ job, ...rest }) => ({ ...job, ...rest }));
  const { rows: inserted } = await db.query<{ id: string }>(
    sql`
    insert into job_ledger
      (id, kind, queue, payload, unique_key, user_id, class, priority, run_at, state, attempts, takeovers, max_attempts,
       worker_id, claim, last_error, created_at, admitted_at, started_at, settled_at)
    select id, kind, queue, payload, "uniqueKey", "userId", class, priority, "runAt", state, attempts, takeovers, "maxAttempts",
      "workerId", $3::bigint, error, "createdAt", $2, "startedAt", case when state = 'dead' then $2::timestamptz end
    from jsonb_to_recordset($1::jsonb) as i (
      id uuid, kind text, queue text, payload jsonb, "uniqueKey" text, "userId" uuid, class smallint, priority integer,
      "runAt" timestamptz, state text, attempts integer, takeovers integer, "maxAttempts" integer, "workerId" uuid,
      error jsonb, "createdAt" timestamptz, "startedAt" timestamptz)
    on conflict do nothing
    returning id`,
    [JSON.stringify(rows), now, FIRST_CLAIM],
  );
  const entered = new Set(inserted.map(({ id }) => id));
  const rest = entries.map(({ job }) => job.id).filter((id) => !entered.has(id));
  return { entered, superseded: await withoutRow(db, rest) };
}

/** More than a worker can have: hands of both lanes, ends being stored, jobs claimed ahead. */
export const HELD_LIMIT = 50_000;

/**
 * Of these claims of `workerId` the ids of those that the engine still knows, or that it lost: nobody else has such a job.
 * What is left has moved on, and its end is somebody else's.
 */
export async function stillOurs(
  driver: Pick<EngineDriver, 'heldBy' | 'get'>,
  workerId: string,
  claims: readonly (EngineRef & { readonly token: string })[],
): Promise<ReadonlySet<string>> {
  if (claims.length === 0) return new Set();
  const held = new Map((await driver.heldBy([workerId], HELD_LIMIT)).map(({ id, token }) => [id, token]));
  const ours = new Set<string>();
  for (const { id, token } of claims)
    if (held.get(id) === token || (!held.has(id) && (await driver.get(id)) === null)) ours.add(id);
  return ours;
}
