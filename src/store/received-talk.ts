// Which rows of talks an import must leave alone: what the integration itself received is at least as good, and what was removed
// at the platform stays removed.

import type { ConversationRecord, MessageRecord } from '../core/records.ts';
import type { Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface ImportOf {
  readonly integrationId: string;
  /** In `details.importedFrom` of rows that came out of such a file. */
  readonly source: string;
}

export interface KeptMessages {
  /** Stored as they are, in this version or a newer one, or removed. By index. */
  readonly kept: ReadonlySet<number>;
  /** Another message that was received has this id. By index. */
  readonly taken: ReadonlySet<number>;
}

/** Between two clocks, in seconds: what we sent ourselves may bear the one, the export the other. */
const SAME_MESSAGE_S = 60;

/**
 * Of messages out of a file, those that must not be written. A message that was received at another instant is another message: in
 * chats of two and in small groups each account counts for itself.
 */
export async function findKeptMessages(
  tx: Tx,
  { integrationId, source }: ImportOf,
  messages: readonly MessageRecord[],
): Promise<KeptMessages> {
  const { rows } = await tx.query<{ position: number; is_taken: boolean }>(
    sql`
    select i.position::integer - 1 as position,
      k.deleted_at is null and abs(extract(epoch from k.sent_at - i.sent_at)) > $7 as is_taken
    from unnest($3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
      with ordinality as i (chat_key, platform_message_id, sent_at, source_updated_at, position)
    cross join lateral (
      -- The limit keeps this a look-up by key, as in the upsert's statement.
      select k.message_id, k.sent_at, k.source_updated_at, k.deleted_at
      from message_keys k
      where k.integration_id = $1
        and k.chat_key = i.chat_key
        and k.platform_message_id = i.platform_message_id
      limit 1
    ) as k
    -- Of a message that was gone before anybody saw it there is the key only.
    left join messages m on m.id = k.message_id and m.sent_at = k.sent_at
    where k.deleted_at is not null
      or (
        m.details ->> 'importedFrom' is distinct from $2
        and (
          k.sent_at <> i.sent_at
          or k.source_updated_at is null
          or k.source_updated_at >= i.source_updated_at
        )
      )`,
    [
      integrationId,
      source,
      messages.map(({ chatKey }) => chatKey),
      messages.map(({ platformMessageId }) => platformMessageId),
      messages.map(({ sentAt }) => sentAt),
      messages.map(({ sourceUpdatedAt }) => sourceUpdatedAt),
      SAME_MESSAGE_S,
    ],
  );
  const positions = (isTaken: boolean): ReadonlySet<number> =>
    new Set(rows.filter((row) => row.is_taken === isTaken).map(({ position }) => position));
  return { kept: positions(false), taken: positions(true) };
}

/**
 * Whether the conversation is stored and did not come out of such a file, or nothing was said in the one at hand. One of which only
 * the key was told (it goes on under another one) is not.
 */
export async function isConversationKept(
  tx: Tx,
  { integrationId, source }: ImportOf,
  { chatKey, lastMessageAt }: Pick<ConversationRecord, 'chatKey' | 'lastMessageAt'>,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    sql`
    select
    from conversations
    where integration_id = $1
      and chat_key = $2
      and content_hash <> ''
      and ($4 or deleted_at is not null or details ->> 'importedFrom' is distinct from $3)`,
    [integrationId, chatKey, source, lastMessageAt === null],
  );
  return (rowCount ?? 0) > 0;
}
