// Lists of Ozon by place: each page names where the next one begins. `has_next` may stay true for ever and a place may come again,
// so what ends a list is a page without records, without a place, or with one that was there before.

export interface ListPage<Row> {
  readonly records: readonly Row[];
  /** Where the next page begins; null and the empty text: nowhere. */
  readonly next: string | null;
  /** What the platform says; null where it does not. */
  readonly hasNext: boolean | null;
}

export interface PlacedPage<Row> {
  readonly records: readonly Row[];
  /** Null: it is the last one. */
  readonly next: string | null;
}

/** Pages from `start` on; at least one. */
export async function* listPages<Row>(
  ask: (place: string) => Promise<ListPage<Row>>,
  start = '',
): AsyncGenerator<PlacedPage<Row>> {
  const seen = new Set([start]);
  let place = start;
  for (;;) {
    const { records, next, hasNext } = await ask(place);
    const isEnd = records.length === 0 || next === null || next === '' || hasNext === false || seen.has(next);
    yield { records, next: isEnd ? null : next };
    if (isEnd) return;
    seen.add(next);
    place = next;
  }
}
