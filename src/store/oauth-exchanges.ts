// Tries of users to give us a grant (`migrations/0018_oauth_connect.sql` draws their states). Each step names the states that it
// may leave, and the row count tells whether it was in one of them; what is sealed is another file's.

import type { ErrorReport } from '../core/errors.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export type ExchangeStatus = 'pending' | 'received' | 'exchanging' | 'choosing' | 'done' | 'failed' | 'expired';

export interface ExchangeOrganization {
  readonly id: string;
  readonly title: string;
  readonly type: string | null;
}

export interface ScopeGap {
  readonly stream: string;
  readonly fields: readonly string[];
}

export interface OAuthExchange {
  readonly id: string;
  readonly userId: string;
  /** Null for a new account until it is there; it then has the id of its exchange. */
  readonly integrationId: string | null;
  readonly platformId: PlatformId;
  readonly redirectUri: string;
  readonly settings: unknown;
  readonly status: ExchangeStatus;
  readonly externalAccountId: string | null;
  readonly accountName: string | null;
  readonly organizations: readonly ExchangeOrganization[];
  readonly chosenOrganizationId: string | null;
  /** Null: not known. */
  readonly missingScopes: readonly ScopeGap[] | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly expiresAt: Date;
  readonly createdAt: Date;
}

const COLUMNS = `id, user_id as "userId", integration_id as "integrationId", platform_id as "platformId",
      redirect_uri as "redirectUri", settings, status, external_account_id as "externalAccountId",
      account_name as "accountName", organizations, chosen_organization_id as "chosenOrganizationId",
      missing_scopes as "missingScopes", error_code as "errorCode", error_message as "errorMessage",
      expires_at as "expiresAt", created_at as "createdAt"`;

export interface NewExchange {
  readonly id: string;
  readonly userId: string;
  readonly integrationId: string | null;
  readonly platformId: PlatformId;
  /** SHA-256 of the state. */
  readonly stateHash: Uint8Array;
  readonly redirectUri: string;
  readonly settings: unknown;
  readonly expiresAt: Date;
  readonly now: Date;
}

export async function insertExchange(db: Queryable, exchange: NewExchange): Promise<void> {
  await db.query(
    sql`
    insert into oauth_exchanges (id, user_id, integration_id, platform_id, state_hash, redirect_uri, settings, expires_at,
      created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`,
    [
      exchange.id,
      exchange.userId,
      exchange.integrationId,
      exchange.platformId,
      exchange.stateHash,
      exchange.redirectUri,
      JSON.stringify(exchange.settings ?? {}),
      exchange.expiresAt,
      exchange.now,
    ],
  );
}

export async function findExchange(
  db: Queryable,
  id: string,
  lock: 'lock' | 'read' = 'read',
): Promise<OAuthExchange | null> {
  const { rows } = await db.query<OAuthExchange>(
    sql`
    select ${COLUMNS}
    from oauth_exchanges
    where id = $1
    ${lock === 'lock' ? 'for update' : ''}`,
    [id],
  );
  return rows[0] ?? null;
}

/** The one exchange that waits for this state, which is spent by it; null when there is none, no longer, or not for the platform. */
export async function receiveExchange(
  db: Queryable,
  { stateHash, platform, now }: { readonly stateHash: Uint8Array; readonly platform: string; readonly now: Date },
): Promise<OAuthExchange | null> {
  const { rows } = await db.query<OAuthExchange>(
    sql`
    update oauth_exchanges
    set status = 'received', updated_at = $3
    where state_hash = $1
      and platform_id = $2
      and status = 'pending'
      and expires_at > $3
    returning ${COLUMNS}`,
    [stateHash, platform, now],
  );
  return rows[0] ?? null;
}

export interface ExchangeStep {
  readonly id: string;
  readonly now: Date;
}

/** The write-ahead intent: the code is about to be spent. False: the exchange is no longer where that may happen. */
export async function announceExchange(
  db: Queryable,
  { id, expiresAt, now }: ExchangeStep & { readonly expiresAt: Date },
): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update oauth_exchanges
    set status = 'exchanging', expires_at = $3, updated_at = $2
    where id = $1
      and status = 'received'`,
    [id, now, expiresAt],
  );
  return rowCount === 1;
}

/** Takes the intent back: the code was certainly not sent. */
export async function withdrawExchange(db: Queryable, { id, now }: ExchangeStep): Promise<void> {
  await db.query(
    sql`
    update oauth_exchanges
    set status = 'received', updated_at = $2
    where id = $1
      and status = 'exchanging'`,
    [id, now],
  );
}

/** Gives an exchange whose tokens are stored the time to be finished. False: it has ended meanwhile. */
export async function prolongExchange(
  db: Queryable,
  { id, expiresAt, now }: ExchangeStep & { readonly expiresAt: Date },
): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update oauth_exchanges
    set expires_at = $3, updated_at = $2
    where id = $1
      and status = 'exchanging'`,
    [id, now, expiresAt],
  );
  return rowCount === 1;
}

/** Waits for a person to choose. */
export async function offerOrganizations(
  db: Queryable,
  { id, now, organizations }: ExchangeStep & Pick<OAuthExchange, 'organizations'>,
): Promise<void> {
  await db.query(
    sql`
    update oauth_exchanges
    set status = 'choosing', organizations = $3, updated_at = $2
    where id = $1
      and status = 'exchanging'`,
    [id, now, JSON.stringify(organizations)],
  );
}

/** Once: a worker acts on it. False: it does not wait for a choice, or no longer. */
export async function chooseOrganization(
  db: Queryable,
  { id, now, organizationId }: ExchangeStep & { readonly organizationId: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update oauth_exchanges
    set chosen_organization_id = $3, updated_at = $2
    where id = $1
      and status = 'choosing'
      and chosen_organization_id is null
      and expires_at > $2`,
    [id, now, organizationId],
  );
  return rowCount === 1;
}

export interface ExchangeResult extends ExchangeStep {
  readonly integrationId: string;
  readonly externalAccountId: string;
  readonly accountName: string;
  readonly organizations: readonly ExchangeOrganization[];
  readonly missingScopes: readonly ScopeGap[] | null;
}

export async function completeExchange(db: Queryable, result: ExchangeResult): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update oauth_exchanges
    set status = 'done', integration_id = $3, external_account_id = $4, account_name = $5, organizations = $6,
        missing_scopes = $7, updated_at = $2
    where id = $1
      and status in ('exchanging', 'choosing')`,
    [
      result.id,
      result.now,
      result.integrationId,
      result.externalAccountId,
      result.accountName,
      JSON.stringify(result.organizations),
      result.missingScopes === null ? null : JSON.stringify(result.missingScopes),
    ],
  );
  return rowCount === 1;
}

/** Ends it for good; one that has ended already stays as it is. */
export async function failExchange(
  db: Queryable,
  { id, now, error }: ExchangeStep & { readonly error: Pick<ErrorReport, 'code' | 'message'> },
): Promise<void> {
  await db.query(
    sql`
    update oauth_exchanges
    set status = 'failed', error_code = $3, error_message = $4, updated_at = $2
    where id = $1
      and status in ('pending', 'received', 'exchanging', 'choosing')`,
    [id, now, error.code, error.message],
  );
}
