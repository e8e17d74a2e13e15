// The file `result.json` of Telegram Desktop as pages of messages, whether it is of one chat or of a whole account, while its
// bytes come. It holds one page, and looks into nothing but what the ids look like.

import { AppError } from '../../../core/errors.ts';
import type { FileRecord, TalkPage } from '../../contract/talk-file.ts';
import { parseExactJson } from '../../toolkit/exact-json.ts';
import { walkJson, type JsonPart, type JsonPath, type Step } from '../../toolkit/json-walk.ts';
import type { IdForm } from './ids.ts';

/** A chat as the file begins it, with what is only known from its messages. */
export interface ExportedChat {
  readonly header: Readonly<Record<string, unknown>>;
  readonly idForm: IdForm;
  /** Of a chat that the account has left. */
  readonly isLeft: boolean;
}

/** A message with the chat that it was said in. */
export interface ExportedMessage {
  readonly chat: ExportedChat;
  readonly message: unknown;
}

const MAX_MESSAGES = 1_000;
/** A page is in memory several times over: as text, as objects, as rows. */
const MAX_PAGE_CHARS = 1024 * 1024;

const HEADER: ReadonlySet<unknown> = new Set(['name', 'type', 'id']);
const LISTS: ReadonlySet<unknown> = new Set(['chats', 'left_chats']);
/** How deep the members of a chat lie in a file of an account: `chats.list.3`. */
const CHAT_DEPTH = 3;

/** Throws `import.file_invalid`. */
export async function* readExport(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TalkPage> {
  const pages = new Pages();
  try {
    for await (const part of walkJson(chunks, stepAt)) {
      const page = part.kind === 'value' ? pages.addValue(part) : pages.addEnd(part);
      if (page !== null) yield page;
    }
  } catch (error) {
    // What came before the place where the file ends too early is as good as the rest.
    const page = pages.rest();
    if (page !== null) yield page;
    throw error;
  }
  if (!pages.hasBegun) {
    throw new AppError(
      'import.file_invalid',
      'expected result.json of Telegram Desktop, got JSON without chats and messages',
    );
  }
}

/** In a file of an account the chats are lists; otherwise the file is the chat. */
function chatDepthOf(path: JsonPath): number {
  return LISTS.has(path[0]) ? CHAT_DEPTH : 0;
}

function stepAt(path: JsonPath): Step {
  const depth = chatDepthOf(path);
  if (path.length <= depth) return path.length === 2 && path[1] !== 'list' ? 'pass' : 'enter';
  const [member, index, ...deeper] = path.slice(depth);
  if (deeper.length > 0) return 'pass';
  if (index !== undefined) return typeof index === 'number' ? 'take' : 'pass';
  if (member === 'messages') return 'enter';
  return HEADER.has(member) ? 'take' : 'pass';
}

type ValuePart = Extract<JsonPart, { kind: 'value' }>;

class Pages {
  hasBegun = false;
  #header: Record<string, unknown> = {};
  /** One program wrote all of the file. */
  #idForm: IdForm | null = null;
  #chatPath: JsonPath = [];
  #messages: { readonly path: string; readonly message: unknown }[] = [];
  #chars = 0;
  #readBytes = 0;
  /** Whether the chat in hand has had a page. */
  #hasPage = false;

  /** A page that is full. */
  addValue({ path, text, endsAt }: ValuePart): TalkPage | null {
    const value = readValue(text);
    const depth = chatDepthOf(path);
    if (path.length === depth + 1) {
      this.#header[String(path[depth])] = value;
      return null;
    }
    this.#messages.push({ path: path.join('.'), message: value });
    this.#chars += text.length;
    this.#chatPath = path.slice(0, depth);
    this.#readBytes = endsAt;
    return this.#messages.length === MAX_MESSAGES || this.#chars >= MAX_PAGE_CHARS ? this.#page() : null;
  }

  /** Messages that no page has yet; null: none. */
  rest(): TalkPage | null {
    return this.#messages.length > 0 ? this.#page() : null;
  }

  /** The last page of a chat. */
  addEnd({ path, endsAt }: Pick<JsonPart, 'path' | 'endsAt'>): TalkPage | null {
    const depth = chatDepthOf(path);
    // Of an account without chats the lists are all that shows what the file is.
    if (depth > 0) this.hasBegun = true;
    if (path.length === depth) this.#forgetChat();
    if (path.length !== depth + 1 || path[depth] !== 'messages') return null;
    this.#chatPath = path.slice(0, depth);
    this.#readBytes = endsAt;
    return this.#messages.length > 0 || !this.#hasPage ? this.#page() : null;
  }

  #page(): TalkPage {
    const { type, id } = this.#header;
    const [chatPath, readBytes] = [this.#chatPath, this.#readBytes];
    if (chatPath.length === 0 && (type === undefined || id === undefined)) {
      const message = 'expected the type and id of the chat before its messages, as Telegram Desktop writes them';
      throw new AppError('import.file_invalid', `byte ${readBytes}: ${message}`);
    }
    this.hasBegun = true;
    this.#hasPage = true;
    const messages = this.#messages;
    this.#idForm ??= idFormOf(messages.map(({ message }) => message));
    const chat: ExportedChat = {
      header: { ...this.#header },
      idForm: this.#idForm ?? 'bare',
      isLeft: chatPath[0] === 'left_chats',
    };
    this.#messages = [];
    this.#chars = 0;
    return {
      talk: { path: chatPath.join('.'), raw: chat },
      messages: messages.map(({ path, message }): FileRecord => ({ path, raw: { chat, message } })),
      readBytes,
    };
  }

  #forgetChat(): void {
    this.#header = {};
    this.#hasPage = false;
  }
}

/** Null: the messages do not show it. Instants came into the file after ids had become bare, and senders' kinds with bare ids. */
function idFormOf(messages: readonly unknown[]): IdForm | null {
  const rows = messages.filter((row): row is Record<string, unknown> => row !== null && typeof row === 'object');
  if (rows.some((row) => 'date_unixtime' in row)) return 'bare';
  const sender = rows.map((row) => row['from_id'] ?? row['actor_id']).find((id) => id !== undefined && id !== null);
  if (sender === undefined) return rows.length === 0 ? null : 'tagged';
  // A number that a double does not hold is text.
  return typeof sender === 'number' || (typeof sender === 'string' && /^\d+$/.test(sender)) ? 'tagged' : 'bare';
}

/** Every escape with its letter. */
const ESCAPES = /\\(?:x([0-9A-Fa-f]{2})|[^])/g;

/** A value that is no JSON although its brackets and quotes are in order comes as its text: a record that nobody can read. */
function readValue(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    // The exporter writes `\x0B` for what JSON calls `\u000B` (`export_output_json.cpp`, read 2026-10).
  }
  try {
    return parseExactJson(
      text.replace(ESCAPES, (escape, hex?: string) => (hex === undefined ? escape : `\\u00${hex}`)),
    );
  } catch {
    return text;
  }
}
