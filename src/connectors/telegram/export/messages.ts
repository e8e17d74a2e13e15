// A message of an export → message. What is in a supergroup or channel has the id that the Bot API gives it, so that the two meet
// in one row; in other chats each account counts for itself, and only the importer can see that two are different messages.

import { z } from 'zod';
import { AppError } from '../../../core/errors.ts';
import type { MessageRecord } from '../../../core/records.ts';
import type { Details } from '../../../core/source-record.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, idText, maybeText } from '../../toolkit/scalars.ts';
import { attachmentsOf, mediaSchema, messageTypeOf } from './attachments.ts';
import { identifyChat, isPair, SOURCE, type ChatIdentity } from './chats.ts';
import { senderId } from './ids.ts';
import type { ReadLocal } from './local-time.ts';
import type { ExportedMessage } from './read-export.ts';

/** What the file does not say of itself. */
export interface ExportReading {
  /** The account that is connected (a bot), by its id; null: not known. */
  readonly accountId: string | null;
  /** Reads the wall clocks of files that are too old for instants; null: nobody said in which zone they were written. */
  readonly readLocal: ReadLocal | null;
}

/** Plain text, or pieces of which some are marked: `{type, text, href}`. */
const textSchema = z.union([
  z.string(),
  z.array(z.union([z.string(), z.object({ type: maybeText, text: z.string().default(''), href: maybeText })])),
]);

/** Digits as text; other exporters write the number. */
const seconds = z
  .union([z.string(), z.number()])
  .nullish()
  .transform((value) => (value === undefined || value === null || value === '' ? null : String(value)));
const peerText = z.union([z.string(), z.number()]).transform(String).nullish();

const messageSchema = mediaSchema.extend({
  id: idText,
  type: z.string(),
  date: maybeText,
  date_unixtime: seconds,
  edited: maybeText,
  edited_unixtime: seconds,
  from: maybeText,
  from_id: peerText,
  actor: maybeText,
  actor_id: peerText,
  action: maybeText,
  text: textSchema.nullish(),
  reply_to_message_id: idText.nullish(),
  reply_to_peer_id: peerText,
  forwarded_from: maybeText,
  author: maybeText,
  via_bot: maybeText,
  sticker_emoji: maybeText,
  duration_seconds: count.nullish(),
  title: maybeText,
  message_id: idText.nullish(),
});

type Row = z.output<typeof messageSchema>;

/** `chat_key` and id with a space between them; null: it has no such key. */
export function keyOfMessage({ chat, message }: ExportedMessage): string | null {
  const row = z.object({ id: idText }).safeParse(message).data;
  if (row === undefined) return null;
  try {
    return `${identifyChat(chat).chatKey} ${row.id}`;
  } catch {
    return null;
  }
}

/** Throws `record.invalid`; `usage.invalid` for a wall clock without a zone. */
export function toMessage({ chat, message }: ExportedMessage, reading: ExportReading): MessageRecord {
  const identity = identifyChat(chat);
  const row = parseRecord(messageSchema, message);
  const sentAt = sentAtOf(row, reading);
  const editedAt = editedAtOf(row, sentAt, reading);
  const written = row.from_id ?? row.actor_id ?? null;
  const sender = written === null ? null : senderId(written, chat.idForm);
  const isService = row.type === 'service';
  const direction = isService ? null : directionOf(sender, identity, reading);
  return {
    chatKey: identity.chatKey,
    platformMessageId: row.id,
    direction,
    role: isService ? 'system' : 'user',
    senderType: isService ? 'system' : null,
    senderId: sender,
    senderName: row.from ?? row.actor,
    content: textOf(row),
    attachments: attachmentsOf(row),
    status: direction === 'outbound' ? 'sent' : 'received',
    sentAt,
    editedAt,
    messageType: isService ? row.action : messageTypeOf(row),
    // An id of another chat would point to a wrong message of this one.
    replyToId: row.reply_to_peer_id == null ? (row.reply_to_message_id ?? null) : null,
    details: detailsOf(row),
    sourceUpdatedAt: editedAt ?? sentAt,
  };
}

const MAX_UNIX_S = 8_640_000_000_000;

function unixTime(text: string, path: string): Date {
  const seconds = /^\d{1,13}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= MAX_UNIX_S) return new Date(seconds * 1_000);
  throw new AppError('record.invalid', `${path}: expected seconds since 1970`, { details: { path } });
}

/** Null: there is none, or (of an edit) the clock stands at 1970, which older exporters wrote for "never". */
function localTime(text: string | null, path: string, { readLocal }: ExportReading): Date | null {
  if (text === null) return null;
  if (readLocal === null) {
    throw new AppError('usage.invalid', 'this export has local times only: say in which zone it was made (--timezone)');
  }
  const at = readLocal(text);
  if (at === null) throw new AppError('record.invalid', `${path}: expected a time`, { details: { path } });
  return at;
}

function sentAtOf(row: Row, reading: ExportReading): Date {
  if (row.date_unixtime !== null) return unixTime(row.date_unixtime, 'date_unixtime');
  const at = localTime(row.date, 'date', reading);
  if (at !== null) return at;
  const expected = row.type === 'unsupported' ? 'a message that the exporting program knew' : 'a date';
  throw new AppError('record.invalid', `date_unixtime: expected ${expected}`, { details: { path: 'date_unixtime' } });
}

function editedAtOf(row: Row, sentAt: Date, reading: ExportReading): Date | null {
  const at =
    row.edited_unixtime === null
      ? localTime(row.edited, 'edited', reading)
      : row.edited_unixtime === '0'
        ? null
        : unixTime(row.edited_unixtime, 'edited_unixtime');
  return at !== null && at >= sentAt ? at : null;
}

/** As the connected account sees it; in a chat of two that it is not in, as the one who made the export. */
function directionOf(
  sender: string | null,
  chat: ChatIdentity,
  { accountId }: ExportReading,
): MessageRecord['direction'] {
  if (chat.type === 'saved_messages') return 'outbound';
  if (sender === null) return null;
  const isChat = sender === chat.peerId;
  if (isPair(chat)) return isChat === (chat.peerId === accountId) ? 'outbound' : 'inbound';
  // A channel's posts and those of hidden administrators are in the chat's own name.
  if (isChat) return null;
  return sender === accountId ? 'outbound' : 'inbound';
}

function textOf({ text }: Row): string | null {
  if (text == null) return null;
  const whole =
    typeof text === 'string' ? text : text.map((part) => (typeof part === 'string' ? part : part.text)).join('');
  return whole === '' ? null : whole;
}

/** Where marked words lead when they do not say it themselves. */
function linksOf({ text }: Row): readonly string[] {
  if (text == null || typeof text === 'string') return [];
  return text.flatMap((part) => (typeof part === 'string' || part.href === null ? [] : [part.href]));
}

function detailsOf(row: Row): Details {
  const links = linksOf(row);
  const facts = {
    forwardedFrom: row.forwarded_from,
    author: row.author,
    viaBot: row.via_bot,
    stickerEmoji: row.sticker_emoji,
    durationSeconds: row.duration_seconds,
    placeName: row.place_name,
    replyToPeerId: row.reply_to_peer_id,
    // Of a service message: the new name of a group, the message that was pinned.
    title: row.title,
    messageId: row.message_id,
    links: links.length === 0 ? null : links,
  };
  return { importedFrom: SOURCE, ...Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact != null)) };
}
