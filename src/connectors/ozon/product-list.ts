// Products of a shop, page by page: those that are for sale, and, because "all" leaves them out, those in the archive.

import { z } from 'zod';
import { keyIn } from '../toolkit/parse-record.ts';
import type { OzonApi } from './api.ts';
import { listPages, type PlacedPage } from './places.ts';

export const VISIBILITIES = ['ALL', 'ARCHIVED'] as const;
export type Visibility = (typeof VISIBILITIES)[number];

const LIMIT = 1_000;

const answerSchema = z.object({
  result: z
    .object({ items: z.array(z.record(z.string(), z.unknown())).nullish(), last_id: z.string().nullish() })
    .nullish(),
});

export type Row = Readonly<Record<string, unknown>>;

export function listProducts(api: OzonApi, visibility: Visibility, start: string): AsyncGenerator<PlacedPage<Row>> {
  return listPages(async (lastId) => {
    const body = { filter: { visibility }, last_id: lastId, limit: LIMIT };
    const { result } = await api.call('/v3/product/list', body, answerSchema);
    return { records: result?.items ?? [], next: result?.last_id ?? null, hasNext: null };
  }, start);
}

/** Digits of the products' ids, as the platform wants them: in texts. */
export function idsOf(products: readonly Row[]): readonly string[] {
  return products.map((row) => keyIn(row, 'product_id')).filter((id) => id !== null);
}
