// The beginning of a chat in an export → conversation.

import { z } from 'zod';
import type { ConversationRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { idText, maybeText } from '../../toolkit/scalars.ts';
import { bareId, botApiId, type PeerKind } from './ids.ts';
import type { ExportedChat } from './read-export.ts';

/** In `details.importedFrom` of everything out of an export. */
export const SOURCE = 'telegram_desktop';
/** Before the id in the keys of chats whose messages the exporting account counts for itself. */
export const APART = 'history';

interface ChatType {
  readonly peer: PeerKind;
  readonly kind: ConversationRecord['kind'];
}

const DIRECT: ChatType = { peer: 'user', kind: 'direct' };
const CHANNEL: ChatType = { peer: 'channel', kind: 'channel' };
const SUPERGROUP: ChatType = { peer: 'channel', kind: 'group' };

/** Telegram Desktop's words (`export_output_json.cpp`, read 2026-10). */
const TYPES = {
  saved_messages: DIRECT,
  replies: DIRECT,
  verify_codes: DIRECT,
  personal_chat: DIRECT,
  bot_chat: DIRECT,
  private_group: { peer: 'group', kind: 'group' },
  private_supergroup: SUPERGROUP,
  public_supergroup: SUPERGROUP,
  private_channel: CHANNEL,
  public_channel: CHANNEL,
} as const satisfies Record<string, ChatType>;

const headerSchema = z.object({
  type: z.enum(Object.keys(TYPES) as (keyof typeof TYPES)[]),
  id: idText.refine((id) => /^\d+$/.test(id), 'expected the digits of an id'),
  /** Null for a deleted account. */
  name: maybeText,
});

/** Who is at the other end, by the Bot API's ids. */
export interface ChatIdentity extends ChatType {
  readonly peerId: string;
  readonly chatKey: string;
  readonly type: keyof typeof TYPES;
  readonly name: string | null;
}

/** Throws `record.invalid`. */
export function identifyChat({ header, idForm }: ExportedChat): ChatIdentity {
  const { type, id, name } = parseRecord(headerSchema, header);
  const chatType: ChatType = TYPES[type];
  const peerId = botApiId(chatType.peer, bareId(id, idForm));
  // Numbers of messages are everybody's in supergroups and channels. Anywhere else each account counts for itself, so the numbers of
  // whoever made the export are not the bot's: such a chat is kept apart.
  const chatKey = chatType.peer === 'channel' ? peerId : `${APART}/${peerId}`;
  return { ...chatType, peerId, chatKey, type, name };
}

/** With two in it: the account and somebody else. */
export function isPair({ type }: Pick<ChatIdentity, 'type'>): boolean {
  return type === 'personal_chat' || type === 'bot_chat';
}

/** Throws `record.invalid`. */
export function toConversation(chat: ExportedChat): ConversationRecord {
  const identity = identifyChat(chat);
  const { chatKey, peerId, kind, type, name } = identity;
  return {
    chatKey,
    kind,
    title: name,
    topic: null,
    participants: isPair(identity) ? [{ id: peerId, name }] : [],
    upworkContractId: null,
    unreadCount: null,
    isHidden: false,
    lastMessageAt: null,
    lastReadAt: null,
    startedAt: null,
    details: { importedFrom: SOURCE, type, ...(chat.isLeft ? { isLeft: true } : {}) },
    sourceUpdatedAt: null,
  };
}
