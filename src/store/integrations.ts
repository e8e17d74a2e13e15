// Integrations: a user's accounts on platforms, with the streams they begin with. Credentials are another file's.

import { AppError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { Queryable, Tx } from '../db/database.ts';
import { sqlState } from '../db/errors.ts';
import { sql } from '../db/sql.ts';
import { insertStreams, refreshNextSync, wakeStreams, type NewStream, type Schedule } from './streams.ts';

export type IntegrationStatus = 'pending' | 'connected' | 'error' | 'disconnected';

export interface Integration {
  readonly id: string;
  readonly userId: string;
  readonly platformId: PlatformId;
  readonly externalAccountId: string | null;
  readonly displayName: string | null;
  readonly settings: unknown;
  readonly status: IntegrationStatus;
  readonly statusCode: string | null;
  readonly statusMessage: string | null;
  readonly pausedAt: Date | null;
  readonly intervalMinutes: number | null;
  readonly cron: string | null;
  readonly timezone: string | null;
  readonly lastSyncAt: Date | null;
  readonly nextSyncAt: Date | null;
  readonly createdAt: Date;
}

const COLUMNS = `id, user_id as "userId", platform_id as "platformId", external_account_id as "externalAccountId",
      display_name as "displayName", settings, status, status_code as "statusCode", status_message as "statusMessage",
      paused_at as "pausedAt", sync_interval_minutes as "intervalMinutes", cron, timezone,
      last_sync_at as "lastSyncAt", next_sync_at as "nextSyncAt", created_at as "createdAt"`;

export interface NewIntegration {
  /** Default: a new one. */
  readonly id?: string | undefined;
  readonly userId: string;
  readonly platformId: PlatformId;
  readonly externalAccountId?: string | null;
  readonly displayName?: string | null;
  /** As the connector's schema read it. */
  readonly settings: unknown;
  /** Default `pending`: nothing is synced before it is `connected`. */
  readonly status?: IntegrationStatus;
  /** For all streams; default: each stream's own interval. Checked by the caller (`checkSchedule`). */
  readonly schedule?: Schedule;
  readonly streams: readonly NewStream[];
  readonly now: Date;
}

/** The integration with its streams, due at once. Throws `input.invalid` for an unknown platform or a known account. */
export async function addIntegration(tx: Tx, added: NewIntegration): Promise<Integration> {
  const { userId, platformId, schedule, streams, now } = added;
  const { id = uuidv7(now.getTime()) } = added;
  try {
    const { rows } = await tx.query<Integration>(
      sql`
      insert into integrations (id, user_id, platform_id, external_account_id, display_name, settings, status,
        sync_interval_minutes, cron, timezone, next_sync_at, created_at, updated_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11)
      returning ${COLUMNS}`,
      [
        id,
        userId,
        platformId,
        added.externalAccountId ?? null,
        added.displayName ?? null,
        JSON.stringify(added.settings ?? {}),
        added.status ?? 'pending',
        schedule?.intervalMinutes ?? null,
        schedule?.cron ?? null,
        schedule?.timezone ?? null,
        now,
      ],
    );
    await insertStreams(tx, { integrationId: id, userId, streams, schedule, now });
    return rows[0]!;
  } catch (error) {
    throw refusedIntegration(error, added);
  }
}

function refusedIntegration(error: unknown, { platformId, userId, externalAccountId }: NewIntegration): unknown {
  const cause = error instanceof AppError ? error.cause : error;
  if (sqlState(cause) === '23505')
    return new AppError('input.invalid', `expected an account that is not connected yet, got ${externalAccountId}`, {
      cause,
    });
  // No such user, or one whose rows the transaction may not write: nobody learns which.
  if (sqlState(cause) === '23503' || sqlState(cause) === '42501')
    return new AppError(
      'input.invalid',
      `expected an existing user and a known platform, got ${userId}, ${platformId}`,
      {
        cause,
      },
    );
  return error;
}

export async function findIntegration(db: Queryable, id: string): Promise<Integration | null> {
  const { rows } = await db.query<Integration>(
    sql`
    select ${COLUMNS}
    from integrations
    where id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

export interface IntegrationFilter {
  readonly userId?: string;
  readonly platformId?: PlatformId;
  readonly status?: IntegrationStatus;
  /** At most 1,000; default 200. */
  readonly limit?: number;
  /** Id of the last integration of the page before. */
  readonly after?: string;
}

/** Oldest first. */
export async function listIntegrations(db: Queryable, filter: IntegrationFilter = {}): Promise<readonly Integration[]> {
  const { rows } = await db.query<Integration>(
    sql`
    select ${COLUMNS}
    from integrations
    where ($1::uuid is null or user_id = $1)
      and ($2::text is null or platform_id = $2)
      and ($3::text is null or status = $3)
      and ($4::uuid is null or id > $4)
    order by id
    limit $5`,
    [
      filter.userId ?? null,
      filter.platformId ?? null,
      filter.status ?? null,
      filter.after ?? null,
      Math.min(filter.limit ?? 200, 1_000),
    ],
  );
  return rows;
}

/** No run begins while paused; one in hand ends as usual. False: not found, or paused already. */
export async function pauseIntegration(db: Queryable, id: string, now: Date): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update integrations
    set paused_at = $2, updated_at = $2
    where id = $1
      and paused_at is null`,
    [id, now],
  );
  return rowCount === 1;
}

/** Runs begin again, the first of each interval stream at once. False: not found, or not paused. */
export async function resumeIntegration(tx: Tx, id: string, now: Date): Promise<boolean> {
  const { rowCount } = await tx.query(
    sql`
    update integrations
    set paused_at = null, updated_at = $2
    where id = $1
      and paused_at is not null`,
    [id, now],
  );
  if (rowCount !== 1) return false;
  await wakeStreams(tx, id, now);
  return true;
}

export interface StatusChange {
  readonly id: string;
  readonly status: IntegrationStatus;
  readonly code?: string | null;
  readonly message?: string | null;
  readonly now: Date;
}

/** Becoming `connected` makes the streams due. False: not found. */
export async function setIntegrationStatus(tx: Tx, { id, status, code, message, now }: StatusChange): Promise<boolean> {
  const { rows } = await tx.query<{ before: IntegrationStatus }>(
    sql`
    update integrations i
    set status = $2, status_code = $3, status_message = $4, updated_at = $5
    from (select id, status from integrations where id = $1 for no key update) old
    where i.id = old.id
    returning old.status as before`,
    [id, status, code ?? null, message ?? null, now],
  );
  const before = rows[0]?.before;
  if (before !== undefined && before !== 'connected' && status === 'connected') await wakeStreams(tx, id, now);
  return before !== undefined;
}

/** The schedule of all streams of the integration; they are due at `nextSyncAt`. False: not found. */
export async function setIntegrationSchedule(
  tx: Tx,
  id: string,
  { schedule, nextSyncAt, now }: { readonly schedule: Schedule; readonly nextSyncAt: Date; readonly now: Date },
): Promise<boolean> {
  const values = [id, schedule.intervalMinutes ?? null, schedule.cron ?? null, schedule.timezone ?? null];
  const { rowCount } = await tx.query(
    sql`
    update integrations
    set sync_interval_minutes = $2, cron = $3, timezone = $4, updated_at = $5
    where id = $1`,
    [...values, now],
  );
  if (rowCount !== 1) return false;
  await tx.query(
    sql`
    update integration_streams
    set interval_minutes = $2, cron = $3, timezone = $4, next_sync_at = $6, updated_at = $5
    where integration_id = $1`,
    [...values, now, nextSyncAt],
  );
  await refreshNextSync(tx, [id]);
  return true;
}

/** Waits for pages that are on their way into the account and holds back the next ones; whose it is, or null. */
export async function holdRecords(tx: Queryable, id: string): Promise<string | null> {
  const { rows } = await tx.query<{ userId: string }>(
    sql`
    select user_id as "userId"
    from integrations
    where id = $1
    for update`,
    [id],
  );
  return rows[0]?.userId ?? null;
}

/** With its streams, runs and records. False: not found. */
export async function removeIntegration(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    delete from integrations
    where id = $1`,
    [id],
  );
  return rowCount === 1;
}
