// What the scheduler turns into jobs besides syncs: days that must be rolled up again, credentials that must be refreshed
// before anybody needs them, users whose copies of a platform's data must be looked through. Reads only.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

// The ledger is asked as in `stray-runs.ts`: `is not true` keeps a question from becoming a join on stale statistics.

/** Keys of fresh dead letters. A separate question from the live job's, which an index answers: as one, neither would. */
const deadKeys = (kind: string, parameter: string): string => `
        select j.unique_key
        from job_ledger j
        where j.state = 'dead'
          and j.kind = '${kind}'
          and j.settled_at > ${parameter}
          and j.unique_key is not null`;

export interface DirtyDay {
  readonly userId: string;
  /** `YYYY-MM-DD`. */
  readonly day: string;
  /** Newest mark of the day; a larger one than last time means that something came after. */
  readonly mark: bigint;
}

/**
 * The oldest marked day of each user: its rollup takes the others with it. A day whose rollup went to the dead letter after `deadSince`
 * has to wait, and the next one has its turn. Users with older days come first.
 */
export async function listDirtyDays(db: Queryable, deadSince: Date, limit: number): Promise<readonly DirtyDay[]> {
  const { rows } = await db.query<Omit<DirtyDay, 'mark'> & { readonly mark: string }>(
    sql`
    select d.user_id as "userId", d.day, d.mark
    from (
      select distinct on (user_id) user_id, day, max(id) as mark
      from dirty_days
      where user_id::text || ':' || day::text not in (${deadKeys('metrics.rollup', '$1')})
      group by user_id, day
      order by user_id, day
    ) d
    order by d.day, d.user_id
    limit $2`,
    [deadSince, limit],
  );
  return rows.map((row) => ({ ...row, mark: BigInt(row.mark) }));
}

export interface StaleCredentials {
  /** Access tokens that end before this. */
  readonly expiresBefore: Date;
  /** Grants that nobody has used since: platforms end idle ones. */
  readonly unchangedSince: Date;
  /** One whose refresh failed, or whose job died, after this has to wait. */
  readonly failedSince: Date;
  readonly limit: number;
}

export interface StaleCredential {
  readonly integrationId: string;
  readonly userId: string;
}

/** Credentials of connected integrations that should be refreshed ahead, those that end first before others. */
export async function listStaleCredentials(
  db: Queryable,
  { expiresBefore, unchangedSince, failedSince, limit }: StaleCredentials,
): Promise<readonly StaleCredential[]> {
  const { rows } = await db.query<StaleCredential>(
    sql`
    select c.integration_id as "integrationId", c.user_id as "userId"
    from integration_credentials c
    join integrations i on i.id = c.integration_id
    where i.status = 'connected'
      and c.expires_at is not null
      and (c.expires_at < $1 or c.updated_at < $2)
      and (c.refresh_failed_at is null or c.refresh_failed_at < $3)
      and (exists (
        select
        from job_ledger j
        where j.kind = 'credential.refresh'
          and j.unique_key = c.integration_id::text
          and j.state <> 'dead'
      )) is not true
      and c.integration_id::text not in (${deadKeys('credential.refresh', '$3')})
    order by c.expires_at
    limit $4`,
    [expiresBefore, unchangedSince, failedSince, limit],
  );
  return rows;
}

export interface DuePasses {
  /** Platforms whose copies have a limit. */
  readonly platforms: readonly string[];
  /** Users whose last pass was before this. */
  readonly passedBefore: Date;
  /** One whose job died after this has to wait. */
  readonly deadSince: Date;
  readonly limit: number;
}

/** Users with an account on one of `platforms`, in whatever state: copies grow old beside a paused one too. */
export async function listDuePasses(
  db: Queryable,
  { platforms, passedBefore, deadSince, limit }: DuePasses,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ userId: string }>(
    sql`
    select u.id as "userId"
    from users u
    left join retention_passes p on p.user_id = u.id
    where (p.passed_at is null or p.passed_at < $2)
      and (exists (
        select
        from integrations i
        where i.user_id = u.id
          and i.platform_id = any ($1::text[])
      )) is true
      and (exists (
        select
        from job_ledger j
        where j.kind = 'maintenance.retention'
          and j.unique_key = u.id::text
          and j.state <> 'dead'
      )) is not true
      and u.id::text not in (${deadKeys('maintenance.retention', '$3')})
    order by p.passed_at nulls first, u.id
    limit $4`,
    [platforms, passedBefore, deadSince, limit],
  );
  return rows.map(({ userId }) => userId);
}
