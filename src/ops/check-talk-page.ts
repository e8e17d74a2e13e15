// A page of a talk out of a file → what may be stored of it, and why the rest may not.

import type { AppError } from '../core/errors.ts';
import type { ConversationRecord, MessageRecord } from '../core/records.ts';
import type { TalkFile, TalkPage } from '../connectors/contract/talk-file.ts';
import { tableOf } from '../store/record-tables/tables.ts';
import { validatePage, type BadRecord, type Candidate } from '../sync/validate.ts';
import type { Problem } from './import-counts.ts';

/** The stream under which records of files are put into quarantine. */
export const STREAM = 'history';

export interface CheckedPage {
  /** Null: it could not be read, nor could any of its messages. */
  readonly talk: ConversationRecord | null;
  readonly messages: readonly Candidate[];
  readonly bad: readonly BadRecord[];
  readonly duplicates: number;
  readonly problems: readonly Problem[];
  /** Of the newest message. */
  readonly lastMessageAt: Date | null;
  readonly pathOf: (raw: unknown) => string;
}

export function problemOf(path: string, { message, details }: AppError): Problem {
  const { path: member } = details;
  const isNamed = typeof member === 'string' && member !== '';
  // Most messages begin with the member that they are about.
  const reason = isNamed && message.startsWith(`${member}: `) ? message.slice(member.length + 2) : message;
  return { path: isNamed ? `${path}.${member}`.replace(/^\./, '') : path, reason };
}

/** Throws what `file` throws of the file as a whole. */
export function checkTalkPage(file: TalkFile, { talk, messages }: TalkPage): CheckedPage {
  const paths = new Map(messages.map(({ raw, path }) => [raw, path]));
  const pathOf = (raw: unknown): string => paths.get(raw) ?? '';
  const talks = validatePage(
    { name: STREAM, parse: (raw) => file.parseTalk(raw), keyOf: () => null },
    tableOf('conversation'),
    { records: [talk.raw] },
  );
  const checked = validatePage(
    { name: STREAM, parse: (raw) => file.parseMessage(raw), keyOf: (raw) => file.keyOf(raw) },
    tableOf('message'),
    { records: messages.map(({ raw }) => raw) },
  );
  const [badTalk] = talks.bad;
  return {
    talk: (talks.good[0]?.record as ConversationRecord | undefined) ?? null,
    messages: checked.good,
    bad: checked.bad,
    duplicates: checked.duplicates,
    // What is wrong with a talk is wrong with all its messages.
    problems:
      badTalk === undefined
        ? checked.bad.map(({ raw, error }) => problemOf(pathOf(raw), error))
        : [problemOf(talk.path, badTalk.error)],
    lastMessageAt: newestOf(checked.good.map(({ record }) => (record as MessageRecord).sentAt)),
    pathOf,
  };
}

export function newestOf(instants: readonly (Date | null)[]): Date | null {
  return instants.reduce<Date | null>(
    (newest, at) => (at !== null && (newest === null || at > newest) ? at : newest),
    null,
  );
}
