// What events say, stored: talks before their messages, messages before what is told of them. The caller holds a lease and
// the transaction.

import type { ChatMemberRecord, ConversationRecord, MessageRecord, PlatformEventRecord } from '../core/records.ts';
import type { EventRecords } from '../connectors/contract/events.ts';
import type { Tx } from '../db/database.ts';
import { markDirtyDays } from '../store/dirty-days.ts';
import { holdTimezone } from '../store/hold-timezone.ts';
import { applyStatuses, linkMigrated, removeMessages, storeStatuses } from '../store/message-facts.ts';
import { chatMembersTable } from '../store/record-tables/chat-members.ts';
import { conversationsTable } from '../store/record-tables/conversations.ts';
import { messagesTable } from '../store/record-tables/messages.ts';
import { platformEventsTable } from '../store/record-tables/platform-events.ts';
import type { RecordTable } from '../store/record-tables/record-table.ts';
import { NOTHING_UPSERTED, upsertRecords, type UpsertResult, type UpsertTarget } from '../store/upsert.ts';
import { addResults } from './bisect.ts';

const MAX_ROWS = 1_000;

async function upsertAll<R>(
  tx: Tx,
  table: RecordTable<R>,
  target: UpsertTarget,
  records: readonly R[],
): Promise<UpsertResult> {
  let result = NOTHING_UPSERTED;
  for (let at = 0; at < records.length; at += MAX_ROWS)
    result = addResults(result, await upsertRecords(tx, table, target, records.slice(at, at + MAX_ROWS)));
  return result;
}

/** What came of the messages; days are marked already. Throws `db.constraint` when the database refuses a row. */
export async function storeRecords(tx: Tx, place: UpsertTarget, records: EventRecords): Promise<UpsertResult> {
  const { conversations = [], messages = [], members = [], events = [] } = records;
  const { statuses = [], removed = [], migrations = [] } = records;
  const target = { ...place, timezone: await holdTimezone(tx, place.userId) };
  const results = [
    await upsertAll<ConversationRecord>(tx, conversationsTable, target, conversations),
    await upsertAll<MessageRecord>(tx, messagesTable, target, messages),
    await upsertAll<ChatMemberRecord>(tx, chatMembersTable, target, members),
    await upsertAll<PlatformEventRecord>(tx, platformEventsTable, target, events),
  ];
  const removedDays = await removeMessages(tx, target, removed);
  await linkMigrated(tx, target, migrations);
  await storeStatuses(tx, target, statuses);
  const ours = messages.filter(({ direction }) => direction === 'outbound');
  const told = [...statuses, ...ours].map(({ platformMessageId }) => platformMessageId);
  const statusDays = await applyStatuses(tx, target, [...new Set(told)]);
  const days = [...results.flatMap(({ dirtyDays }) => dirtyDays), ...removedDays, ...statusDays];
  await markDirtyDays(tx, target.userId, [...new Set(days)]);
  return results[1]!;
}
