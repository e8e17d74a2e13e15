// Events as they came → what is to be stored of them. What cannot be read never stops its lane. Records of one key become one,
// because a statement cannot write a row twice.

import { AppError, reportOf, type ErrorReport } from '../core/errors.ts';
import type { SourceRecord } from '../core/source-record.ts';
import type { EventRecords, Inbox } from '../connectors/contract/events.ts';
import type { WaitingEvent } from '../store/inbox.ts';
import { cleanRecord } from '../sync/clean-text.ts';

export interface ReadEvents {
  readonly records: Required<EventRecords>;
  readonly refused: readonly { readonly id: string; readonly error: ErrorReport }[];
}

type Lists = { -readonly [K in keyof EventRecords]-?: NonNullable<EventRecords[K]>[number][] };

const nothing = (): Lists => ({
  conversations: [],
  messages: [],
  members: [],
  events: [],
  statuses: [],
  removed: [],
  migrations: [],
});

export function readEvents(inbox: Inbox, events: readonly WaitingEvent[]): ReadEvents {
  const lists = nothing();
  const refused: { id: string; error: ErrorReport }[] = [];
  for (const event of events) {
    try {
      addAll(lists, readEvent(inbox, event));
    } catch (error) {
      refused.push({ id: event.id, error: reportOf(toRecordError(error)) });
    }
  }
  return { records: { ...lists, ...foldedOf(lists) }, refused };
}

/** The whole event or nothing of it. */
function readEvent(inbox: Inbox, { id: _id, ...event }: WaitingEvent): Lists {
  const lists = nothing();
  addAll(lists, inbox.read(event));
  return lists;
}

function addAll(to: Lists, from: EventRecords): void {
  for (const name of Object.keys(to) as (keyof Lists)[]) {
    const records = (from[name] ?? []) as readonly object[];
    (to[name] as object[]).push(...records.map((record) => cleanRecord(record).value));
  }
}

function foldedOf({ conversations, messages, members, events }: Lists): Partial<Lists> {
  return {
    conversations: folded(conversations, ({ chatKey }) => chatKey),
    messages: folded(messages, ({ chatKey, platformMessageId }) => `${chatKey} ${platformMessageId}`),
    members: folded(members, ({ chatKey, memberId }) => `${chatKey} ${memberId}`),
    events: folded(events, ({ eventKey }) => eventKey),
  };
}

/** With equal stamps, or none, the later one wins. */
function folded<R extends SourceRecord>(records: readonly R[], keyOf: (record: R) => string): R[] {
  const byKey = new Map<string, R>();
  for (const record of records) {
    const twin = byKey.get(keyOf(record));
    const isOlder =
      twin?.sourceUpdatedAt != null && record.sourceUpdatedAt !== null && record.sourceUpdatedAt < twin.sourceUpdatedAt;
    if (!isOlder) byKey.set(keyOf(record), record);
  }
  return [...byKey.values()];
}

/** What a reader did not foresee is the event's fault too: it is kept, and somebody can look at it. */
function toRecordError(error: unknown): AppError {
  if (error instanceof AppError && error.kind === 'invalid_record') return error;
  const name = error instanceof Error ? error.name : typeof error;
  return new AppError('record.invalid', `the event could not be read (${name})`, { cause: error });
}
