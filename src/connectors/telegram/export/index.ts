// What a user's own Telegram Desktop writes of his past, as a file to import beside what a bot receives: a bot is told nothing of
// what was said before it came.

import type { TalkFile } from '../../contract/talk-file.ts';
import { SOURCE, toConversation } from './chats.ts';
import { localTimeIn } from './local-time.ts';
import { keyOfMessage, toMessage } from './messages.ts';
import { readExport, type ExportedChat, type ExportedMessage } from './read-export.ts';

export interface TelegramExportOptions {
  /** Id of the connected bot; null: not known. */
  readonly accountId: string | null;
  /** IANA zone of the machine that made the export; needed for files of before autumn 2021 only. */
  readonly timezone?: string;
}

/** Throws RangeError for an unknown zone. */
export function telegramExport({ accountId, timezone }: TelegramExportOptions): TalkFile {
  const reading = { accountId, readLocal: timezone === undefined ? null : localTimeIn(timezone) };
  return {
    source: SOURCE,
    pages: readExport,
    parseTalk: (raw) => toConversation(raw as ExportedChat),
    parseMessage: (raw) => toMessage(raw as ExportedMessage, reading),
    keyOf: (raw) => keyOfMessage(raw as ExportedMessage),
  };
}
