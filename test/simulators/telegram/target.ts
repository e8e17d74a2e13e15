// The chat that a call means, or why the bot cannot use it.

import type { Call, Trouble } from './bot.ts';
import type { ChatEntry } from './directory.ts';
import { badRequest, forbidden, type TelegramFailure } from './failure.ts';
import type { BusinessConnection, TelegramChat } from './model.ts';
import { textIn } from './parameters.ts';

/** Throws the refusal of a chat that is unknown, moved, or closed to the bot. */
export function chatIn({ platform, bot, parameters }: Call): ChatEntry {
  const asked = textIn(parameters, 'chat_id');
  if (asked === '') throw badRequest('chat_id is empty');
  const entry = platform.directory.entry(asked);
  if (entry === undefined) throw badRequest('chat not found');
  if (entry.migratedTo !== null)
    throw badRequest('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: entry.migratedTo });
  const trouble = bot.troubles.get(entry.chat.id);
  if (trouble !== undefined) throw refusalOf(trouble, entry.chat);
  return entry;
}

/** The connection in whose name the bot writes; undefined: in its own. */
export function businessIn({ bot, parameters }: Call): BusinessConnection | undefined {
  const id = textIn(parameters, 'business_connection_id');
  if (id === '') return undefined;
  const connection = bot.businesses.get(id);
  if (connection?.is_enabled !== true) throw badRequest('business connection not found');
  return connection;
}

function refusalOf(trouble: Trouble, { type }: TelegramChat): TelegramFailure {
  switch (trouble) {
    case 'blocked':
      return forbidden('bot was blocked by the user');
    case 'deactivated':
      return forbidden('user is deactivated');
    case 'not_started':
      return forbidden("bot can't initiate conversation with a user");
    case 'kicked':
      return forbidden(`bot was kicked from the ${type} chat`);
    case 'not_member':
      return forbidden(`bot is not a member of the ${type} chat`);
    case 'no_rights':
      return badRequest('not enough rights to send text messages to the chat');
  }
}
