// How long grants live: when each was renewed last, of how many days left its user was told, and exchanges that came to nothing.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface Grant {
  /** When it was given or renewed last. */
  readonly rotatedAt: Date;
  /** A notice was given when so many days were left; null: none yet. */
  readonly noticeDays: number | null;
}

/** Readable by every role; null: no credential. */
export async function findGrant(db: Queryable, integrationId: string): Promise<Grant | null> {
  const { rows } = await db.query<Grant>(
    sql`
    select rotated_at as "rotatedAt", grant_notice_days as "noticeDays"
    from integration_credentials
    where integration_id = $1`,
    [integrationId],
  );
  return rows[0] ?? null;
}

export interface NoticeQuestion {
  readonly platformId: string;
  readonly days: number;
  /** A grant that was renewed no later has at most `days` left. */
  readonly rotatedBefore: Date;
  /** One that was renewed no later is over: there is nothing to be told in advance. */
  readonly overBefore: Date;
  readonly limit: number;
}

export interface Noticed {
  readonly integrationId: string;
  readonly userId: string;
  readonly rotatedAt: Date;
}

/** Marks a notice at grants that have none of these days or fewer, each once, whoever asks at the same moment. */
export async function markGrantNotices(
  db: Queryable,
  { platformId, days, rotatedBefore, overBefore, limit }: NoticeQuestion,
): Promise<readonly Noticed[]> {
  const { rows } = await db.query<Noticed>(
    sql`
    with near as (
      select c.integration_id
      from integration_credentials c
      join integrations i on i.id = c.integration_id
      where i.platform_id = $1
        and i.status <> 'disconnected'
        and c.rotated_at <= $3
        and c.rotated_at > $4
        and (c.grant_notice_days is null or c.grant_notice_days > $2)
      order by c.rotated_at
      limit $5
      for update of c skip locked
    )
    update integration_credentials c
    set grant_notice_days = $2
    from near
    where c.integration_id = near.integration_id
    returning c.integration_id as "integrationId", c.user_id as "userId", c.rotated_at as "rotatedAt"`,
    [platformId, days, rotatedBefore, overBefore, limit],
  );
  return rows;
}

/** Ends exchanges that nobody finished in time, with what was sealed for them; how many. */
export async function expireExchanges(db: Queryable, now: Date, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    sql`
    with late as (
      update oauth_exchanges
      set status = 'expired', error_code = 'oauth.expired', updated_at = $1,
          error_message = 'nobody finished connecting in time: begin again'
      where id in (
        select id
        from oauth_exchanges
        where status in ('pending', 'received', 'exchanging', 'choosing')
          and expires_at <= $1
        order by expires_at
        limit $2
        for update skip locked
      )
      returning id
    ), spent as (
      delete from oauth_exchange_secrets s
      using late
      where s.exchange_id = late.id
    )
    select id from late`,
    [now, limit],
  );
  return rowCount ?? 0;
}

/** Forgets exchanges that came to nothing before `before`; how many. */
export async function pruneExchanges(db: Queryable, before: Date, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    sql`
    delete from oauth_exchanges
    where id in (
      select id from oauth_exchanges where status in ('failed', 'expired') and updated_at < $1 order by updated_at limit $2
    )`,
    [before, limit],
  );
  return rowCount ?? 0;
}
