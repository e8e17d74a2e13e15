// Raw records of a page → records to store and records to quarantine. A bad record never stops its page; two records of
// one key become one, because a statement cannot write a row twice.

import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { AnyStream } from '../connectors/contract/connector.ts';
import type { Page } from '../connectors/contract/stream.ts';
import type { RecordTable } from '../store/record-tables/record-table.ts';
import type { AnyRecord } from '../store/record-tables/tables.ts';
import { cleanRecord } from './clean-text.ts';

/** A record that may be stored, beside what it was read from. */
export interface Candidate {
  readonly key: string;
  readonly record: AnyRecord;
  readonly raw: unknown;
}

/** A record for quarantine. */
export interface BadRecord {
  /** Natural key; null when not even that could be read. */
  readonly key: string | null;
  readonly raw: unknown;
  readonly error: AppError;
}

export interface ValidatedPage {
  readonly good: readonly Candidate[];
  readonly bad: readonly BadRecord[];
  readonly duplicates: number;
  readonly cleanedTexts: number;
}

/** Ten times what the contract asks for: a page is one transaction, and another one is held ahead. */
const MAX_PAGE_RECORDS = 10_000;

const progressSchema = z.object({ done: z.number().nonnegative(), total: z.number().nonnegative().nullable() });

type RecordStream = Pick<AnyStream<unknown, unknown>, 'name' | 'parse' | 'keyOf'>;

/** Throws `sync.page_invalid` when the connector's page is no page. */
export function validatePage(
  stream: RecordStream,
  table: RecordTable<AnyRecord>,
  { records, progress }: Pick<Page<unknown>, 'records' | 'progress'>,
): ValidatedPage {
  // It is told in one statement with the progress of other jobs.
  if (progress !== undefined && !progressSchema.safeParse(progress).success) {
    throw new AppError('sync.page_invalid', `expected ${stream.name} to count its progress, got something else`);
  }
  if (!Array.isArray(records)) {
    throw new AppError('sync.page_invalid', `expected a list of records from ${stream.name}, got ${typeof records}`);
  }
  if (records.length > MAX_PAGE_RECORDS) {
    throw new AppError(
      'sync.page_invalid',
      `expected a page of at most ${MAX_PAGE_RECORDS} records from ${stream.name}, got ${records.length}`,
    );
  }
  const byKey = new Map<string, Candidate>();
  const bad: BadRecord[] = [];
  let duplicates = 0;
  let cleanedTexts = 0;
  for (const raw of records as readonly unknown[]) {
    try {
      const { value: record, count } = cleanRecord(stream.parse(raw));
      const key = keyOf(table, record);
      cleanedTexts += count;
      const twin = byKey.get(key);
      if (twin !== undefined) duplicates += 1;
      if (twin === undefined || !isOlder(record, twin.record)) byKey.set(key, { key, record, raw });
    } catch (error) {
      bad.push({ key: safeKeyOf(stream, raw), raw, error: toRecordError(error) });
    }
  }
  return { good: [...byKey.values()], bad, duplicates, cleanedTexts };
}

function keyOf(table: RecordTable<AnyRecord>, record: AnyRecord): string {
  const key: unknown = table.keyOf(record);
  if (typeof key !== 'string' || key === '') {
    throw new AppError('record.invalid', 'expected a key, got none', {
      details: { path: table.keyColumns.join(', ') },
    });
  }
  return key;
}

function safeKeyOf(stream: RecordStream, raw: unknown): string | null {
  try {
    const key = stream.keyOf(raw);
    return key === null || key === '' ? null : key;
  } catch {
    // A raw value that even this trips over has no key; its own error is already in hand.
    return null;
  }
}

/** With equal stamps, or none, the later record of the page wins. */
function isOlder(record: AnyRecord, than: AnyRecord): boolean {
  return (
    record.sourceUpdatedAt !== null && than.sourceUpdatedAt !== null && record.sourceUpdatedAt < than.sourceUpdatedAt
  );
}

/** What a parser did not foresee is still the record's fault; an error that says otherwise passes. Of conflicts it knows none. */
function toRecordError(error: unknown): AppError {
  if (error instanceof AppError && error.kind === 'invalid_record') return error;
  if (error instanceof AppError && error.kind !== 'conflict') throw error;
  const name = error instanceof Error ? error.name : typeof error;
  return new AppError('record.invalid', `the record could not be read (${name})`, { cause: error });
}
