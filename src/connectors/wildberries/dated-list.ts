// Lists of the communications API: oldest first, from a date on. A place in such a list is a date and not a number of rows, so
// that what comes or goes meanwhile moves nothing; only rows of one second are counted.

import { z } from 'zod';
import { SECOND_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { instant } from '../toolkit/scalars.ts';
import type { Ask, WildberriesApi } from './api.ts';
import type { Endpoint } from './endpoints.ts';

export const placeSchema = z.strictObject({
  /** Seconds since 1970 from which the list is asked, inclusive. */
  from: z.int().min(0),
  /** Rows of that second that are stored. */
  skip: z.int().min(0),
});

export type Place = z.output<typeof placeSchema>;
type Row = Readonly<Record<string, unknown>>;

export interface DatedList {
  readonly endpoint: Endpoint;
  readonly query: NonNullable<Ask['query']>;
  /** The member of the answer's `data` that holds the rows. */
  readonly member: string;
  readonly take: number;
}

export interface DatedPage {
  readonly records: readonly Row[];
  /** Where the list goes on; null: it is over. */
  readonly next: Place | null;
}

const secondOf = (row: Row | undefined): number | null => {
  const at = instant.safeParse(row?.['createdDate']).data;
  return at === undefined ? null : Math.floor(at.getTime() / SECOND_MS);
};

/** Where to go on after a whole page that was asked at `place`. */
function placeAfter(rows: readonly Row[], place: Place, path: string): Place {
  const second = secondOf(rows.at(-1));
  if (second === null || second < place.from)
    throw new AppError(
      'platform.answer_invalid',
      `expected ${path} oldest first with dates, got a row without its place`,
    );
  const tail = rows.filter((row) => secondOf(row) === second).length;
  return second === place.from ? { from: second, skip: place.skip + rows.length } : { from: second, skip: tail };
}

/** Pages from `start` to the end, or to the second `to`. A short page is the last one. */
export async function* readDated(
  api: WildberriesApi,
  list: DatedList,
  { start, to }: { readonly start: Place; readonly to: number },
): AsyncGenerator<DatedPage> {
  const { endpoint, query, member, take } = list;
  const schema = z.object({
    data: z.object({ [member]: z.array(z.record(z.string(), z.unknown())).nullish() }).nullish(),
  });
  let place = start;
  for (;;) {
    const dated = { dateFrom: place.from, dateTo: to, order: 'dateAsc', take, skip: place.skip };
    const answer = await api.ask(endpoint, schema, { query: { ...query, ...dated } });
    const rows: readonly Row[] = answer?.data?.[member] ?? [];
    if (rows.length < take) {
      yield { records: rows, next: null };
      return;
    }
    place = placeAfter(rows, place, endpoint.path);
    yield { records: rows, next: place };
  }
}
