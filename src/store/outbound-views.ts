// Messages on their way out as people see them: how far one got, whose it is, and taking one back.

import type { ErrorReport } from '../core/errors.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { OutboundStatus } from './outbound.ts';

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
