// Ozon's lists to their end. `has_next` is not to be believed: lists are known that say it for ever, give empty pages, or the
// same cursor again. A list ends at an empty page, an empty cursor or one that came before.

import { AppError, type ErrorReport } from '../../core/errors.ts';

export interface ListPage<Row> {
  readonly rows: readonly Row[];
  /** Empty: there is no other page. */
  readonly cursor: string;
  /** Null: this list does not say. */
  readonly hasNext: boolean | null;
  /** Rows of the whole list; null: this list does not say. */
  readonly total?: number | null;
}

export interface ListPart<Row> {
  readonly rows: readonly Row[];
  /** Set when the list ended against its own word: something may be missing. */
  readonly doubt: ErrorReport | null;
}

/** Behind it no shop's list goes on. */
const MAX_PAGES = 100_000;

/** Pages as they come. Throws `sync.cursor_stuck` when a list has no end, and what `ask` throws. */
export async function* listPages<Row>(
  name: string,
  limit: number,
  ask: (cursor: string) => Promise<ListPage<Row>>,
): AsyncGenerator<ListPart<Row>> {
  const seen = new Set(['']);
  let cursor = '';
  let count = 0;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { rows, cursor: next, hasNext, total = null } = await ask(cursor);
    count += rows.length;
    const isFull = rows.length >= limit;
    const isMissing = total !== null && count < total;
    const isOver = rows.length === 0 || hasNext === false || (!isFull && total !== null && !isMissing);
    const isStuck = seen.has(next);
    // Rows behind a cursor that came before are those that came before: their count proves nothing.
    const isRepeated = isStuck && next !== '';
    const isDoubtful = isMissing
      ? isOver || isStuck
      : !isOver && isFull && (isRepeated || (isStuck && hasNext === true));
    yield { rows, doubt: isDoubtful ? doubtOf(name) : null };
    if (isOver || isStuck) return;
    seen.add(next);
    cursor = next;
  }
  throw new AppError('sync.cursor_stuck', `Ozon gave ${MAX_PAGES} pages of ${name} and no end`);
}

function doubtOf(name: string): ErrorReport {
  const message = `Ozon says that there are more ${name}, but gave no way to them: some may be missing`;
  return { code: 'platform.answer_invalid', kind: 'transient', message };
}
