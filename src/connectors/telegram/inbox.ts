// An update → what it says. Messages and their edits become one record each, whatever comes first; deleted ones are told by their
// ids alone; everything else, known or not, is kept as it came.

import { z } from 'zod';
import type { PlatformEventRecord } from '../../core/records.ts';
import type { EventRecords, Inbox, StoredEvent } from '../contract/events.ts';
import { parseRecord } from '../toolkit/parse-record.ts';
import { idText } from '../toolkit/scalars.ts';
import { conversationOf } from './schemas/chat.ts';
import { changedMember, memberChangeSchema, membersOf } from './schemas/members.ts';
import { instant, keyOfChat, messageOf, messageSchema, migrationsOf } from './schemas/message.ts';
import { MESSAGE_KINDS } from './update-kinds.ts';
import { chatKey } from './updates.ts';

const deletedSchema = z.object({
  business_connection_id: z.string(),
  chat: z.object({ id: idText }),
  message_ids: z.array(idText),
});

/** Where other kinds say when, where and who. */
const aboutSchema = z.object({
  date: instant.optional(),
  business_connection_id: z.string().optional(),
  chat: z.object({ id: idText }).optional(),
  message: z.object({ chat: z.object({ id: idText }), business_connection_id: z.string().optional() }).optional(),
  from: z.object({ id: idText }).optional(),
  user: z.object({ id: idText }).optional(),
});

function messageRecords(raw: unknown): EventRecords {
  const message = parseRecord(messageSchema, raw);
  return {
    conversations: [conversationOf(message.chat, keyOfChat(message), message.date)],
    messages: [messageOf(message)],
    members: membersOf(message),
    migrations: migrationsOf(message),
  };
}

function deletedRecords(raw: unknown, receivedAt: Date): EventRecords {
  const { chat, business_connection_id: connection, message_ids: ids } = parseRecord(deletedSchema, raw);
  const key = chatKey(chat.id, connection);
  return { removed: ids.map((id) => ({ chatKey: key, platformMessageId: id, removedAt: receivedAt })) };
}

/** As it came, with what of it can be told apart. */
function asItCame({ eventKey, kind, receivedAt }: StoredEvent, raw: unknown): PlatformEventRecord {
  const about = aboutSchema.safeParse(raw).data ?? {};
  const place = about.chat === undefined ? about.message : about;
  const at = about.date ?? receivedAt;
  return {
    eventKey,
    kind,
    chatKey: place?.chat === undefined ? null : chatKey(place.chat.id, place.business_connection_id),
    actorId: about.from?.id ?? about.user?.id ?? null,
    occurredAt: at,
    body: { [kind]: raw },
    sourceUpdatedAt: at,
  };
}

function valueOf({ body, kind }: StoredEvent): unknown {
  return (body as Readonly<Record<string, unknown>>)[kind];
}

export const inbox: Inbox = {
  read(event) {
    const { kind, receivedAt } = event;
    const raw = valueOf(event);
    if (MESSAGE_KINDS.has(kind)) return messageRecords(raw);
    if (kind === 'deleted_business_messages') return deletedRecords(raw, receivedAt);
    const events = [asItCame(event, raw)];
    if (kind !== 'chat_member' && kind !== 'my_chat_member') return { events };
    return { events, members: [changedMember(parseRecord(memberChangeSchema, raw))] };
  },
};
