// Streams and integrations that stop until a person acts, and integrations that work again.

import type { ErrorReport } from '../core/errors.ts';
import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import { wakeStreams } from './streams.ts';

export async function parkStream(
  tx: Queryable,
  { integrationId, stream }: { readonly integrationId: string; readonly stream: string },
  { status, error, now }: { readonly status: 'parked' | 'gone'; readonly error: ErrorReport; readonly now: Date },
): Promise<void> {
  await tx.query(
    sql`
    update integration_streams
    set status = $3, status_code = $4, status_message = $5, updated_at = $6
    where integration_id = $1
      and stream = $2`,
    [integrationId, stream, status, error.code, error.message, now],
  );
}

export async function parkIntegration(
  tx: Queryable,
  integrationId: string,
  error: ErrorReport,
  now: Date,
): Promise<void> {
  await tx.query(
    sql`
    update integrations
    set status = 'error', status_code = $2, status_message = $3, updated_at = $4
    where id = $1
      and status <> 'disconnected'`,
    [integrationId, error.code, error.message, now],
  );
}

/** Of an integration whose account was never proven: nothing is received for it, and its user should know why. */
export async function parkUnproven(tx: Queryable, integrationId: string, error: ErrorReport, now: Date): Promise<void> {
  await tx.query(
    sql`
    update integrations
    set status = 'error', status_code = $2, status_message = $3, updated_at = $4
    where id = $1
      and status = 'connected'
      and account_proven_at is null`,
    [integrationId, error.code, error.message, now],
  );
}

/** Notes when the credential ends, as the platform says. */
export async function noteExpiry(tx: Tx, integrationId: string, expiresAt: Date): Promise<void> {
  await tx.query(
    sql`
    update integration_credentials
    set expires_at = $2
    where integration_id = $1
      and expires_at is distinct from $2`,
    [integrationId, expiresAt],
  );
}

/** Who an account belongs to, as the platform says. */
export interface AccountFacts {
  readonly externalAccountId: string;
  readonly displayName: string;
}

/**
 * Notes that credentials work, and for whom: what is known already stays, and so does an id that another integration of the
 * user has. Where both say the same account, it is proven to be theirs. A pending or failed integration is connected, its streams are due.
 */
export async function noteAccount(tx: Tx, id: string, account: AccountFacts, now: Date): Promise<void> {
  const { rows } = await tx.query<{ before: string }>(
    sql`
    update integrations i
    set external_account_id = coalesce(i.external_account_id, case when not old.is_taken then $2 end),
      display_name = coalesce(i.display_name, $3),
      status = case when i.status in ('pending', 'error') then 'connected' else i.status end,
      status_code = case when i.status = 'error' then null else i.status_code end,
      status_message = case when i.status = 'error' then null else i.status_message end,
      account_proven_at = case when coalesce(i.external_account_id, case when not old.is_taken then $2 end) = $2
        then $4::timestamptz end,
      updated_at = $4
    from (
      select n.id, n.status,
        exists (
          select
          from integrations o
          where o.user_id = n.user_id
            and o.platform_id = n.platform_id
            and o.external_account_id = $2
            and o.id <> n.id
        ) as is_taken
      from integrations n
      where n.id = $1
      for no key update
    ) old
    where i.id = old.id
    returning old.status as before`,
    [id, account.externalAccountId, account.displayName, now],
  );
  const before = rows[0]?.before;
  if (before === 'pending' || before === 'error') await wakeStreams(tx, id, now);
}

/**
 * Notes a run that succeeded. `proves` is false for a scheduled run: it may have begun before the integration was parked,
 * and only a person's own try shows that an error is over.
 */
export async function noteSuccess(
  tx: Queryable,
  integrationId: string,
  { proves, now }: { readonly proves: boolean; readonly now: Date },
): Promise<void> {
  await tx.query(
    sql`
    update integrations i
    set last_sync_at = greatest(last_sync_at, $2),
      status = case when status = 'pending' or ($3 and status = 'error') then 'connected' else status end,
      status_code = case when $3 and status = 'error' then null else status_code end,
      status_message = case when $3 and status = 'error' then null else status_message end,
      next_sync_at = (
        select min(s.next_sync_at)
        from integration_streams s
        where s.integration_id = i.id
          and s.enabled
          and s.status = 'active'
      ),
      updated_at = $2
    where id = $1`,
    [integrationId, now, proves],
  );
}
