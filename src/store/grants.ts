// How long grants live: when each was renewed last, of how many days left its user was told, and exchanges that came to nothing.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface Grant {
  /** When it was given or renewed last. */
  readonly rotatedAt: Date;
  /** When the credential itself ends; null: nobody knows. */
  readonly expiresAt: Date | null;
  /** A notice was given when so many days were left; null: none yet. */
  readonly noticeDays: number | null;
}

/** Readable by every role; null: no credential. */
export async function findGrant(db: Queryable, integrationId: string): Promise<Grant | null> {
  const { rows } = await db.query<Grant>(
    sql`
    select rotated_at as "rotatedAt", expires_at as "expiresAt", grant_notice_days as "noticeDays"
    from integration_credentials
    where integration_id = $1`,
    [integrationId],
  );
  return rows[0] ?? null;
}

export interface NoticeQuestion {
  readonly platformId: string;
  /** How long a grant lives after it was renewed last; null: its credential says when it ends. */
  readonly idleMs: number | null;
  readonly days: number;
  readonly now: Date;
  readonly limit: number;
}

export interface Noticed {
  readonly integrationId: string;
  readonly userId: string;
  readonly endsAt: Date;
}

/**
 * Marks a notice at grants that end within `days` and had none of these days or fewer, each once, whoever asks at the same
 * moment. Of what is over there is nothing to be told in advance.
 */
export async function markGrantNotices(
  db: Queryable,
  { platformId, idleMs, days, now, limit }: NoticeQuestion,
): Promise<readonly Noticed[]> {
  const { rows } = await db.query<Noticed>(
    sql`
    with near as (
      select c.integration_id, e.ends_at
      from integration_credentials c
      cross join lateral (
        select coalesce(c.rotated_at + $2::float8 * interval '1 millisecond', c.expires_at) as ends_at
      ) e
      join integrations i on i.id = c.integration_id
      where i.platform_id = $1
        and i.status <> 'disconnected'
        and e.ends_at > $4
        and e.ends_at <= $4 + $3 * interval '1 day'
        and (c.grant_notice_days is null or c.grant_notice_days > $3)
      order by e.ends_at
      limit $5
      for update of c skip locked
    )
    update integration_credentials c
    set grant_notice_days = $3
    from near
    where c.integration_id = near.integration_id
    returning c.integration_id as "integrationId", c.user_id as "userId", near.ends_at as "endsAt"`,
    [platformId, idleMs, days, now, limit],
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
