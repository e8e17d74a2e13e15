// Records in pages of the size that one transaction stores best.

/** The engine's page: what one statement writes. */
export const PAGE_RECORDS = 1_000;

export interface Chunk<T> {
  readonly records: readonly T[];
  /** Nothing comes after it; it may be empty then. */
  readonly isLast: boolean;
}

/** Pages of a list; at least one. */
export function* pagesOf<T>(records: readonly T[]): Generator<Chunk<T>> {
  let at = 0;
  do {
    const end = at + PAGE_RECORDS;
    yield { records: records.slice(at, end), isLast: end >= records.length };
    at = end;
  } while (at < records.length);
}

/** Pages of what comes one by one; at least one, and no more than one of them is held. */
export async function* inPages<T>(source: AsyncIterable<T>): AsyncGenerator<Chunk<T>> {
  let records: T[] = [];
  for await (const record of source) {
    if (records.length === PAGE_RECORDS) {
      yield { records, isLast: false };
      records = [];
    }
    records.push(record);
  }
  yield { records, isLast: true };
}
