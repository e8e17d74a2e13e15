// What an event says: messages and their chats, how far ours got, and everything that is neither, which is kept as it came.

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { ChatMigration, MessageRecord, PlatformEventRecord } from '../../core/records.ts';
import type { EventRecords, Inbox, StoredEvent } from '../contract/events.ts';
import { parseRecord } from '../toolkit/parse-record.ts';
import { conversationOf, parseMessage, type Said } from './schemas/messages.ts';
import { idIn, isUserId, personOf, type Person } from './schemas/people.ts';
import { object, unixInstant } from './schemas/scalars.ts';
import { parseStatus } from './schemas/statuses.ts';

type Json = Readonly<Record<string, unknown>>;

/** As `webhook.ts` cut it: one of the last five stands in each. */
const bodySchema = z.object({
  time: unixInstant.optional().catch(undefined),
  metadata: z.unknown().optional(),
  contact: z.unknown().optional(),
  message: object.optional(),
  status: object.optional(),
  thread: z.looseObject({ messages: z.array(z.unknown()) }).optional(),
  error: z.unknown().optional(),
  value: z.unknown().optional(),
});

type Body = z.output<typeof bodySchema>;

export const inbox: Inbox = { read };

function read(event: StoredEvent): EventRecords {
  const body = parseRecord(bodySchema, event.body);
  if (body.message !== undefined) return readMessage(event, body, body.message);
  if (body.status !== undefined) return readStatus(event, body, body.status);
  if (body.thread !== undefined) return readThread(event, body, body.thread);
  return { events: [platformEvent(event, body)] };
}

/** What no other record is made of. */
function platformEvent(event: StoredEvent, body: Body, over: Partial<PlatformEventRecord> = {}): PlatformEventRecord {
  const value = body.error ?? body.value;
  const { timestamp, contact } = Object(value) as Json;
  const told = unixInstant.safeParse(timestamp).data;
  return {
    eventKey: event.eventKey,
    kind: event.kind,
    chatKey: idIn(value, 'wa_id') ?? idIn(contact, 'phone_number', 'user_id'),
    actorId: null,
    occurredAt: told ?? body.time ?? event.receivedAt,
    body: object.safeParse(value).data ?? { value: value ?? null },
    sourceUpdatedAt: null,
    ...over,
  };
}

const digitsOf = (text: string | null): string | null => text?.replace(/\D/g, '') ?? null;

/** Whether the business wrote it itself: only history leaves that open. */
function isOwn(message: Json, { metadata }: Body): boolean {
  const { from_me: fromMe } = Object(message['history_context']) as Json;
  if (typeof fromMe === 'boolean') return fromMe;
  const own = digitsOf(idIn(metadata, 'display_phone_number'));
  return own !== null && own !== '' && digitsOf(idIn(message, 'from')) === own;
}

function readMessage(event: StoredEvent, body: Body, message: Json): EventRecords {
  const isHistory = event.kind === 'history_message';
  const isOutbound = event.kind === 'message_echo' || (isHistory && isOwn(message, body));
  const person = personOf(message, body.contact, isOutbound ? 'to' : 'from') ?? renamed(message);
  if (person === null) throw unnamed(isOutbound ? 'to' : 'from');
  const gone = removedBy(message);
  if (gone !== null) {
    const { timestamp } = parseRecord(z.object({ timestamp: unixInstant }), message);
    return { removed: [{ chatKey: person.chatKey, platformMessageId: gone, removedAt: timestamp }] };
  }
  const record = parseMessage(message, { direction: isOutbound ? 'outbound' : 'inbound', person, isHistory });
  const migrations = migrationsOf(message, person, record.sentAt);
  return {
    messages: [record],
    // The old number is nobody's any more.
    ...(migrations.length > 0 ? { migrations } : { conversations: [conversationOf(person, record.sentAt, isHistory)] }),
  };
}

function unnamed(path: string): AppError {
  return new AppError('record.invalid', `message.${path}: expected a number or a user id`, {
    details: { path: `message.${path}` },
  });
}

/** The id of the message that this one says is gone; null: it says something else. */
function removedBy(message: Json): string | null {
  const { type } = message;
  if (type === 'revoke') return idIn(message['revoke'], 'original_message_id', 'message_id');
  return type === 'deleted' ? (idIn(message['deleted'], 'message_id') ?? idIn(message, 'id')) : null;
}

/** Of a person whose number is hidden the system says the new user id alone. */
function renamed({ system }: Json): Person | null {
  return personOf({ from_user_id: idIn(system, 'user_id') }, undefined, 'from');
}

/** The one place where the old user id of a person stands whose number is hidden: the words for people. */
const CHANGED_ID = /\bfrom (?<from>\S+) to (?<to>\S+?)\.?$/;

/** A person who changed his number, or the user id that goes with it, goes on under the new one. */
function migrationsOf(message: Json, { chatKey }: Person, at: Date): readonly ChatMigration[] {
  const { system } = message;
  const { type, body } = Object(system) as Json;
  if (message['type'] !== 'system' || !/^(?:user|customer)_changed_/.test(String(type))) return [];
  const toChatKey = idIn(system, 'wa_id', 'new_wa_id', 'user_id');
  const { from, to } = CHANGED_ID.exec(String(body))?.groups ?? {};
  const said = from !== undefined && isUserId(from) && to === toChatKey ? from : null;
  const fromChatKey = chatKey === toChatKey ? said : chatKey;
  return toChatKey === null || fromChatKey === null ? [] : [{ fromChatKey, toChatKey, at }];
}

function readStatus(event: StoredEvent, body: Body, status: Json): EventRecords {
  const told = parseStatus(status);
  const chatKey = personOf(status, body.contact, 'recipient')?.chatKey ?? null;
  if (told.kind === 'status') return { statuses: [told.status] };
  if (told.kind === 'deleted' && chatKey !== null) {
    return { removed: [{ chatKey, platformMessageId: told.platformMessageId, removedAt: told.at }] };
  }
  const word = told.kind === 'deleted' ? told.kind : told.word;
  const over = { kind: `status.${word}`, chatKey, occurredAt: told.at, body: status };
  return { events: [platformEvent(event, body, over)] };
}

/** A part of a chat's history. A message that cannot be read must not take the others with it: it is kept as it came. */
function readThread(event: StoredEvent, body: Body, thread: Json & { messages: readonly unknown[] }): EventRecords {
  const threadId = idIn(thread, 'id');
  const records = new Map<string, MessageRecord>();
  const events: PlatformEventRecord[] = [];
  let chat: Person | null = null;
  for (const [index, raw] of thread.messages.entries()) {
    const message = Object(raw) as Json;
    const isOutbound = isOwn(message, body) || (threadId !== null && idIn(message, 'to') === threadId);
    const named = personOf(message, thread['context'], isOutbound ? 'to' : 'from');
    const person = threadPerson(thread, named);
    try {
      if (person === null) throw unnamed(isOutbound ? 'to' : 'from');
      const said: Said = { direction: isOutbound ? 'outbound' : 'inbound', person, isHistory: true };
      const record = parseMessage(message, said);
      records.set(record.platformMessageId, record);
      chat ??= person;
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'record.invalid')) throw error;
      const over = { eventKey: `${event.eventKey}:${index}`, kind: 'history.unreadable', chatKey: threadId };
      events.push(platformEvent(event, body, { ...over, body: { reason: error.message, message: raw } }));
    }
  }
  const messages = [...records.values()];
  const last = messages.toSorted((one, other) => other.sentAt.getTime() - one.sentAt.getTime())[0];
  return {
    messages,
    ...(chat === null || last === undefined ? {} : { conversations: [conversationOf(chat, last.sentAt, true)] }),
    ...(events.length === 0 ? {} : { events }),
  };
}

/** Of a thread: whoever wrote, it is the talk with the person that its id or its context names. */
function threadPerson({ id, context }: Json, named: Person | null): Person | null {
  const number = idIn({ id }, 'id');
  const waId = idIn(context, 'wa_id') ?? (number !== null && /^\d+$/.test(number) ? number : null);
  const userId = idIn(context, 'user_id') ?? named?.userId ?? null;
  const chatKey = number ?? waId ?? userId;
  if (chatKey === null) return named;
  const [username, name] = [idIn(context, 'username') ?? named?.username ?? null, named?.name ?? null];
  return { chatKey, isGroup: false, waId, userId, username, name };
}
