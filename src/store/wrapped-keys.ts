// Wrapped data keys of all sealed tables, for whoever moves them to another key: ids and wrapped keys only, of every tenant, and
// never a ciphertext (`migrations/0012_key_rotation.sql`, `0018_oauth_connect.sql`). For the worker role.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

/** Every table with columns `wrapped_key` and `key_id`; a test compares the list with the catalog. */
export const SEALED_TABLES = [
  'integration_credentials',
  'oauth_apps',
  'oauth_exchange_secrets',
  'sync_quarantine',
] as const;

export type SealedTable = (typeof SEALED_TABLES)[number];

/** Most keys that are read or replaced at once. */
export const MAX_WRAPPED_KEYS = 500;

export interface StoredWrappedKey {
  /** Of the row, in its table. */
  readonly id: string;
  /** Null for an OAuth app and for an exchange, which belong to no integration. */
  readonly integrationId: string | null;
  readonly version: number;
  readonly keyId: string;
  readonly wrappedKey: Uint8Array;
}

export interface WrappedKeyPage {
  readonly table: SealedTable;
  /** Rows under this key are left out. */
  readonly currentKeyId: string;
  /** Id of the row after which to go on; null: from the beginning. */
  readonly after: string | null;
  readonly limit: number;
}

/** Each credential's key that comes out is a line `rotation` in its integration's chain of openings. */
export async function nextWrappedKeys(
  db: Queryable,
  { table, currentKeyId, after, limit }: WrappedKeyPage,
): Promise<readonly StoredWrappedKey[]> {
  const { rows } = await db.query<StoredWrappedKey>(
    sql`
    select id, integration_id as "integrationId", version, key_id as "keyId", wrapped_key as "wrappedKey"
    from tidemark_private.next_wrapped_keys($1, $2, $3, $4)`,
    [table, currentKeyId, after, limit],
  );
  return rows;
}

export interface ReplacedKey {
  readonly id: string;
  /** As it was read; another one by now is left alone. */
  readonly oldWrappedKey: Uint8Array;
  readonly newWrappedKey: Uint8Array;
}

/** How many were replaced; the others changed meanwhile or are held by somebody. At most 500 at once. */
export async function replaceWrappedKeys(
  db: Queryable,
  table: SealedTable,
  newKeyId: string,
  keys: readonly ReplacedKey[],
): Promise<number> {
  const { rows } = await db.query<{ replaced: number }>(
    sql`
    select tidemark_private.replace_wrapped_keys($1, $2::text[], $3::bytea[], $4::bytea[], $5) as replaced`,
    [
      table,
      keys.map(({ id }) => id),
      keys.map(({ oldWrappedKey }) => Buffer.from(oldWrappedKey)),
      keys.map(({ newWrappedKey }) => Buffer.from(newWrappedKey)),
      newKeyId,
    ],
  );
  return rows[0]?.replaced ?? 0;
}

export interface KeyUsage {
  readonly table: SealedTable;
  readonly keyId: string;
  readonly rows: number;
}

export async function keyUsage(db: Queryable): Promise<readonly KeyUsage[]> {
  const { rows } = await db.query<KeyUsage>(
    sql`
    select place as "table", key_id as "keyId", row_count::double precision as rows
    from tidemark_private.key_usage()
    order by place, key_id`,
  );
  return rows;
}

/** Ids of keys that seal nothing any more, oldest retirement first. */
export async function listRetiredKeys(db: Queryable): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    sql`
    select key_id as id
    from tidemark_private.retired_key_ids()`,
  );
  return rows.map(({ id }) => id);
}

/** Refuses the key for new rows from now on. What it still seals comes back, and then nothing has changed. */
export async function retireKey(db: Queryable, keyId: string): Promise<readonly Omit<KeyUsage, 'keyId'>[]> {
  const { rows } = await db.query<Omit<KeyUsage, 'keyId'>>(
    sql`
    select place as "table", row_count::double precision as rows
    from tidemark_private.retire_key($1)`,
    [keyId],
  );
  return rows;
}
