// A file with which a platform gave a user his own past: what no API gives out. Read page by page, whatever its size, beside
// what the integration receives.

import type { ConversationRecord, MessageRecord } from '../../core/records.ts';

/** Something of a file, as it came. */
export interface FileRecord {
  /** Where it is in the file: `chats.list.3.messages.17`. */
  readonly path: string;
  readonly raw: unknown;
}

/** Messages of one talk that follow one another in the file. A talk has at least one page, and no other talk's between its own. */
export interface TalkPage {
  readonly talk: FileRecord;
  /** At most 1,000; none of a talk in which nothing was said. */
  readonly messages: readonly FileRecord[];
  /** How much of the file was read for all pages so far. */
  readonly readBytes: number;
}

export interface TalkFile {
  /** Which kind of file it is; in `details.importedFrom` of every record out of it. */
  readonly source: string;
  /**
   * Throws `import.file_invalid` with the byte when the file is no such file, or where it stops being one; what was yielded before
   * is right. Throws `usage.invalid` when it cannot be read without something that was not said.
   */
  pages(chunks: AsyncIterable<Uint8Array>): AsyncIterable<TalkPage>;
  /** Throws `record.invalid`, of which no message quotes the record. `lastMessageAt` is for the importer to say. */
  parseTalk(raw: unknown): ConversationRecord;
  /** As `parseTalk`. */
  parseMessage(raw: unknown): MessageRecord;
  /** Natural key of a raw message; null when it has none. */
  keyOf(raw: unknown): string | null;
}
