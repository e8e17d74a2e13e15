// App credentials (client id and sealed secret) of platforms with OAuth, one row per platform.

import type { PlatformId } from '../core/platforms.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { SealedColumns } from './credentials.ts';

export interface StoredOAuthApp extends SealedColumns {
  readonly platform: PlatformId;
  readonly clientId: string;
  readonly version: number;
}

/** Stores or replaces the app of a platform (api role; the sealed secret cannot be read back by it). */
export async function putOAuthApp(db: Queryable, app: StoredOAuthApp): Promise<void> {
  const values = [app.platform, app.clientId, app.ciphertext, app.wrappedKey, app.keyId, app.version];
  const { rowCount } = await db.query(
    sql`
    update oauth_apps
    set client_id = $2, ciphertext = $3, wrapped_key = $4, key_id = $5, version = $6, updated_at = now()
    where platform_id = $1`,
    values,
  );
  if (rowCount === 1) return;
  await db.query(
    sql`
    insert into oauth_apps (platform_id, client_id, ciphertext, wrapped_key, key_id, version)
    values ($1, $2, $3, $4, $5, $6)`,
    values,
  );
}

/** The client id alone, which every role may read; null: no app is stored. */
export async function findClientId(db: Queryable, platform: PlatformId): Promise<string | null> {
  const { rows } = await db.query<{ clientId: string }>(
    sql`
    select client_id as "clientId"
    from oauth_apps
    where platform_id = $1`,
    [platform],
  );
  return rows[0]?.clientId ?? null;
}

export async function loadOAuthApp(db: Queryable, platform: PlatformId): Promise<StoredOAuthApp | null> {
  const { rows } = await db.query<{
    client_id: string;
    ciphertext: Uint8Array;
    wrapped_key: Uint8Array;
    key_id: string;
    version: number;
  }>(
    sql`
    select client_id, ciphertext, wrapped_key, key_id, version
    from oauth_apps
    where platform_id = $1`,
    [platform],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const { client_id: clientId, ciphertext, wrapped_key: wrappedKey, key_id: keyId, version } = row;
  return { platform, clientId, ciphertext, wrappedKey, keyId, version };
}
