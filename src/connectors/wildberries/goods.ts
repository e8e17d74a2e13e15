// The list of goods with their prices, page by page: a thousand of them a request, with the ids of their sizes.

import { z } from 'zod';
import type { WildberriesApi } from './api.ts';
import { PRICES } from './endpoints.ts';

export const GOODS_LIMIT = 1_000;

const answerSchema = z.object({
  data: z.object({ listGoods: z.array(z.record(z.string(), z.unknown())).nullish() }).nullish(),
});

export interface GoodsPage {
  readonly goods: readonly Readonly<Record<string, unknown>>[];
  /** Where the next page begins. */
  readonly next: number;
  readonly isLast: boolean;
}

/** A short page is the last one. */
export async function* listGoods(api: WildberriesApi, from: number): AsyncGenerator<GoodsPage> {
  for (let offset = from; ; offset += GOODS_LIMIT) {
    const answer = await api.ask(PRICES, answerSchema, { query: { limit: GOODS_LIMIT, offset } });
    const goods = answer?.data?.listGoods ?? [];
    const isLast = goods.length < GOODS_LIMIT;
    yield { goods, next: offset + goods.length, isLast };
    if (isLast) return;
  }
}
