// The answers that a repeated request gets again. A key is taken in the transaction of what its request does: a second
// request with the same key waits in the unique index until the first has committed or rolled back.

import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface KeyOfRequest {
  readonly tokenId: string;
  readonly key: string;
  /** Of everything that makes two requests the same. */
  readonly requestHash: Uint8Array;
}

export interface KeptAnswer {
  readonly requestHash: Uint8Array;
  readonly status: number;
  readonly answer: unknown;
}

/** Null: the key is ours now; otherwise what its first request was answered. A row older than `since` counts as none. */
export async function takeIdempotencyKey(
  tx: Tx,
  { tokenId, key, requestHash }: KeyOfRequest,
  { now, since }: { readonly now: Date; readonly since: Date },
): Promise<KeptAnswer | null> {
  const { rowCount } = await tx.query(
    sql`
    insert into idempotency_keys as k (token_id, key, request_hash, created_at)
    values ($1, $2, $3, $4)
    on conflict (token_id, key) do update
    set request_hash = $3, status = null, answer = null, created_at = $4
    where k.created_at < $5`,
    [tokenId, key, requestHash, now, since],
  );
  if (rowCount === 1) return null;
  const { rows } = await tx.query<KeptAnswer>(
    sql`
    select request_hash as "requestHash", status, answer
    from idempotency_keys
    where token_id = $1
      and key = $2`,
    [tokenId, key],
  );
  return rows[0] ?? null;
}

/** In the same transaction as `takeIdempotencyKey`. */
export async function keepAnswer(
  tx: Tx,
  { tokenId, key }: Pick<KeyOfRequest, 'tokenId' | 'key'>,
  { status, answer }: Pick<KeptAnswer, 'status' | 'answer'>,
): Promise<void> {
  await tx.query(
    sql`
    update idempotency_keys
    set status = $3, answer = $4
    where token_id = $1
      and key = $2`,
    [tokenId, key, status, JSON.stringify(answer ?? null)],
  );
}

/** Removes keys older than `before`, at most `limit`; answers how many. */
export async function pruneIdempotencyKeys(db: Queryable, before: Date, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    sql`
    delete from idempotency_keys
    where (token_id, key) in (
      select token_id, key
      from idempotency_keys
      where created_at < $1
      order by created_at
      limit $2
    )`,
    [before, limit],
  );
  return rowCount ?? 0;
}
