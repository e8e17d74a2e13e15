// Adding jobs whose unique key pg-boss answers for: those of derived kinds, which no ledger knows.

import { AppError } from '../../../src/core/errors.ts';
import type { EngineRef, PutBack } from '../../driver.ts';
import { ADD_KEYED, FORGET_FINISHED, HOLDERS } from './sql.ts';

/** A row of the one parameter that every statement of many jobs takes. */
export type BatchRow = Partial<PutBack['job']> &
  EngineRef & {
    readonly token?: number | null;
    readonly run_at?: Date | undefined;
    readonly state?: string;
    readonly output?: unknown;
  };

export type Batch = <R>(text: string, rows: readonly BatchRow[]) => Promise<R[]>;

/** A key may be freed and taken between two statements; that often in a row it is something else. */
const ATTEMPTS = 5;

/** Answers, by id, who holds the keys of those that were not added. */
export async function addKeyed(rows: readonly BatchRow[], batch: Batch): Promise<ReadonlyMap<string, string>> {
  const holders = new Map<string, string>();
  let open = rows;
  for (let attempt = 0; open.length > 0 && attempt < ATTEMPTS; attempt++) {
    const added = new Set((await batch<EngineRef>(ADD_KEYED, open)).map(({ id }) => id));
    open = open.filter(({ id }) => !added.has(id));
    for (const { id, holder } of await batch<{ id: string; holder: string }>(HOLDERS, open)) holders.set(id, holder);
    open = open.filter(({ id }) => !holders.has(id));
    await batch(FORGET_FINISHED, open);
  }
  if (open.length > 0) throw new AppError('queue.engine_failed', 'unique keys stay taken by jobs that cannot be seen');
  return holders;
}
