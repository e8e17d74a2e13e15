// Lists of which a pass reads a range of time to its end: the mark moves once nothing of the range is in doubt.

import { z } from 'zod';
import type { ErrorReport } from '../../core/errors.ts';
import type { Page, Plan } from '../contract/stream.ts';
import type { ListPart } from './pages.ts';

export const markCursorSchema = z.strictObject({
  /** What was there before this instant is known. */
  mark: z.iso.datetime(),
});

export type MarkCursor = z.output<typeof markCursorSchema>;

/** What every such stream says of its cursor. */
export const MARK_CURSOR = { version: 1, schema: markCursorSchema } as const;

export const markOf = ({ mark }: MarkCursor): Date => new Date(mark);

const UPSERT = { kind: 'upsert' } as const;

/** Pages of a list; the last one has the checkpoint, unless something of the list is in doubt. */
export async function* pagesTo<Cursor>(
  checkpoint: Cursor,
  parts: AsyncIterable<ListPart<unknown>>,
): AsyncGenerator<Page<Cursor>> {
  const problems: ErrorReport[] = [];
  for await (const { rows, doubt } of parts) {
    if (doubt !== null) problems.push(doubt);
    yield { records: rows, mode: UPSERT };
  }
  yield { records: [], mode: UPSERT, problems, ...(problems.length > 0 ? {} : { checkpoint }) };
}

/** The same of a list whose whole place is its mark. A pass that breaks off begins anew. */
export function markedPages(
  { until }: Plan<MarkCursor>,
  parts: AsyncIterable<ListPart<unknown>>,
): AsyncGenerator<Page<MarkCursor>> {
  return pagesTo({ mark: until.toISOString() }, parts);
}
