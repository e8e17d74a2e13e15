// Finds the rows that the database itself refuses: half of the page under a savepoint, and again the half that fails, down
// to single rows. Used only after the whole page was refused, because a savepoint per page would cost every page.

import { AppError } from '../core/errors.ts';
import type { Tx } from '../db/database.ts';
import { isDataError, sqlState } from '../db/errors.ts';
import type { RecordTable } from '../store/record-tables/record-table.ts';
import type { AnyRecord } from '../store/record-tables/tables.ts';
import { NOTHING_UPSERTED, upsertRecords, type UpsertResult, type UpsertTarget } from '../store/upsert.ts';
import type { BadRecord, Candidate } from './validate.ts';

export interface StoredCandidates {
  readonly result: UpsertResult;
  readonly refused: readonly BadRecord[];
}

const FOREIGN_KEY = '23503';

/** True for an error that a single row may have caused. A missing parent is no row's fault: the integration is gone. */
export function isRowRefused(error: unknown): boolean {
  return isDataError(error) && sqlState(error) !== FOREIGN_KEY;
}

/** Stores all candidates but those that the database refuses; at most 2 · k · log2(n) savepoints for k refused rows. */
export async function upsertBisected(
  tx: Tx,
  table: RecordTable<AnyRecord>,
  target: UpsertTarget,
  candidates: readonly Candidate[],
): Promise<StoredCandidates> {
  if (candidates.length === 0) return { result: NOTHING_UPSERTED, refused: [] };
  try {
    const records = candidates.map(({ record }) => record);
    return { result: await tx.savepoint(() => upsertRecords(tx, table, target, records)), refused: [] };
  } catch (error) {
    if (!isRowRefused(error)) throw error;
    const [first] = candidates;
    if (candidates.length === 1) return { result: NOTHING_UPSERTED, refused: [refuse(first!, error)] };
  }
  const middle = candidates.length >> 1;
  const left = await upsertBisected(tx, table, target, candidates.slice(0, middle));
  const right = await upsertBisected(tx, table, target, candidates.slice(middle));
  return { result: addResults(left.result, right.result), refused: [...left.refused, ...right.refused] };
}

/** The server's own message may hold the value, so only its code and the constraint's name are told. */
function refuse({ key, raw }: Candidate, error: unknown): BadRecord {
  const cause = error instanceof AppError ? error.cause : error;
  const named = cause !== null && typeof cause === 'object' && 'constraint' in cause ? cause.constraint : undefined;
  const constraint = typeof named === 'string' ? `, constraint ${named}` : '';
  const message = `expected values that fit their columns, the database refused the row (${sqlState(error)}${constraint})`;
  return { key, raw, error: new AppError('record.refused', message, { cause: error }) };
}

export function addResults(a: UpsertResult, b: UpsertResult): UpsertResult {
  return {
    inserted: a.inserted + b.inserted,
    changed: a.changed + b.changed,
    unchanged: a.unchanged + b.unchanged,
    stale: a.stale + b.stale,
    dirtyDays: [...new Set([...a.dirtyDays, ...b.dirtyDays])],
  };
}
