// Sealed credentials of integrations. The api role writes them and cannot read the sealed columns; only the worker role,
// under a lease, reads them. A refresh announces itself before it spends a token and wins only with the expected version.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

/** A sealed value as the columns keep it. */
export interface SealedColumns {
  readonly ciphertext: Uint8Array;
  readonly wrappedKey: Uint8Array;
  readonly keyId: string;
}

export interface StoredCredential extends SealedColumns {
  readonly integrationId: string;
  readonly userId: string;
  /** Grows by one with every new secret; part of what the ciphertext is bound to. */
  readonly version: number;
  readonly expiresAt: Date | null;
  readonly refresh: RefreshState;
  /** Milliseconds until a refresh may be tried again after one that failed; 0 most of the time. */
  readonly cooldownMs: number;
}

/**
 * - `idle` nobody is spending the refresh token
 * - `announced` a live worker is at it
 * - `in_doubt` it was announced and nobody knows how it ended: the worker died or no answer came
 */
export type RefreshState = 'idle' | 'announced' | 'in_doubt';

export interface NewCredential extends SealedColumns {
  readonly integrationId: string;
  readonly userId: string;
  readonly version: number;
  readonly expiresAt: Date | null;
}

export async function insertCredential(db: Queryable, credential: NewCredential): Promise<void> {
  await db.query(
    sql`
    insert into integration_credentials (integration_id, user_id, ciphertext, wrapped_key, key_id, version, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      credential.integrationId,
      credential.userId,
      credential.ciphertext,
      credential.wrappedKey,
      credential.keyId,
      credential.version,
      credential.expiresAt,
    ],
  );
}

/** Version of the stored credential, or null; readable by every role. */
export async function credentialVersion(db: Queryable, integrationId: string): Promise<number | null> {
  const { rows } = await db.query<{ version: number }>(
    sql`
    select version
    from integration_credentials
    where integration_id = $1`,
    [integrationId],
  );
  return rows[0]?.version ?? null;
}

/**
 * Stores `credential` in place of the version before it and ends any announced refresh. False: that version is no
 * longer the stored one.
 */
export async function replaceCredential(db: Queryable, credential: NewCredential): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update integration_credentials
    set ciphertext = $2, wrapped_key = $3, key_id = $4, version = $5, expires_at = $6,
        refresh_intent_version = null, refresh_intent_by = null, refresh_intent_at = null, refresh_failed_at = null,
        rotated_at = now(), grant_notice_days = null, updated_at = now()
    where integration_id = $1
      and version = $5 - 1`,
    [
      credential.integrationId,
      credential.ciphertext,
      credential.wrappedKey,
      credential.keyId,
      credential.version,
      credential.expiresAt,
    ],
  );
  return rowCount === 1;
}

interface CredentialRow {
  readonly integration_id: string;
  readonly user_id: string;
  readonly ciphertext: Uint8Array;
  readonly wrapped_key: Uint8Array;
  readonly key_id: string;
  readonly version: number;
  readonly expires_at: Date | null;
  readonly refresh: RefreshState;
  readonly cooldown_ms: number;
}

function toCredential(row: CredentialRow): StoredCredential {
  return {
    integrationId: row.integration_id,
    userId: row.user_id,
    ciphertext: row.ciphertext,
    wrappedKey: row.wrapped_key,
    keyId: row.key_id,
    version: row.version,
    expiresAt: row.expires_at,
    refresh: row.refresh,
    cooldownMs: row.cooldown_ms,
  };
}

/** The credential as it stands; the caller holds a lease for its user. With `lock` the row is locked for update. */
export async function loadCredential(
  db: Queryable,
  integrationId: string,
  lock: 'lock' | 'read' = 'read',
): Promise<StoredCredential | null> {
  const { rows } = await db.query<CredentialRow>(
    sql`
    select c.integration_id, c.user_id, c.ciphertext, c.wrapped_key, c.key_id, c.version, c.expires_at,
      case
        when c.refresh_intent_version is distinct from c.version then 'idle'
        when exists (select from workers w where w.id = c.refresh_intent_by and w.status = 'alive')
          and c.refresh_intent_at > clock_timestamp() - interval '2 minutes' then 'announced'
        else 'in_doubt'
      end as refresh,
      coalesce(greatest(0, ceil(extract(epoch from c.refresh_failed_at + interval '30 seconds' - clock_timestamp()) * 1000)), 0)::integer
        as cooldown_ms
    from integration_credentials c
    where c.integration_id = $1
    ${lock === 'lock' ? 'for update of c' : ''}`,
    [integrationId],
  );
  return rows[0] === undefined ? null : toCredential(rows[0]);
}

/** Announces that `workerId` is about to spend the refresh token of `version`; the caller holds the row's lock. */
export async function announceRefresh(db: Queryable, integrationId: string, workerId: string): Promise<void> {
  await db.query(
    sql`
    update integration_credentials
    set refresh_intent_version = version, refresh_intent_by = $2, refresh_intent_at = clock_timestamp(), updated_at = now()
    where integration_id = $1`,
    [integrationId, workerId],
  );
}

export interface RefreshEnding {
  readonly integrationId: string;
  /** The version that was about to be replaced, and the worker that announced it. */
  readonly version: number;
  readonly workerId: string;
  /** Nobody knows whether the token was spent; false: it certainly was not. */
  readonly inDoubt: boolean;
  /** The platform was asked in vain: nobody asks again for 30 seconds. */
  readonly cooldown: boolean;
}

/** Ends an announced refresh that brought no new credential. False: it was no longer this worker's refresh. */
export async function endRefresh(db: Queryable, ending: RefreshEnding): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update integration_credentials
    set refresh_intent_version = case when $4 then version end, refresh_intent_by = null,
        refresh_intent_at = case when $4 then clock_timestamp() end,
        refresh_failed_at = case when $5 then clock_timestamp() else refresh_failed_at end, updated_at = now()
    where integration_id = $1
      and version = $2
      and refresh_intent_version = $2
      and refresh_intent_by = $3`,
    [ending.integrationId, ending.version, ending.workerId, ending.inDoubt, ending.cooldown],
  );
  return rowCount === 1;
}

/** False once the lease of this transaction was revoked: then nothing of its user is visible. */
export async function holdsLease(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ held: boolean }>(sql`select lease_user() is not null as held`);
  return rows[0]?.held === true;
}

/**
 * Clears the pages of removed rows of the tables that hold sealed values. False: the login does not own them, and they are cleared
 * by the server's own vacuum. For the owner's login.
 */
export async function vacuumSealed(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ owned: boolean }>(
    sql`
    select bool_and(pg_has_role(relowner, 'usage')) as owned
    from pg_class
    where oid in ('integration_credentials'::regclass, 'oauth_exchange_secrets'::regclass, 'sync_quarantine'::regclass)`,
  );
  if (rows[0]?.owned !== true) return false;
  await db.query('vacuum integration_credentials, oauth_exchange_secrets, sync_quarantine');
  return true;
}
