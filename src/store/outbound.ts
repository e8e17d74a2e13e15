// Messages on their way out (`outbound_messages`): one at a time leaves for a chat, in the order in which they were queued. That a
// message is being sent is committed before it is sent, so a crash in between leaves a doubt and never a silent repetition.

import type { ErrorReport } from '../core/errors.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export type OutboundStatus = 'queued' | 'sending' | 'sent' | 'failed' | 'unknown' | 'cancelled';

export interface NewOutbound {
  readonly userId: string;
  readonly integrationId: string;
  readonly chatKey: string;
  readonly message: unknown;
  /** A send whose answer was lost may be repeated. */
  readonly allowRepeat: boolean;
  /** A second one with the same key is the first one. */
  readonly dedupeKey: string | null;
  readonly notBefore: Date | null;
  readonly now: Date;
}

/** In the scope of the user. `created` false: the message with this key stands for it. */
export async function insertOutbound(
  tx: Tx,
  { userId, integrationId, chatKey, message, allowRepeat, dedupeKey, notBefore, now }: NewOutbound,
): Promise<{ readonly id: string; readonly created: boolean }> {
  const { rows } = await tx.query<{ id: string }>(
    sql`
    insert into outbound_messages
      (user_id, integration_id, chat_key, message, allow_repeat, dedupe_key, not_before, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
    on conflict (integration_id, dedupe_key) do nothing
    returning id`,
    [userId, integrationId, chatKey, JSON.stringify(message), allowRepeat, dedupeKey, notBefore, now],
  );
  if (rows[0] !== undefined) return { id: rows[0].id, created: true };
  const known = await tx.query<{ id: string }>(
    sql`
    select id
    from outbound_messages
    where integration_id = $1
      and dedupe_key = $2`,
    [integrationId, dedupeKey],
  );
  return { id: known.rows[0]!.id, created: false };
}

export interface OutboundView {
  readonly id: string;
  readonly integrationId: string;
  readonly chat: string;
  readonly status: OutboundStatus | 'delivered' | 'read';
  readonly attempts: number;
  readonly platformMessageId: string | null;
  readonly error: ErrorReport | null;
  readonly createdAt: Date;
  readonly settledAt: Date | null;
  readonly deliveredAt: Date | null;
  readonly readAt: Date | null;
}

/** With how far it got at the platform. In the scope of its user. */
export async function findOutbound(db: Queryable, id: string): Promise<OutboundView | null> {
  const { rows } = await db.query<OutboundView>(
    sql`
    select m.id, m.integration_id as "integrationId", m.chat_key as chat, m.attempts,
      m.platform_message_id as "platformMessageId", m.created_at as "createdAt", m.settled_at as "settledAt",
      s.delivered_at as "deliveredAt", s.read_at as "readAt",
      case when m.status = 'sent' and s.rank > 1 then (array['sent', 'delivered', 'read', 'failed'])[s.rank]
        else m.status end as status,
      coalesce(m.error, case when s.rank = 4 then jsonb_build_object('code', 'message.refused', 'kind', 'config',
        'message', format('the platform could not deliver it (%s): %s', s.error ->> 'code', s.error ->> 'message')) end) as error
    from outbound_messages m
    left join message_statuses s
      on s.integration_id = m.integration_id and s.platform_message_id = m.platform_message_id
    where m.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** Whose message it is; null: there is none. For the api, whatever its scope. */
export async function ownerOfOutbound(db: Queryable, id: string): Promise<string | null> {
  const { rows } = await db.query<{ owner: string | null }>('select tidemark_private.outbound_owner($1) as owner', [
    id,
  ]);
  return rows[0]?.owner ?? null;
}

/** The message that a job sends, and whose it is; null: the job sends none. In the scope of operators. */
export async function findMessageOfJob(
  db: Queryable,
  jobId: string,
): Promise<{ readonly messageId: string; readonly userId: string } | null> {
  const { rows } = await db.query<{ messageId: string; userId: string }>(
    sql`
    select payload ->> 'messageId' as "messageId", user_id as "userId"
    from job_ledger
    where id = $1
      and kind = 'message.send'
      and user_id is not null`,
    [jobId],
  );
  return rows[0] ?? null;
}

/** False: it is on its way, or settled. */
export async function cancelOutbound(db: Queryable, id: string, now: Date): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update outbound_messages
    set status = 'cancelled', settled_at = $2, updated_at = $2
    where id = $1
      and status = 'queued'`,
    [id, now],
  );
  return rowCount === 1;
}

/** What a sender needs to know of the message's integration. */
export interface OutboundPlace {
  readonly userId: string;
  readonly integrationId: string;
  readonly platformId: PlatformId;
  readonly chatKey: string;
  readonly status: OutboundStatus;
  readonly settings: unknown;
  readonly isConnected: boolean;
  readonly timezone: string;
}

export async function outboundPlaceOf(db: Queryable, messageId: string): Promise<OutboundPlace | null> {
  const { rows } = await db.query<OutboundPlace>(
    sql`
    select m.user_id as "userId", m.integration_id as "integrationId", i.platform_id as "platformId",
      m.chat_key as "chatKey", m.status, i.settings, i.status = 'connected' and i.paused_at is null as "isConnected",
      u.timezone
    from outbound_messages m
    join integrations i on i.id = m.integration_id
    join users u on u.id = m.user_id
    where m.id = $1`,
    [messageId],
  );
  return rows[0] ?? null;
}

export interface OutboundLane {
  readonly integrationId: string;
  readonly chatKey: string;
}

/** Nobody else claims of this chat until the transaction ends. */
export async function lockChat(tx: Tx, { integrationId, chatKey }: OutboundLane): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 8))`, [integrationId, chatKey]);
}

export interface QueuedMessage {
  readonly id: string;
  readonly message: unknown;
  readonly allowRepeat: boolean;
  readonly attempts: number;
  /** May leave by now. */
  readonly isDue: boolean;
}

export interface Unsettled extends QueuedMessage {
  readonly status: 'queued' | 'sending';
  /** Of one that is being sent: its worker lives. */
  readonly isHeld: boolean;
}

/** The first message of the chat that has not been settled. */
export async function firstUnsettled(tx: Tx, lane: OutboundLane, now: Date): Promise<Unsettled | null> {
  const { rows } = await tx.query<Unsettled>(
    sql`
    select m.id, m.message, m.allow_repeat as "allowRepeat", m.attempts, m.status,
      coalesce(m.not_before <= $3, true) as "isDue",
      m.status = 'sending' and exists (
        select
        from workers w
        where w.id = m.worker_id
          and w.status = 'alive'
      ) as "isHeld"
    from outbound_messages m
    where m.integration_id = $1
      and m.chat_key = $2
      and m.status in ('queued', 'sending')
      and (m.status = 'sending' or coalesce(m.not_before <= $3, true))
    order by m.status desc, m.seq
    limit 1`,
    [lane.integrationId, lane.chatKey, now],
  );
  return rows[0] ?? null;
}

export async function markSending(tx: Tx, id: string, workerId: string, now: Date): Promise<void> {
  await tx.query(
    sql`
    update outbound_messages
    set status = 'sending', worker_id = $2, attempts = attempts + 1, sending_at = $3, updated_at = $3
    where id = $1
      and status = 'queued'`,
    [id, workerId, now],
  );
}

export interface Requeue {
  readonly now: Date;
  /** False: the platform was not asked, which costs no attempt. */
  readonly isSpent: boolean;
  /** The chat has another key by now. */
  readonly chatKey?: string;
}

/** It certainly did not leave, or may leave twice. */
export async function requeueOutbound(tx: Tx, id: string, { now, isSpent, chatKey }: Requeue): Promise<void> {
  await tx.query(
    sql`
    update outbound_messages
    set status = 'queued', worker_id = null, sending_at = null, attempts = attempts - case when $3 then 0 else 1 end,
      chat_key = coalesce($4, chat_key),
      message = case when $4::text is null then message else jsonb_set(message, '{chat}', to_jsonb($4::text)) end,
      updated_at = $2
    where id = $1
      and status = 'sending'`,
    [id, now, isSpent, chatKey ?? null],
  );
}

export type OutboundEnd =
  | { readonly status: 'sent'; readonly platformMessageId: string }
  | { readonly status: 'failed' | 'unknown'; readonly error: ErrorReport };

/** False: somebody else settled it. */
export async function settleOutbound(tx: Tx, id: string, end: OutboundEnd, now: Date): Promise<boolean> {
  const { rowCount } = await tx.query(
    sql`
    update outbound_messages
    set status = $2, platform_message_id = $3, error = $4, settled_at = $5, updated_at = $5
    where id = $1
      and status in ('queued', 'sending')`,
    [
      id,
      end.status,
      end.status === 'sent' ? end.platformMessageId : null,
      end.status === 'sent' ? null : JSON.stringify(end.error),
      now,
    ],
  );
  return rowCount === 1;
}
