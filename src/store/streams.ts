// Streams of integrations: their schedule, their state, and the columns that people change. What a run writes (cursor,
// lease, coverage) belongs to the sync runner; claiming due ones to `due-streams.ts`.

import { createHash } from 'node:crypto';
import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';

/** Either an interval or a cron expression with its zone; neither means the connector's default. */
export interface Schedule {
  /** 1 to 44,640. */
  readonly intervalMinutes?: number | null;
  readonly cron?: string | null;
  /** IANA; goes with `cron`. */
  readonly timezone?: string | null;
}

export interface NewStream {
  readonly name: string;
  readonly intervalMinutes: number;
}

export interface StreamKey {
  readonly integrationId: string;
  readonly stream: string;
}

export interface StreamView extends StreamKey {
  readonly userId: string;
  readonly enabled: boolean;
  readonly status: 'active' | 'parked' | 'gone';
  readonly statusCode: string | null;
  readonly statusMessage: string | null;
  readonly intervalMinutes: number | null;
  readonly cron: string | null;
  readonly timezone: string | null;
  readonly spreadSeconds: number;
  readonly nextSyncAt: Date | null;
  readonly cursor: unknown;
  readonly lastFullAt: Date | null;
  readonly lastSuccessAt: Date | null;
}

const COLUMNS = `integration_id as "integrationId", user_id as "userId", stream, enabled, status,
      status_code as "statusCode", status_message as "statusMessage", interval_minutes as "intervalMinutes", cron,
      timezone, spread_seconds as "spreadSeconds", next_sync_at as "nextSyncAt", cursor, last_full_at as "lastFullAt",
      last_success_at as "lastSuccessAt"`;

/** The longest interval in seconds: every offset inside any interval can occur. */
const SPREAD_RANGE = 44_640 * 60;

/** Where a stream's fires lie inside its interval: the same for ever, evenly spread over streams. Seconds. */
export function spreadSecondsOf({ integrationId, stream }: StreamKey): number {
  return createHash('sha256').update(`${integrationId}:${stream}`).digest().readUInt32BE(0) % SPREAD_RANGE;
}

export interface StreamsOfIntegration {
  readonly integrationId: string;
  readonly userId: string;
  readonly streams: readonly NewStream[];
  readonly schedule: Schedule | undefined;
  readonly now: Date;
}

/** Streams of a new integration, due at once. */
export async function insertStreams(
  tx: Queryable,
  { integrationId, userId, streams, schedule, now }: StreamsOfIntegration,
): Promise<void> {
  const hasOwn = schedule?.intervalMinutes != null || schedule?.cron != null;
  await tx.query(
    sql`
    insert into integration_streams (integration_id, user_id, stream, interval_minutes, cron, timezone, spread_seconds,
      next_sync_at, created_at, updated_at)
    select $1, $2, s.name, s.minutes, $3, $4, s.spread, $5, $5, $5
    from unnest($6::text[], $7::integer[], $8::integer[]) as s (name, minutes, spread)`,
    [
      integrationId,
      userId,
      schedule?.cron ?? null,
      schedule?.timezone ?? null,
      now,
      streams.map(({ name }) => name),
      streams.map(({ intervalMinutes }) => (hasOwn ? (schedule.intervalMinutes ?? null) : intervalMinutes)),
      streams.map(({ name }) => spreadSecondsOf({ integrationId, stream: name })),
    ],
  );
}

export async function listStreams(db: Queryable, integrationId: string): Promise<readonly StreamView[]> {
  const { rows } = await db.query<StreamView>(
    sql`
    select ${COLUMNS}
    from integration_streams
    where integration_id = $1
    order by stream`,
    [integrationId],
  );
  return rows;
}

/** Locks the streams, in one order, against schedulers, triggers and runs that end. Null names: all. */
export async function lockStreams(
  tx: Tx,
  integrationId: string,
  names: readonly string[] | null,
): Promise<readonly StreamView[]> {
  const { rows } = await tx.query<StreamView>(
    sql`
    select ${COLUMNS}
    from integration_streams
    where integration_id = $1
      and ($2::text[] is null or stream = any ($2))
    order by stream
    for no key update`,
    [integrationId, names],
  );
  return rows;
}

/** `integrations.next_sync_at` = the earliest of the streams that can run. */
export async function refreshNextSync(tx: Queryable, integrationIds: readonly string[]): Promise<void> {
  await tx.query(
    sql`
    update integrations i
    set next_sync_at = (
      select min(s.next_sync_at)
      from integration_streams s
      where s.integration_id = i.id
        and s.enabled
        and s.status = 'active'
    )
    where i.id = any ($1::uuid[])`,
    [integrationIds],
  );
}

/** Makes interval streams due now; a cron stream keeps its time unless it never succeeded. */
export async function wakeStreams(tx: Queryable, integrationId: string, now: Date): Promise<void> {
  await tx.query(
    sql`
    update integration_streams
    set next_sync_at = $2, updated_at = $2
    where integration_id = $1
      and (cron is null or last_success_at is null or next_sync_at is null)`,
    [integrationId, now],
  );
  await refreshNextSync(tx, [integrationId]);
}

/** One `set` list on one stream; false: no such stream. */
async function change(
  tx: Queryable,
  { integrationId, stream }: StreamKey,
  assignments: string,
  values: readonly unknown[],
): Promise<boolean> {
  const { rowCount } = await tx.query(
    sql`
    update integration_streams
    set ${assignments}
    where integration_id = $1
      and stream = $2`,
    [integrationId, stream, ...values],
  );
  if (rowCount === 1) await refreshNextSync(tx, [integrationId]);
  return rowCount === 1;
}

export interface ScheduleChange extends StreamKey {
  /** Checked by the caller (`checkSchedule`). */
  readonly schedule: Schedule;
  readonly nextSyncAt: Date;
  readonly now: Date;
}

export function setStreamSchedule(tx: Tx, { schedule, nextSyncAt, now, ...key }: ScheduleChange): Promise<boolean> {
  return change(tx, key, 'interval_minutes = $3, cron = $4, timezone = $5, next_sync_at = $6, updated_at = $7', [
    schedule.intervalMinutes ?? null,
    schedule.cron ?? null,
    schedule.timezone ?? null,
    nextSyncAt,
    now,
  ]);
}

/** An enabled stream is due at once. */
export function enableStream(tx: Tx, key: StreamKey, now: Date): Promise<boolean> {
  return change(tx, key, 'enabled = true, next_sync_at = $3, updated_at = $3', [now]);
}

export function disableStream(tx: Tx, key: StreamKey, now: Date): Promise<boolean> {
  return change(tx, key, 'enabled = false, updated_at = $3', [now]);
}

/** Forgets the position: the next run is a full one and due now. A page that is on its way fails its version check. */
export function resetStream(tx: Tx, key: StreamKey, now: Date): Promise<boolean> {
  return change(
    tx,
    key,
    `cursor = null, cursor_version = cursor_version + 1, coverage = '{}', last_full_at = null, next_sync_at = $3,
      updated_at = $3`,
    [now],
  );
}

/** Streams that were parked for one of these reasons work again. */
export async function unparkStreams(
  tx: Tx,
  integrationId: string,
  { codes, now }: { readonly codes: readonly string[]; readonly now: Date },
): Promise<void> {
  await tx.query(
    sql`
    update integration_streams
    set status = 'active', status_code = null, status_message = null, next_sync_at = $3, updated_at = $3
    where integration_id = $1
      and status = 'parked'
      and status_code = any ($2)`,
    [integrationId, codes, now],
  );
  await refreshNextSync(tx, [integrationId]);
}

/** A parked or gone stream works again and is due at once. */
export function unparkStream(tx: Tx, key: StreamKey, now: Date): Promise<boolean> {
  return change(
    tx,
    key,
    `status = 'active', status_code = null, status_message = null, next_sync_at = $3, updated_at = $3`,
    [now],
  );
}
