// What is told of messages apart from the messages themselves: how far they got, that they are gone, that a talk goes on under
// another key. Each may come before the message that it is about. Only for a transaction with a lease.

import type { ChatMigration, MessageStatus, RemovedMessage } from '../core/records.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { listCountedDays } from './counted-days.ts';
import { countsAsSent, firstAnswerAfter } from './record-tables/messages.ts';

export interface FactTarget {
  readonly integrationId: string;
  readonly userId: string;
  readonly now: Date;
}

export interface DayTarget extends FactTarget {
  /** IANA zone in which the user's days begin. */
  readonly timezone: string;
}

const RANKS: Readonly<Record<MessageStatus['status'], number>> = { sent: 1, delivered: 2, read: 3, failed: 4 };

/** Keeps the first instant of each step and the highest step of all, in whatever order they are told. */
export async function storeStatuses(
  tx: Queryable,
  { integrationId, userId, now }: FactTarget,
  statuses: readonly MessageStatus[],
): Promise<void> {
  if (statuses.length === 0) return;
  await tx.query(
    sql`
    with told as (
      select u.id, max(u.rank) as rank,
        min(u.at) filter (where u.rank = 1) as sent_at,
        min(u.at) filter (where u.rank = 2) as delivered_at,
        min(u.at) filter (where u.rank = 3) as read_at,
        min(u.at) filter (where u.rank = 4) as failed_at,
        max(u.recipient) as recipient_id,
        (array_agg(u.error order by u.rank desc) filter (where u.error is not null))[1]::jsonb as error,
        (array_agg(u.details order by u.at desc) filter (where u.details <> '{}'))[1]::jsonb as details
      from unnest($4::text[], $5::smallint[], $6::timestamptz[], $7::text[], $8::text[], $9::text[])
        as u (id, rank, at, recipient, error, details)
      group by u.id
    )
    insert into message_statuses as s
      (integration_id, user_id, platform_message_id, rank, sent_at, delivered_at, read_at, failed_at, recipient_id, error,
       details, created_at, updated_at)
    select $1, $2, t.id, t.rank, t.sent_at, t.delivered_at, t.read_at, t.failed_at, t.recipient_id, t.error,
      coalesce(t.details, '{}'), $3, $3
    from told t
    order by t.id
    on conflict (integration_id, platform_message_id) do update
    set rank = greatest(s.rank, excluded.rank),
      sent_at = least(s.sent_at, excluded.sent_at),
      delivered_at = least(s.delivered_at, excluded.delivered_at),
      read_at = least(s.read_at, excluded.read_at),
      failed_at = least(s.failed_at, excluded.failed_at),
      recipient_id = coalesce(s.recipient_id, excluded.recipient_id),
      error = coalesce(excluded.error, s.error),
      details = s.details || excluded.details,
      updated_at = excluded.updated_at`,
    [
      integrationId,
      userId,
      now,
      statuses.map(({ platformMessageId }) => platformMessageId),
      statuses.map(({ status }) => RANKS[status]),
      statuses.map(({ at }) => at),
      statuses.map(({ recipientId }) => recipientId),
      statuses.map(({ error }) => (error === null ? null : canonicalJson(error))),
      statuses.map(({ details }) => canonicalJson(details)),
    ],
  );
}

/** Local days of the changed messages `c` (chat_key, sent_at) and of the answers that follow from them; `$1` integration. */
function daysOfChanged(timezone: string): string {
  return sql`
    select distinct (d.at at time zone ${timezone})::date::text as day
    from changed c
    cross join lateral unnest(array[c.sent_at, ${firstAnswerAfter('$1', 'c.chat_key', 'c.sent_at')}]) as d (at)
    where d.at is not null`;
}

/**
 * Messages of ours with these ids get the highest status that was told of them; never a lower one than they have. Returns the local
 * days of those that count as sent since, or no more.
 */
export async function applyStatuses(
  tx: Queryable,
  { integrationId, timezone, now }: DayTarget,
  platformMessageIds: readonly string[],
): Promise<readonly string[]> {
  if (platformMessageIds.length === 0) return [];
  const { rows } = await tx.query<{ day: string }>(
    sql`
    with told as (
      select m.id, m.sent_at, m.chat_key, s.rank,
        (${countsAsSent('m')}) <> (s.rank < 4 and m.deleted_at is null) as is_changed
      from message_statuses s
      join message_keys k on k.integration_id = s.integration_id and k.platform_message_id = s.platform_message_id
      join messages m on m.id = k.message_id and m.sent_at = k.sent_at
      where s.integration_id = $1
        and s.platform_message_id = any ($2::text[])
        and m.direction = 'outbound'
        and coalesce(array_position(array['sent', 'delivered', 'read', 'failed'], m.status), 0) < s.rank
    ),
    updated as (
      update messages m
      set status = (array['sent', 'delivered', 'read', 'failed'])[t.rank], updated_at = $3
      from told t
      where m.id = t.id
        and m.sent_at = t.sent_at
    ),
    changed as (
      select t.chat_key, t.sent_at
      from told t
      where t.is_changed
    )
    ${daysOfChanged('$4')}`,
    [integrationId, platformMessageIds, now, timezone],
  );
  return rows.map(({ day }) => day);
}

/**
 * Marks messages as gone; returns the local days that change with it. One that is not known yet leaves a mark, so that it stays gone
 * when it comes late.
 */
export async function removeMessages(
  tx: Queryable,
  { integrationId, userId, timezone, now }: DayTarget,
  removed: readonly RemovedMessage[],
): Promise<readonly string[]> {
  if (removed.length === 0) return [];
  const { rows } = await tx.query<{ day: string }>(
    sql`
    with gone as (
      insert into message_keys as k
        (integration_id, user_id, chat_key, platform_message_id, sent_at, source_updated_at, content_hash, deleted_at,
         created_at, updated_at)
      select $1, $2, u.chat_key, u.id, max(u.at), max(u.at), '', $3, $3, $3
      from unnest($4::text[], $5::text[], $6::timestamptz[]) as u (chat_key, id, at)
      group by u.chat_key, u.id
      order by u.chat_key, u.id
      on conflict (integration_id, chat_key, platform_message_id) do update
      set deleted_at = coalesce(k.deleted_at, excluded.deleted_at),
        source_updated_at = greatest(k.source_updated_at, excluded.source_updated_at),
        updated_at = excluded.updated_at
      returning k.message_id, k.sent_at
    ),
    changed as (
      update messages m
      set deleted_at = coalesce(m.deleted_at, $3), updated_at = $3
      from gone g
      where m.id = g.message_id
        and m.sent_at = g.sent_at
      returning m.chat_key, m.sent_at
    )
    ${daysOfChanged('$7')}`,
    [
      integrationId,
      userId,
      now,
      removed.map(({ chatKey }) => chatKey),
      removed.map(({ platformMessageId }) => platformMessageId),
      removed.map(({ removedAt }) => removedAt),
      timezone,
    ],
  );
  const keys = removed.map(({ chatKey, platformMessageId }) => `${chatKey} ${platformMessageId}`);
  const sealed = await listCountedDays(tx, { userId, integrationId, table: 'messages', keys });
  return [...new Set([...rows.map(({ day }) => day), ...sealed])];
}

/** Both talks know of each other, whichever of them was heard of first. */
export async function linkMigrated(
  tx: Queryable,
  { integrationId, userId, now }: FactTarget,
  migrations: readonly ChatMigration[],
): Promise<void> {
  for (const { fromChatKey, toChatKey } of migrations) {
    await tx.query(
      sql`
      insert into conversations as c
        (integration_id, user_id, chat_key, kind, content_hash, migrated_to_chat_key, migrated_from_chat_key, created_at,
         updated_at)
      values ($1, $2, $3, 'group', '', $4, null, $5, $5), ($1, $2, $4, 'group', '', null, $3, $5, $5)
      on conflict (integration_id, chat_key) do update
      set migrated_to_chat_key = coalesce(excluded.migrated_to_chat_key, c.migrated_to_chat_key),
        migrated_from_chat_key = coalesce(excluded.migrated_from_chat_key, c.migrated_from_chat_key),
        updated_at = excluded.updated_at`,
      [integrationId, userId, fromChatKey, toChatKey, now],
    );
  }
}
