// API tokens: only the hash is kept, so a stolen backup opens no door.

import type { Scope } from '../core/scopes.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface ApiToken {
  readonly id: string;
  readonly name: string;
  /** Whose rows it opens; null: the installation's token, which opens the control plane of all users. */
  readonly userId: string | null;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
  readonly createdAt: Date;
}

/** As the table has it. */
export interface ApiTokenRow {
  readonly id: string;
  readonly name: string;
  readonly user_id: string | null;
  readonly scopes: Scope[];
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
  readonly created_at: Date;
}

export const TOKEN_COLUMNS = [
  'id',
  'name',
  'user_id',
  'scopes',
  'expires_at',
  'last_used_at',
  'revoked_at',
  'created_at',
] as const;
const COLUMNS = TOKEN_COLUMNS.join(', ');

export function toToken(row: ApiTokenRow): ApiToken {
  return {
    id: row.id,
    name: row.name,
    userId: row.user_id,
    scopes: row.scopes,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    createdAt: row.created_at,
  };
}

export interface NewApiToken {
  readonly name: string;
  /** Default: the installation's. */
  readonly userId?: string | null;
  readonly tokenHash: Uint8Array;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | null;
}

export async function insertApiToken(db: Queryable, token: NewApiToken): Promise<ApiToken> {
  const { rows } = await db.query<ApiTokenRow>(
    sql`
    insert into api_tokens (name, token_hash, scopes, expires_at, user_id)
    values ($1, $2, $3, $4, $5)
    returning ${COLUMNS}`,
    [token.name, token.tokenHash, token.scopes, token.expiresAt, token.userId ?? null],
  );
  return toToken(rows[0]!);
}

/** Newest first, at most 200. */
export async function listApiTokens(db: Queryable): Promise<readonly ApiToken[]> {
  const { rows } = await db.query<ApiTokenRow>(sql`
    select ${COLUMNS}
    from api_tokens
    order by created_at desc
    limit 200`);
  return rows.map(toToken);
}

/** False: no such token, or already revoked. */
export async function revokeApiToken(db: Queryable, id: string, now: Date): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update api_tokens
    set revoked_at = $2
    where id = $1
      and revoked_at is null`,
    [id, now],
  );
  return rowCount === 1;
}

/** The valid token behind a hash, or null; its `last_used_at` moves at most once a minute. */
export async function useApiToken(db: Queryable, tokenHash: Uint8Array, now: Date): Promise<ApiToken | null> {
  const { rows } = await db.query<ApiTokenRow>(
    sql`
    with valid as (
      select ${COLUMNS}
      from api_tokens
      where token_hash = $1
        and revoked_at is null
        and (expires_at is null or expires_at > $2)
    ), used as (
      update api_tokens t
      set last_used_at = $2
      from valid v
      where t.id = v.id
        and (v.last_used_at is null or v.last_used_at < $2 - interval '1 minute')
    )
    select ${COLUMNS}
    from valid`,
    [tokenHash, now],
  );
  return rows[0] === undefined ? null : toToken(rows[0]);
}
