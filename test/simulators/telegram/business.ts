// Business mode: a person lets the bot read and write in his or her own private chats. Their ids are the same as in the bot's
// own chats, but they are others.

import type { Bot, Platform } from './bot.ts';
import { spaceOf, type Person } from './directory.ts';
import { unixSeconds, type BusinessConnection, type TelegramMessage } from './model.ts';
import type { Said } from './world.ts';

export interface NewConnection {
  /** Default: another one for each call. The same again changes the connection. */
  readonly id?: string;
  readonly isEnabled?: boolean;
  readonly canReply?: boolean;
}

export interface Business {
  businessConnect(owner: Person, connection?: NewConnection): BusinessConnection;
  /** `from` is the client unless it is said to be the owner. */
  businessSay(connection: BusinessConnection, client: Person, said?: Said): TelegramMessage;
  /** Messages of one chat are gone; their contents are not told again. */
  businessDelete(connection: BusinessConnection, client: Person, messageIds: readonly number[]): void;
}

export function createBusiness({ time, random, directory }: Platform, bot: Bot): Business {
  const nowSeconds = (): number => unixSeconds(time.now());
  return {
    businessConnect({ user }, { id = `biz${random.int(10 ** 9, 10 ** 12)}`, isEnabled = true, canReply = true } = {}) {
      const connection: BusinessConnection = {
        id,
        user,
        user_chat_id: user.id,
        date: nowSeconds(),
        is_enabled: isEnabled,
        rights: { can_reply: canReply },
      };
      bot.businesses.set(id, connection);
      bot.updates.tell({ business_connection: connection });
      return connection;
    },
    businessSay({ id }, { user, chat }, said = {}) {
      const space = spaceOf(bot.user.id, chat, id);
      const message: TelegramMessage = {
        message_id: said.messageId ?? directory.nextMessageId(space),
        business_connection_id: id,
        from: said.from ?? user,
        chat,
        date: said.date === undefined ? nowSeconds() : unixSeconds(said.date),
        ...(said.text !== undefined && { text: said.text }),
        ...said.with,
      };
      directory.keep(space, message);
      bot.updates.tell({ business_message: message });
      return message;
    },
    businessDelete({ id }, { chat }, messageIds) {
      bot.updates.tell({
        deleted_business_messages: { business_connection_id: id, chat, message_ids: [...messageIds] },
      });
    },
  };
}
