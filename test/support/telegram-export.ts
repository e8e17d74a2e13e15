// Files as Telegram Desktop writes them, made up: of a chat or of an account, in the order and with the words of the real ones.

import type { ConversationRecord, MessageRecord } from '../../src/core/records.ts';
import type { TalkFile, TalkPage } from '../../src/connectors/contract/talk-file.ts';
import { telegramExport } from '../../src/connectors/telegram/export/index.ts';

export type Raw = Readonly<Record<string, unknown>>;

/** 2026-05-03T10:00:00Z */
export const BEGIN_S = 1_777_802_400;

export interface MessageOptions {
  readonly id?: number;
  /** Seconds after `BEGIN_S`. */
  readonly at?: number;
  readonly [member: string]: unknown;
}

export function message({ id = 1, at = id, ...given }: MessageOptions = {}): Raw {
  const seconds = BEGIN_S + at;
  return {
    id,
    type: 'message',
    date: new Date(seconds * 1_000).toISOString().slice(0, 19),
    date_unixtime: String(seconds),
    from: 'Ada',
    from_id: 'user77',
    text: `text ${id}`,
    text_entities: [{ type: 'plain', text: `text ${id}` }],
    ...given,
  };
}

export function chat(messages: readonly unknown[], given: Raw = {}): Raw {
  return { name: 'Team', type: 'private_supergroup', id: 1_234_567_890, ...given, messages };
}

export function account(chats: readonly unknown[], left: readonly unknown[] = []): Raw {
  return {
    about: 'Here is the data you requested, {"messages": [1]} and so on.',
    personal_information: { user_id: 77, first_name: 'Ada', messages: [{ id: 9 }] },
    contacts: { about: '', list: [{ user_id: 5, name: 'x', messages: [] }] },
    chats: { about: 'chats', list: chats },
    left_chats: { about: 'left', list: left },
  };
}

export const bytesOf = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value, null, 1));

/** `bytes` cut at `cuts`. */
export async function* cut(bytes: Uint8Array, cuts: readonly number[] = []): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const at of [...cuts, bytes.length]) {
    yield bytes.subarray(from, at);
    from = at;
  }
  await Promise.resolve();
}

export interface ReadFile {
  readonly pages: readonly TalkPage[];
  readonly error: unknown;
}

/** All pages and, of a broken file, the error that came after them. */
export async function readAll(chunks: AsyncIterable<Uint8Array>, file: TalkFile = exportFile()): Promise<ReadFile> {
  const pages: TalkPage[] = [];
  try {
    for await (const page of file.pages(chunks)) pages.push(page);
    return { pages, error: null };
  } catch (error) {
    return { pages, error };
  }
}

export function exportFile(options: { readonly accountId?: string; readonly timezone?: string } = {}): TalkFile {
  const { accountId = null, ...rest } = options;
  return telegramExport({ accountId, ...rest });
}

/** Everything of a file that can be read. */
export interface Parsed {
  readonly talks: readonly ConversationRecord[];
  readonly messages: readonly MessageRecord[];
}

export async function parse(value: unknown, options: Parameters<typeof exportFile>[0] = {}): Promise<Parsed> {
  const file = exportFile(options);
  const { pages, error } = await readAll(cut(bytesOf(value)), file);
  if (error !== null) throw error;
  return {
    talks: pages.map(({ talk }) => file.parseTalk(talk.raw)),
    messages: pages.flatMap((page) => page.messages.map(({ raw }) => file.parseMessage(raw))),
  };
}

/** The only message of a chat. */
export async function one(given: MessageOptions, inChat: Raw = {}, options = {}): Promise<MessageRecord> {
  const { messages } = await parse(chat([message(given)], inChat), options);
  return messages[0]!;
}
