// An update → what it says. Messages and their edits become one record each, whatever comes first; deleted ones are told by their
// ids alone; everything else, known or not, is kept as it came.

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { PlatformEventRecord } from '../../core/records.ts';
import type { EventRecords, Inbox, StoredEvent } from '../contract/events.ts';
import { withFractions } from '../toolkit/fractions.ts';
import { parseRecord } from '../toolkit/parse-record.ts';
import { idText } from '../toolkit/scalars.ts';
import { conversationOf } from './schemas/chat.ts';
import { changedMember, memberChangeSchema, membersOf } from './schemas/members.ts';
import { directionOf, instant, messageOf, messageSchema, migrationsOf } from './schemas/message.ts';
import { MESSAGE_KINDS } from './update-kinds.ts';
import { chatKey, chatKeyIn, placeSchema } from './updates.ts';

const deletedSchema = placeSchema.extend({ business_connection_id: z.string(), message_ids: z.array(idText) });

const actor = z.object({ id: idText }).optional().catch(undefined);
const when = instant.optional().catch(undefined);

/** Where other kinds say when it was and who did it; each as far as it can be read. */
const aboutSchema = z.object({
  date: when,
  remove_date: when,
  boost: z.object({ add_date: when }).optional().catch(undefined),
  from: actor,
  user: actor,
  actor_chat: actor,
  voter_chat: actor,
});

function messageRecords(raw: unknown, botId: string): EventRecords {
  const message = parseRecord(messageSchema, raw);
  return {
    conversations: [conversationOf(message.chat, chatKey(message), message.date)],
    messages: [messageOf(message, directionOf(message, botId))],
    members: membersOf(message),
    migrations: migrationsOf(message),
  };
}

function deletedRecords(raw: unknown, receivedAt: Date): EventRecords {
  const { message_ids: ids, ...place } = parseRecord(deletedSchema, raw);
  const key = chatKey(place);
  return { removed: ids.map((id) => ({ chatKey: key, platformMessageId: id, removedAt: receivedAt })) };
}

/** As it came, with what of it can be told apart. */
function asItCame({ eventKey, kind, receivedAt }: StoredEvent, raw: unknown): PlatformEventRecord {
  const about = aboutSchema.safeParse(raw).data ?? {};
  const by = about.from ?? about.user ?? about.actor_chat ?? about.voter_chat;
  const at = about.date ?? about.boost?.add_date ?? about.remove_date ?? receivedAt;
  return {
    eventKey,
    kind,
    chatKey: chatKeyIn(raw),
    actorId: by?.id ?? null,
    occurredAt: at,
    body: { [kind]: raw },
    sourceUpdatedAt: at,
  };
}

/** A status that nobody knows yet says nothing of a member. */
function memberRecords(raw: unknown): EventRecords['members'] {
  const change = memberChangeSchema.safeParse(raw);
  return change.success ? [changedMember(change.data)] : [];
}

/** All of the Bot API (10.1, 2026-06-11), wherever they stand in an update; no other member has such a name. Its ids fit a double. */
const FRACTIONS: ReadonlySet<string> = new Set([
  'latitude',
  'longitude',
  'horizontal_accuracy',
  'x_shift',
  'y_shift',
  'scale',
]);

function valueOf({ body, kind }: StoredEvent): unknown {
  const value = z.record(z.string(), z.unknown()).safeParse(body).data?.[kind];
  if (value !== undefined) return withFractions(value, FRACTIONS);
  throw new AppError('record.invalid', `expected an update with ${kind} in it`, { details: { path: kind } });
}

export const inbox: Inbox = {
  read(event) {
    const { kind, receivedAt, accountId } = event;
    const raw = valueOf(event);
    if (MESSAGE_KINDS.has(kind)) return messageRecords(raw, accountId);
    if (kind === 'deleted_business_messages') return deletedRecords(raw, receivedAt);
    const events = [asItCame(event, raw)];
    return kind === 'chat_member' || kind === 'my_chat_member' ? { events, members: memberRecords(raw) } : { events };
  },
};
