// Stocks of all products by scheme, a thousand products a request.

import { z } from 'zod';
import { keyIn } from '../toolkit/parse-record.ts';
import type { OzonApi } from './api.ts';
import type { ListPage } from './places.ts';

type Row = Readonly<Record<string, unknown>>;

const LIMIT = 1_000;

const answerSchema = z.object({
  items: z.array(z.record(z.string(), z.unknown())).nullish(),
  cursor: z.string().nullish(),
});

export async function listStocks(api: OzonApi, place: string): Promise<ListPage<Row>> {
  const body = { cursor: place, limit: LIMIT, filter: { visibility: 'ALL' } };
  const { items, cursor } = await api.call('/v4/product/info/stocks', body, answerSchema);
  return { records: items ?? [], next: cursor ?? null, hasNext: null };
}

/** A product's stocks as rows of their own. */
export function bySchemes({ stocks, ...product }: Row): readonly (Row & { readonly stock: unknown })[] {
  return Array.isArray(stocks) ? stocks.map((stock: unknown) => ({ ...product, stock })) : [];
}

/** The platform writes it small, and in its lists of values large. */
export function isAtPlatform({ stock }: { readonly stock: unknown }): boolean {
  return keyIn(stock, 'type')?.toLowerCase() === 'fbo';
}
