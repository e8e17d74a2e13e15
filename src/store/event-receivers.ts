// Accounts that are listened to (`event_receivers`): who asks, how the platform was told, where the next question goes on.
//
//   free ──hold (fence + 1)──► held ──worker dead, or more than its share──► free
//                               └──refused──► held, asked again later

import type { PlatformId } from '../core/platforms.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { ReceiverHold } from './inbox.ts';

export type ReceiveMode = 'poll' | 'webhook';

/** An account that this worker listens to. */
export interface HeldReceiver extends ReceiverHold {
  /** How the platform was told last; null: not yet. */
  readonly mode: ReceiveMode | null;
  /** What the settings of its oldest integration ask for. */
  readonly wanted: ReceiveMode;
  readonly position: number | null;
  readonly refusals: number;
  /** Whose credential opens it. */
  readonly integrationId: string;
  readonly userId: string;
  readonly settings: unknown;
  readonly credentialVersion: number;
  /** Stands for the job in its leases. */
  readonly leaseJob: string;
}

interface HeldRow {
  readonly platform_id: PlatformId;
  readonly account_key: string;
  readonly fence: string;
  readonly mode: ReceiveMode | null;
  readonly wanted: ReceiveMode;
  readonly position: string | null;
  readonly refusals: number;
  readonly integration_id: string;
  readonly user_id: string;
  readonly settings: unknown;
  readonly credential_version: number;
  readonly lease_job: string;
}

/** What this worker listens to from now on, at most `most` accounts; those that must wait are left out. */
export async function holdReceivers(
  db: Queryable,
  workerId: string,
  platforms: readonly PlatformId[],
  most: number,
): Promise<readonly HeldReceiver[]> {
  const { rows } = await db.query<HeldRow>(
    sql`
    select *
    from tidemark_private.hold_receivers($1, $2::text[], $3)`,
    [workerId, platforms, most],
  );
  return rows.map((row) => ({
    platform: row.platform_id,
    accountKey: row.account_key,
    workerId,
    fence: BigInt(row.fence),
    mode: row.mode,
    wanted: row.wanted,
    position: row.position === null ? null : Number(row.position),
    refusals: row.refusals,
    integrationId: row.integration_id,
    userId: row.user_id,
    settings: row.settings,
    credentialVersion: row.credential_version,
    leaseJob: row.lease_job,
  }));
}

/** A token for the user whose credential opens the account; null: somebody else listens, or nobody may. */
export async function acquireReceiverLease(
  db: Queryable,
  { platform, accountKey, workerId, fence, integrationId }: ReceiverHold & { readonly integrationId: string },
): Promise<string | null> {
  const { rows } = await db.query<{ token: string | null }>(
    'select tidemark_private.acquire_receiver_lease($1, $2, $3, $4, $5) as token',
    [platform, accountKey, workerId, fence, integrationId],
  );
  return rows[0]?.token ?? null;
}

export interface ReceiverChange {
  readonly mode?: ReceiveMode;
  /** SHA-256; null: there is no webhook of ours any more. */
  readonly secretHash?: Uint8Array | null;
  readonly refusals?: number;
  readonly errorCode?: string | null;
  /** Nobody asks again before that, in milliseconds from now. */
  readonly waitMs?: number;
}

/** False: somebody else listens by now, and nothing was changed. */
export async function changeReceiver(
  db: Queryable,
  { platform, accountKey, workerId, fence }: ReceiverHold,
  { mode, secretHash, refusals, errorCode, waitMs }: ReceiverChange,
): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update event_receivers
    set mode = coalesce($5, mode),
      secret_hash = case when $6 then $7::bytea else secret_hash end,
      refusals = coalesce($8, refusals),
      error_code = case when $9 then $10 else error_code end,
      next_try_at = clock_timestamp() + make_interval(secs => $11::double precision / 1000),
      updated_at = clock_timestamp()
    where platform_id = $1
      and account_key = $2
      and worker_id = $3
      and fence = $4`,
    [
      platform,
      accountKey,
      workerId,
      fence,
      mode ?? null,
      secretHash !== undefined,
      secretHash ?? null,
      refusals ?? null,
      errorCode !== undefined,
      errorCode ?? null,
      waitMs ?? 0,
    ],
  );
  return rowCount === 1;
}

/** Lets go of everything that a worker listens to, so that others take over at once. */
export async function releaseReceivers(db: Queryable, workerId: string): Promise<void> {
  await db.query(
    sql`
    update event_receivers
    set worker_id = null, fence = fence + 1
    where worker_id = $1`,
    [workerId],
  );
}

/** SHA-256 of the secret by which an account's webhook proves itself; null: it has none. For the api. */
export async function findSecretHash(
  db: Queryable,
  platform: PlatformId,
  accountKey: string,
): Promise<Uint8Array | null> {
  const { rows } = await db.query<{ hash: Uint8Array | null }>(
    sql`
    select secret_hash as hash
    from event_receivers
    where platform_id = $1
      and account_key = $2`,
    [platform, accountKey],
  );
  return rows[0]?.hash ?? null;
}
