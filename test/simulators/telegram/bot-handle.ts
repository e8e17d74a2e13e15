// What a test holds of a bot: its credential, its queue, and the world around it.

import type { Bot, Platform, Trouble } from './bot.ts';
import type { Bots } from './bots.ts';
import { createBusiness, type Business } from './business.ts';
import type { NewFile, StoredFile } from './files.ts';
import { fieldsOf, type MediaKind } from './media.ts';
import type { NewUpdate, TelegramMessage, TelegramUser } from './model.ts';
import type { Subscription } from './update-kinds.ts';
import { createWorld, type ChatRef, type World } from './world.ts';

export interface TelegramBot extends World, Business {
  readonly id: number;
  readonly user: TelegramUser;
  /** Throws when it is revoked. */
  readonly token: string;
  /** The credentials JSON of an integration. */
  readonly credentials: { readonly bot_token: string };
  /** The owner revokes the token: 401 from now on. */
  revoke(): void;
  /** A token of the same bot; the old one is revoked. */
  reissue(): string;
  /** Kinds that were asked for by name; null: all but those on demand. */
  readonly subscription: Subscription;
  /** Updates that wait. */
  readonly pending: number;
  /** Id that the next update gets. */
  readonly nextUpdateId: number;
  /** Puts an update of any shape into the queue; null: the bot does not want it, or the queue is full. */
  receive(update: NewUpdate): number | null;
  /** The next id is `to`, lower or higher, as after a week of silence; what waited is gone. */
  resetIds(next: { readonly to: number }): void;
  /** Resolves as soon as a long poll waits. */
  untilPolling(): Promise<void>;
  readonly webhookUrl: string;
  /** From now on the bot cannot write to the chat; null: it can again. */
  trouble(chat: ChatRef, trouble: Trouble | null): void;
  addFile(file?: NewFile): StoredFile;
  /** Fields of a message with this file, for `say(chat, { with: bot.media('document', file) })`. */
  media(kind: MediaKind, file?: StoredFile): Readonly<Record<string, unknown>>;
  /** Everything that was accepted of it, oldest first. */
  readonly sent: readonly TelegramMessage[];
}

export function createBotHandle(platform: Platform, bots: Bots, bot: Bot): TelegramBot {
  const tokenOf = (): string => {
    if (bot.token === null) throw new Error(`expected a bot with a token: ${bot.user.id} is revoked`);
    return bot.token;
  };
  const addFile = (file?: NewFile): StoredFile => platform.files.add(bot.user.id, file);
  return {
    ...createWorld(platform, bot),
    ...createBusiness(platform, bot),
    id: bot.user.id,
    user: bot.user,
    sent: bot.sent,
    get token() {
      return tokenOf();
    },
    get credentials() {
      return { bot_token: tokenOf() };
    },
    get subscription() {
      return bot.updates.subscription;
    },
    get pending() {
      return bot.updates.queue.live().length;
    },
    get nextUpdateId() {
      return bot.updates.queue.nextId;
    },
    get webhookUrl() {
      return bot.webhook.url;
    },
    revoke: () => void (bot.token = null),
    reissue: () => bots.reissue(bot),
    receive: (update) => bot.updates.tell(update),
    resetIds: ({ to }) => bot.updates.queue.resetIds(to),
    untilPolling: () => bot.polling.untilWaiting(),
    trouble: (chat, trouble) => {
      const id = typeof chat === 'number' ? chat : chat.id;
      if (trouble === null) bot.troubles.delete(id);
      else bot.troubles.set(id, trouble);
    },
    addFile,
    media: (kind, file = addFile()) => fieldsOf(kind, file),
  };
}
