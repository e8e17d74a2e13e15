// Browsers that somebody signed in with a token. Only hashes are kept; a session lives no longer than its token.

import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import { TOKEN_COLUMNS, toToken, type ApiToken, type ApiTokenRow } from './api-tokens.ts';

export interface NewSession {
  readonly sessionHash: Uint8Array;
  readonly tokenId: string;
  readonly now: Date;
  readonly expiresAt: Date;
}

/** Sessions of one token at once; the oldest make room. */
const MAX_PER_TOKEN = 50;

export async function insertSession(tx: Tx, { sessionHash, tokenId, now, expiresAt }: NewSession): Promise<void> {
  await tx.query(
    sql`
    delete from console_sessions
    where token_id = $1
      and (expires_at <= $2 or id in (
        select id
        from console_sessions
        where token_id = $1
        order by created_at desc
        offset $3
      ))`,
    [tokenId, now, MAX_PER_TOKEN - 1],
  );
  await tx.query(
    sql`
    insert into console_sessions (session_hash, token_id, created_at, seen_at, expires_at)
    values ($1, $2, $3, $3, $4)`,
    [sessionHash, tokenId, now, expiresAt],
  );
}

/**
 * The token behind a session that is valid now and was seen since `seenAfter`; else null. `seen_at` moves at most once a
 * minute.
 */
export async function useSession(
  db: Queryable,
  sessionHash: Uint8Array,
  { now, seenAfter }: { readonly now: Date; readonly seenAfter: Date },
): Promise<ApiToken | null> {
  const { rows } = await db.query<ApiTokenRow>(
    sql`
    with valid as (
      select s.id as session_id, s.seen_at, ${TOKEN_COLUMNS.map((column) => `t.${column}`).join(', ')}
      from console_sessions s
      join api_tokens t on t.id = s.token_id
      where s.session_hash = $1
        and s.expires_at > $2
        and s.seen_at > $3
        and t.revoked_at is null
        and (t.expires_at is null or t.expires_at > $2)
    ), seen as (
      update console_sessions s
      set seen_at = $2
      from valid v
      where s.id = v.session_id
        and v.seen_at < $2 - interval '1 minute'
    )
    select ${TOKEN_COLUMNS.join(', ')}
    from valid`,
    [sessionHash, now, seenAfter],
  );
  return rows[0] === undefined ? null : toToken(rows[0]);
}

/** False: no such session. */
export async function removeSession(db: Queryable, sessionHash: Uint8Array): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    delete from console_sessions
    where session_hash = $1`,
    [sessionHash],
  );
  return rowCount === 1;
}

/** Removes sessions that ended before `before`, at most `limit`; answers how many. */
export async function pruneSessions(db: Queryable, before: Date, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    sql`
    delete from console_sessions
    where id in (
      select id
      from console_sessions
      where expires_at < $1
      order by expires_at
      limit $2
    )`,
    [before, limit],
  );
  return rowCount ?? 0;
}
