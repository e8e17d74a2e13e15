// Prices of all goods, one record a size: a whole snapshot, because nothing says which of them changed.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import { pagesOf } from '../../toolkit/pages.ts';
import { createWildberriesApi } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { listGoods } from '../goods.ts';
import { parsePrice, priceKey } from '../schemas/prices.ts';
import type { WildberriesSettings } from '../settings.ts';

const cursorSchema = z.strictObject({
  /** Goods of the snapshot that are stored; null: it is whole. */
  offset: z.int().min(0).nullable(),
  generation: z.string().min(1),
});

type Good = Readonly<Record<string, unknown>>;

/** A good without sizes stays as it is, to be quarantined. */
function bySize({ sizes, ...good }: Good): readonly Good[] {
  return Array.isArray(sizes) && sizes.length > 0 ? sizes.map((size: unknown) => ({ ...good, size })) : [good];
}

export const prices = defineStream<WildberriesCredential, WildberriesSettings, 'price', z.output<typeof cursorSchema>>({
  name: 'prices',
  kind: 'price',
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: () => null,
  async *read({ cursor, until }, context) {
    const isResumed = cursor !== null && cursor.offset !== null;
    const generation = isResumed ? cursor.generation : until.toISOString();
    const scope = { kind: 'scope', key: 'prices', generation } as const;
    for await (const page of listGoods(createWildberriesApi(context), isResumed ? cursor.offset! : 0)) {
      for (const { records, isLast } of pagesOf(page.goods.flatMap(bySize))) {
        const close = page.isLast && isLast;
        const checkpoint = { offset: close ? null : page.next, generation };
        yield { records, mode: { ...scope, close }, ...(isLast ? { checkpoint } : {}) };
      }
    }
  },
  parse: parsePrice,
  keyOf: priceKey,
});
