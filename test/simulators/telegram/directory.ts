// People and chats of the simulated Telegram, the same for every bot, and what was said in them.

import type { ChatType, TelegramChat, TelegramMessage, TelegramUser } from './model.ts';

export interface Member {
  readonly user: TelegramUser;
  status: 'creator' | 'administrator' | 'member' | 'left' | 'kicked';
}

export interface ChatEntry {
  readonly chat: TelegramChat;
  readonly members: Map<number, Member>;
  /** Id of the supergroup that this group became. */
  migratedTo: number | null;
}

export interface NewPerson {
  readonly id?: number;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly username?: string;
  readonly languageCode?: string;
}

export interface Person {
  readonly user: TelegramUser;
  /** The private chat of a bot with this person: the same id. */
  readonly chat: TelegramChat;
}

export interface NewGroup {
  readonly id?: number;
  readonly type?: Exclude<ChatType, 'private'>;
  readonly title?: string;
  readonly username?: string;
  /** The first one created it. */
  readonly members?: readonly TelegramUser[];
}

/** Past 2^31 and 2^32, as the real ones are. */
const FIRST_PERSON = 5_000_000_001;
const FIRST_GROUP = 4_000_000_001;
const FIRST_SUPERGROUP = 1_002_000_000_001;

export class Directory {
  readonly #chats = new Map<number, ChatEntry>();
  readonly #messages = new Map<string, Map<number, TelegramMessage>>();
  readonly #lastIds = new Map<string, number>();

  addPerson({
    id = FIRST_PERSON + this.#chats.size,
    firstName = `Person ${id % 1_000}`,
    ...rest
  }: NewPerson = {}): Person {
    const names = {
      first_name: firstName,
      ...(rest.lastName !== undefined && { last_name: rest.lastName }),
      ...(rest.username !== undefined && { username: rest.username }),
    };
    const language = rest.languageCode === undefined ? {} : { language_code: rest.languageCode };
    const user: TelegramUser = { id, is_bot: false, ...names, ...language };
    const chat: TelegramChat = { id, type: 'private', ...names };
    this.#add(chat, [{ user, status: 'member' }]);
    return { user, chat };
  }

  addGroup({ type = 'group', members = [], ...rest }: NewGroup = {}): TelegramChat {
    const id = rest.id ?? -((type === 'group' ? FIRST_GROUP : FIRST_SUPERGROUP) + this.#chats.size);
    const chat: TelegramChat = {
      id,
      type,
      title: rest.title ?? `Group ${-id % 1_000}`,
      ...(rest.username !== undefined && { username: rest.username }),
    };
    this.#add(
      chat,
      members.map((user, index) => ({ user, status: index === 0 ? 'creator' : 'member' })),
    );
    return chat;
  }

  /** A group becomes a supergroup with another id and the same people; the old one stays to be read. */
  migrate(group: TelegramChat): TelegramChat {
    const old = this.entry(group.id);
    if (old === undefined || old.chat.type !== 'group') throw new Error(`expected a basic group, got ${group.id}`);
    const chat = this.addGroup({ type: 'supergroup', ...(old.chat.title !== undefined && { title: old.chat.title }) });
    for (const [id, member] of old.members) this.entry(chat.id)!.members.set(id, member);
    old.migratedTo = chat.id;
    return chat;
  }

  /** By id, by the text of one, or by `@username`. */
  entry(chat: number | string): ChatEntry | undefined {
    const isName = typeof chat === 'string' && chat.startsWith('@');
    if (!isName) return this.#chats.get(Number(chat));
    const name = chat.slice(1).toLowerCase();
    // A person is not found by name, only a public group or channel is.
    return [...this.#chats.values()].find(
      ({ chat: { type, username } }) => type !== 'private' && username?.toLowerCase() === name,
    );
  }

  /** Ids of messages are counted for each space: see `spaceOf`. */
  nextMessageId(space: string): number {
    const id = (this.#lastIds.get(space) ?? 0) + 1;
    this.#lastIds.set(space, id);
    return id;
  }

  keep(space: string, message: TelegramMessage): void {
    let messages = this.#messages.get(space);
    if (messages === undefined) this.#messages.set(space, (messages = new Map<number, TelegramMessage>()));
    messages.set(message.message_id, message);
  }

  message(space: string, id: number): TelegramMessage | undefined {
    return this.#messages.get(space)?.get(id);
  }

  #add(chat: TelegramChat, members: readonly Member[]): void {
    if (this.#chats.has(chat.id)) throw new Error(`expected a new chat, got ${chat.id} again`);
    this.#chats.set(chat.id, {
      chat,
      members: new Map(members.map((member) => [member.user.id, member])),
      migratedTo: null,
    });
  }
}

/** Where ids of messages are unique: a group for all, a private chat for each bot, a business chat for each connection. */
export function spaceOf(botId: number, chat: TelegramChat, businessConnectionId?: string): string {
  if (businessConnectionId !== undefined) return `business ${businessConnectionId} ${chat.id}`;
  return chat.type === 'private' ? `${botId} ${chat.id}` : `${chat.id}`;
}
