// The two lists of postings. What they say about buyers goes no further than here.

import { z } from 'zod';
import type { Method, OzonApi } from './api.ts';
import { listPages, type ListPart } from './pages.ts';
import { rows } from './schemas/scalars.ts';

const LIMIT = 100;

const answerSchema = z.object({
  postings: rows,
  cursor: z.string().nullish(),
  has_next: z.boolean().nullish(),
});

/** Who buys is none of our business; where to, no closer than the region. */
const BUYER: ReadonlySet<string> = new Set(['customer', 'addressee', 'legal_info', 'barcodes', 'additional_data']);

function withoutBuyer(raw: unknown): unknown {
  if (raw === null || typeof raw !== 'object') return raw;
  const kept = Object.entries(raw).filter(([name]) => !BUYER.has(name));
  return Object.fromEntries(
    kept.map(([name, value]) => (name === 'analytics_data' ? [name, withoutCity(value)] : [name, value])),
  );
}

function withoutCity(raw: unknown): unknown {
  if (raw === null || typeof raw !== 'object') return raw;
  const { city: _, ...kept } = raw as Readonly<Record<string, unknown>>;
  return kept;
}

/** Oldest order first. Throws what `api.call` does. */
export function listPostings(
  api: OzonApi,
  method: Method,
  filter: Readonly<Record<string, unknown>>,
): AsyncGenerator<ListPart<unknown>> {
  return listPages('postings', LIMIT, async (cursor) => {
    const body = {
      cursor,
      limit: LIMIT,
      filter,
      sort_dir: 'ASC',
      with: { analytics_data: true, financial_data: true },
    };
    const { postings, cursor: next, has_next: hasNext } = await api.call(method, body, answerSchema);
    return { rows: postings.map(withoutBuyer), cursor: next ?? '', hasNext: hasNext ?? null };
  });
}

/** Postings by their numbers, of the list of the platform's own. One that is not there is left out. */
export async function* postingsNamed(
  api: OzonApi,
  method: Method,
  numbers: readonly string[],
): AsyncGenerator<ListPart<unknown>> {
  for (let at = 0; at < numbers.length; at += LIMIT) {
    yield* listPostings(api, method, { posting_numbers: numbers.slice(at, at + LIMIT) });
  }
}
