// Our apps at platforms that sign what they send (`webhook_apps`). The secrets are sealed to the webhooks' own key.

import type { PlatformId } from '../core/platforms.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { SealedColumns } from './credentials.ts';

export interface StoredWebhookApp extends SealedColumns {
  readonly platform: PlatformId;
  readonly appId: string;
  /** SHA-256. */
  readonly verifyTokenHash: Uint8Array;
}

/** Stores or replaces an app; for the api. */
export async function putWebhookApp(db: Queryable, app: StoredWebhookApp): Promise<void> {
  await db.query(
    sql`
    insert into webhook_apps
      (platform_id, app_id, sealed_secret, sealed_data_key, webhook_key_id, verify_token_hash)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (platform_id, app_id) do update
    set sealed_secret = excluded.sealed_secret, sealed_data_key = excluded.sealed_data_key,
      webhook_key_id = excluded.webhook_key_id, verify_token_hash = excluded.verify_token_hash,
      version = webhook_apps.version + 1, updated_at = now()`,
    [app.platform, app.appId, app.ciphertext, app.wrappedKey, app.keyId, app.verifyTokenHash],
  );
}

export async function findWebhookApp(
  db: Queryable,
  platform: PlatformId,
  appId: string,
): Promise<StoredWebhookApp | null> {
  const { rows } = await db.query<StoredWebhookApp>(
    sql`
    select platform_id as platform, app_id as "appId", sealed_secret as ciphertext, sealed_data_key as "wrappedKey",
      webhook_key_id as "keyId", verify_token_hash as "verifyTokenHash"
    from webhook_apps
    where platform_id = $1
      and app_id = $2`,
    [platform, appId],
  );
  return rows[0] ?? null;
}

/** False: there is none. */
export async function removeWebhookApp(db: Queryable, platform: PlatformId, appId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    delete from webhook_apps
    where platform_id = $1
      and app_id = $2`,
    [platform, appId],
  );
  return rowCount === 1;
}
