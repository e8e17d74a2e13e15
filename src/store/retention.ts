// Copies of what belongs to a platform, once they are older than they may be: counted, or erased for good. Never a row
// that belongs to the user (`ownedWhen` of its table), and nothing that another transaction has in hand.

import { AppError } from '../core/errors.ts';
import type { Queryable } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';
import { ageOf, type RecordTable } from './record-tables/record-table.ts';
import type { AnyRecord } from './record-tables/tables.ts';

/** The copies of one integration that were last seen before `before`. */
export interface Expired {
  readonly userId: string;
  readonly integrationId: string;
  readonly before: Date;
}

export interface ExpiredRecords extends Expired {
  readonly table: RecordTable<AnyRecord>;
}

export interface ExpiredRaw extends Expired {
  /** Streams whose records belong to the platform. */
  readonly streams: readonly string[];
}

/** Where copies lie that have no table of their own. */
export const RAW_TABLE = 'sync_quarantine';

/** `$1` user, `$2` integration, `$3` the limit. */
function areExpired({ name, ownedWhen }: RecordTable<AnyRecord>): string {
  if (ownedWhen === undefined) throw new AppError('internal', `expected ${name} to say which rows are the user’s`);
  // `is not true` keeps each question a look-up by index for the few rows that are old: as a join it would be asked for all.
  const unowned = ownedWhen.map((owned) => `and (${owned}) is not true`);
  return sql`
      t.user_id = $1
      and t.integration_id = $2
      and ${ageOf('t')} < $3
      ${unowned.join('\n      ')}`;
}

/** Age of the raw form is that of its first arrival: it is not noted when it comes again. */
const RAW_EXPIRED = sql`
      t.user_id = $1
      and t.integration_id = $2
      and t.created_at < $3
      and t.stream = any ($4::text[])`;

async function countWhere(db: Queryable, from: string, values: readonly unknown[]): Promise<number> {
  const { rows } = await db.query<{ expired: number }>(`select count(*)::integer as expired from ${from}`, values);
  return rows[0]!.expired;
}

export function countExpired(db: Queryable, { table, userId, integrationId, before }: ExpiredRecords): Promise<number> {
  return countWhere(db, `${ident(table.name)} t where ${areExpired(table)}`, [userId, integrationId, before]);
}

export function countExpiredRaw(
  db: Queryable,
  { streams, userId, integrationId, before }: ExpiredRaw,
): Promise<number> {
  return countWhere(db, `${RAW_TABLE} t where ${RAW_EXPIRED}`, [userId, integrationId, before, streams]);
}

/**
 * Waits for pages that are on their way into the integrations of the user, and holds back the next ones until the end of
 * the transaction: what follows sees every row that could name a copy, and no page counts on a copy that goes.
 */
export async function holdPages(tx: Queryable, userId: string): Promise<void> {
  await tx.query(
    sql`
    select
    from integration_streams
    where user_id = $1
    order by integration_id, stream
    for share`,
    [userId],
  );
}

/** Erases at most `limit`, the oldest first; how many went. The caller holds the pages. */
export async function eraseExpired(
  tx: Queryable,
  { table, userId, integrationId, before }: ExpiredRecords,
  limit: number,
): Promise<number> {
  const { rowCount } = await tx.query(
    sql`
    with expired as (
      select t.id
      from ${ident(table.name)} t
      where ${areExpired(table)}
      order by ${ageOf('t')}
      limit $4
      for update of t skip locked
    )
    delete from ${ident(table.name)}
    where id = any (array(select e.id from expired e))`,
    [userId, integrationId, before, limit],
  );
  return rowCount ?? 0;
}

/** The same for sealed raw records of `streams`, replayed ones too. */
export async function eraseExpiredRaw(
  tx: Queryable,
  { streams, userId, integrationId, before }: ExpiredRaw,
  limit: number,
): Promise<number> {
  const { rowCount } = await tx.query(
    sql`
    with expired as (
      select t.id
      from ${RAW_TABLE} t
      where ${RAW_EXPIRED}
      order by t.created_at
      limit $5
      for update of t skip locked
    )
    delete from ${RAW_TABLE}
    where id = any (array(select e.id from expired e))`,
    [userId, integrationId, before, streams, limit],
  );
  return rowCount ?? 0;
}

/** The user's copies were looked through to their end. */
export async function notePass(tx: Queryable, userId: string, now: Date): Promise<void> {
  await tx.query(
    sql`
    insert into retention_passes as p (user_id, passed_at)
    values ($1, $2)
    on conflict (user_id) do update
    set passed_at = greatest(p.passed_at, excluded.passed_at)`,
    [userId, now],
  );
}
