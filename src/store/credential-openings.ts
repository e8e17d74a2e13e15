// Each use of a credential as a line of its integration's chain (`migrations/0011_trust.sql`). A line is written before the
// credential is opened; it holds ids, never a value.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export type OpeningReason = 'sync' | 'test' | 'refresh' | 'oauth_app' | 'rotation' | 'exchange' | 'receive' | 'send';

export interface NewOpening {
  readonly integrationId: string;
  /** Of the run that needs it; null for work without one. */
  readonly runId: string | null;
  readonly reason: OpeningReason;
  /** The key that its data key is sealed to, and the version of what is opened. */
  readonly keyId: string;
  readonly version: number;
}

/** Writes the line under the transaction's lease. False: there is no such lease, and nothing may be opened. */
export async function noteOpening(
  db: Queryable,
  { integrationId, runId, reason, keyId, version }: NewOpening,
): Promise<boolean> {
  const { rows } = await db.query<{ seq: string | null }>(
    sql`
    select note_opening($1, $2, $3, $4, $5) as seq`,
    [integrationId, runId, reason, keyId, version],
  );
  return rows[0]?.seq != null;
}

export interface Opening extends NewOpening {
  /** 1, 2, 3 … without a gap. */
  readonly seq: number;
  readonly at: Date;
  readonly jobId: string | null;
  readonly workerId: string | null;
}

export interface OpeningFilter {
  readonly integrationId: string;
  /** At most 1,000. */
  readonly limit: number;
  /** Lines before this one. */
  readonly before?: number | undefined;
}

/** Newest first. */
export async function listOpenings(
  db: Queryable,
  { integrationId, limit, before }: OpeningFilter,
): Promise<readonly Opening[]> {
  const { rows } = await db.query<Opening>(
    sql`
    select integration_id as "integrationId", seq::double precision as seq, at, run_id as "runId", job_id as "jobId",
      worker_id as "workerId", reason, key_id as "keyId", version
    from credential_openings
    where integration_id = $1
      and ($2::bigint is null or seq < $2)
    order by seq desc
    limit $3`,
    [integrationId, before ?? null, Math.min(limit, 1_000)],
  );
  return rows;
}

export interface Chain {
  readonly lines: number;
  /** First line that does not follow from the ones before it, or that is missing; null: the chain is whole. */
  readonly brokenAt: number | null;
}

/** Computes the whole chain again; reads every line of the integration. */
export async function verifyOpenings(db: Queryable, integrationId: string): Promise<Chain> {
  const { rows } = await db.query<Chain>(
    sql`
    select lines::double precision as lines, broken_at::double precision as "brokenAt"
    from verify_openings($1)`,
    [integrationId],
  );
  return rows[0]!;
}
