// What people do in the simulated Telegram, as one bot gets to know of it. Everything goes through the bot's subscription and
// queue, so it may be told, dropped, or never heard of.

import type { Bot, Platform } from './bot.ts';
import { spaceOf, type ChatEntry, type Member } from './directory.ts';
import { unixSeconds, type NewUpdate, type TelegramChat, type TelegramMessage, type TelegramUser } from './model.ts';
import { memberBody } from './reading.ts';

export interface Said {
  readonly text?: string;
  /** Default: the person of a private chat, the first member of a group, nobody in a channel. */
  readonly from?: TelegramUser;
  readonly date?: Date;
  readonly messageId?: number;
  /** Any other field of a message: `{ caption, photo, reply_to_message }`. */
  readonly with?: Readonly<Record<string, unknown>>;
}

export interface Edited {
  readonly text?: string;
  readonly date?: Date;
  readonly with?: Readonly<Record<string, unknown>>;
}

export interface Migrated {
  readonly supergroup: TelegramChat;
  /** Of the old chat, and of the new one. */
  readonly services: readonly [TelegramMessage, TelegramMessage];
}

/** The chat of a person or a group, or its id. */
export type ChatRef = TelegramChat | number;

export interface World {
  /** Makes a message without telling anybody: for updates that a test puts in order itself. */
  compose(chat: ChatRef, said?: Said): TelegramMessage;
  say(chat: ChatRef, said?: Said): TelegramMessage;
  /** Also of a message that the bot has never seen. */
  edit(message: TelegramMessage, edited?: Edited): TelegramMessage;
  /** Photos with one `media_group_id`; nothing says which is the last. */
  album(chat: ChatRef, size: number, said?: Said): readonly TelegramMessage[];
  /** A service message and, for those who asked for it, `chat_member`; of the bot itself `my_chat_member`. */
  join(chat: ChatRef, user: TelegramUser): void;
  leave(chat: ChatRef, user: TelegramUser): void;
  /** A person stops the bot and starts it again: `my_chat_member`, and no message gets there in between. */
  block(chat: ChatRef): void;
  unblock(chat: ChatRef): void;
  /** The group becomes a supergroup; the two service messages come in either order. */
  migrate(group: TelegramChat, order?: 'old first' | 'new first'): Migrated;
  /** A button under a message is pressed. Returns the callback_query. */
  press(message: TelegramMessage, pressed: { readonly from?: TelegramUser; readonly data: string }): object;
  /** Told only to a bot that asked for reactions. */
  react(message: TelegramMessage, reacted: { readonly from?: TelegramUser; readonly emoji: string }): void;
  /** A kind that this client was not made for. Returns its update id. */
  unknownKind(kind?: string, body?: object): number | null;
}

export function createWorld(platform: Platform, bot: Bot): World {
  const scene: Scene = { platform, bot };
  const say: World['say'] = (chat, said) => {
    const message = compose(scene, chat, said);
    if (isVisible(scene, message)) tell(scene, { [kindOfMessage(message)]: message });
    return message;
  };
  return {
    compose: (chat, said) => compose(scene, chat, said),
    say,
    edit: (message, edited) => edit(scene, message, edited),
    album: (chat, size, said) => {
      const group = String(platform.random.int(10 ** 12, 10 ** 13));
      return Array.from({ length: size }, (_, index) =>
        say(chat, { ...said, with: { media_group_id: group, ...photoOf(scene, index), ...said?.with } }),
      );
    },
    join: (chat, user) => changeMember(scene, entryOf(scene, chat), { user, status: 'member' }),
    leave: (chat, user) => changeMember(scene, entryOf(scene, chat), { user, status: 'left' }),
    block: (chat) => changeBot(scene, entryOf(scene, chat), 'kicked'),
    unblock: (chat) => changeBot(scene, entryOf(scene, chat), 'member'),
    migrate: (group, order = 'old first') => migrate(scene, group, order),
    press: (message, { from = authorOf(message), data }) => {
      const query = {
        id: String(platform.random.int(1, 2 ** 52)),
        from,
        message,
        chat_instance: String(message.chat.id * -31),
        data,
      };
      tell(scene, { callback_query: query });
      return query;
    },
    react: (message, { from = authorOf(message), emoji }) => {
      const { chat, message_id } = message;
      const reaction = { old_reaction: [], new_reaction: [{ type: 'emoji', emoji }] };
      tell(scene, { message_reaction: { chat, message_id, user: from, date: nowOf(scene), ...reaction } });
    },
    unknownKind: (kind = 'telepathy', body = { date: nowOf(scene), thought: 'new' }) => tell(scene, { [kind]: body }),
  };
}

interface Scene {
  readonly platform: Platform;
  readonly bot: Bot;
}

const nowOf = ({ platform }: Scene): number => unixSeconds(platform.time.now());
const tell = ({ bot }: Scene, update: NewUpdate): number | null => bot.updates.tell(update);

function entryOf({ platform }: Scene, chat: ChatRef): ChatEntry {
  const id = typeof chat === 'number' ? chat : chat.id;
  const entry = platform.directory.entry(id);
  if (entry === undefined) throw new Error(`expected a chat of this Telegram, got ${id}`);
  return entry;
}

function authorOf({ from }: TelegramMessage): TelegramUser {
  if (from === undefined) throw new Error('expected `from`: the message has no author');
  return from;
}

function compose(scene: Scene, ref: ChatRef, said: Said = {}): TelegramMessage {
  const { platform, bot } = scene;
  const { chat, members } = entryOf(scene, ref);
  const space = spaceOf(bot.user.id, chat);
  const [first] = [...members.values()].filter(({ user }) => !user.is_bot);
  const from = said.from ?? (chat.type === 'channel' ? undefined : first?.user);
  const message: TelegramMessage = {
    message_id: said.messageId ?? platform.directory.nextMessageId(space),
    ...(from === undefined ? { sender_chat: chat } : { from }),
    chat,
    date: said.date === undefined ? nowOf(scene) : unixSeconds(said.date),
    ...(said.text !== undefined && { text: said.text }),
    ...said.with,
  };
  platform.directory.keep(space, message);
  return message;
}

function edit(scene: Scene, message: TelegramMessage, edited: Edited = {}): TelegramMessage {
  const { platform, bot } = scene;
  const next: TelegramMessage = {
    ...message,
    edit_date: edited.date === undefined ? nowOf(scene) : unixSeconds(edited.date),
    ...(edited.text !== undefined && { text: edited.text }),
    ...edited.with,
  };
  platform.directory.keep(spaceOf(bot.user.id, message.chat, message.business_connection_id), next);
  if (isVisible(scene, next)) tell(scene, { [`edited_${kindOfMessage(next)}`]: next });
  return next;
}

function kindOfMessage({ chat, business_connection_id: business }: TelegramMessage): string {
  if (business !== undefined) return 'business_message';
  return chat.type === 'channel' ? 'channel_post' : 'message';
}

const SERVICE = [
  'new_chat_members',
  'left_chat_member',
  'migrate_to_chat_id',
  'migrate_from_chat_id',
  'pinned_message',
];

/** A bot never sees what bots say, and in privacy mode only what is meant for it. */
function isVisible({ platform, bot }: Scene, message: TelegramMessage): boolean {
  const { chat, from } = message;
  if (SERVICE.some((name) => name in message)) return true;
  if (from?.is_bot === true) return false;
  if (bot.readsGroups || (chat.type !== 'group' && chat.type !== 'supergroup')) return true;
  if (platform.directory.entry(chat.id)?.members.get(bot.user.id)?.status === 'administrator') return true;
  const text = typeof message['text'] === 'string' ? message['text'] : '';
  const replied = message['reply_to_message'] as TelegramMessage | undefined;
  return text.startsWith('/') || text.includes(`@${bot.user.username}`) || replied?.from?.id === bot.user.id;
}

function photoOf({ platform, bot }: Scene, index: number): object {
  const file = platform.files.add(bot.user.id, {
    name: `photo-${index}.jpg`,
    mimeType: 'image/jpeg',
    folder: 'photos',
  });
  const id = { file_id: file.fileId, file_unique_id: `${file.uniqueId}${index}`, file_size: file.size };
  return { photo: [{ ...id, width: 1280, height: 960 }] };
}

function changeMember(scene: Scene, entry: ChatEntry, member: Member): void {
  const { chat, members } = entry;
  const { user, status } = member;
  const isBot = user.id === scene.bot.user.id;
  const from = isBot ? [...members.values()].find(({ user: { is_bot: is } }) => !is)?.user : user;
  if (chat.type === 'group' || chat.type === 'supergroup') {
    const service = status === 'member' ? { new_chat_members: [user] } : { left_chat_member: user };
    tell(scene, { message: compose(scene, chat, { ...(from && { from }), with: service }) });
  }
  if (isBot) return changeBot(scene, entry, status);
  const change = memberChange(entry, member);
  tell(scene, { chat_member: { chat, from: user, date: nowOf(scene), ...change } });
}

/** The bot itself comes, goes, or is thrown out. */
function changeBot(scene: Scene, entry: ChatEntry, status: Member['status']): void {
  const { bot } = scene;
  const { chat, members } = entry;
  const [first] = [...members.values()].filter(({ user }) => !user.is_bot);
  const change = memberChange(entry, { user: bot.user, status });
  if (status === 'member') bot.troubles.delete(chat.id);
  else if (status === 'kicked') bot.troubles.set(chat.id, chat.type === 'private' ? 'blocked' : 'kicked');
  else bot.troubles.set(chat.id, 'not_member');
  tell(scene, { my_chat_member: { chat, from: first?.user ?? bot.user, date: nowOf(scene), ...change } });
}

function memberChange({ chat, members }: ChatEntry, member: Member): object {
  const { user } = member;
  // Whoever has a private chat with the bot let it in; nobody is in a group before joining it.
  const old: Member = members.get(user.id) ?? { user, status: chat.type === 'private' ? 'member' : 'left' };
  members.set(user.id, member);
  return { old_chat_member: memberBody(old), new_chat_member: memberBody(member) };
}

function migrate(scene: Scene, group: TelegramChat, order: 'old first' | 'new first'): Migrated {
  const supergroup = scene.platform.directory.migrate(group);
  const old = compose(scene, group, { with: { migrate_to_chat_id: supergroup.id } });
  const fresh = compose(scene, supergroup, { with: { migrate_from_chat_id: group.id } });
  for (const message of order === 'old first' ? [old, fresh] : [fresh, old]) tell(scene, { message });
  return { supergroup, services: [old, fresh] };
}
