// Products with what is known of them and their attributes: three requests for a thousand. No list is sorted by change, so each
// pass is a whole snapshot.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createOzonApi, type Context, type OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { idsOf, listProducts, VISIBILITIES, type Row } from '../product-list.ts';
import { parseProduct } from '../schemas/products.ts';
import type { OzonSettings } from '../settings.ts';

const cursorSchema = z.strictObject({
  /** Inside a pass: the list in hand and the place in it; null: the snapshot is whole. */
  at: z.strictObject({ list: z.int().min(0), place: z.string() }).nullable(),
  generation: z.string().min(1),
});

type Cursor = z.output<typeof cursorSchema>;

const infoSchema = z.object({ items: z.array(z.record(z.string(), z.unknown())).nullish() });
const attributesSchema = z.object({ result: z.array(z.record(z.string(), z.unknown())).nullish() });

function byId(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [keyIn(row, 'id') ?? '', row]));
}

/** Rows of the list with the rest of what is known; what is not stays null. */
async function completed(api: OzonApi, products: readonly Row[], archived: boolean): Promise<readonly Row[]> {
  const ids = idsOf(products);
  if (ids.length === 0) return products;
  const info = byId((await api.call('/v3/product/info/list', { product_id: ids }, infoSchema)).items ?? []);
  const body = {
    filter: { product_id: ids, visibility: archived ? 'ARCHIVED' : 'ALL' },
    limit: 1_000,
    sort_dir: 'ASC',
  };
  const attributes = byId((await api.call('/v4/product/info/attributes', body, attributesSchema)).result ?? []);
  return products.map((row) => {
    const id = keyIn(row, 'product_id') ?? '';
    return { ...row, info: info.get(id) ?? null, attributes: attributes.get(id) ?? null };
  });
}

async function* read({ cursor, until }: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createOzonApi(context);
  const begun = cursor?.at ?? null;
  const generation = begun === null ? until.toISOString() : cursor!.generation;
  const scope = { kind: 'scope', key: 'products', generation } as const;
  for (const [list, visibility] of VISIBILITIES.entries()) {
    if (begun !== null && list < begun.list) continue;
    const start = begun?.list === list ? begun.place : '';
    for await (const { records, next } of listProducts(api, visibility, start)) {
      const isLast = next === null && list === VISIBILITIES.length - 1;
      const at = next === null ? { list: list + 1, place: '' } : { list, place: next };
      yield {
        records: await completed(api, records, visibility === 'ARCHIVED'),
        mode: { ...scope, close: isLast },
        checkpoint: { at: isLast ? null : at, generation },
      };
    }
  }
}

export const products = defineStream<OzonCredential, OzonSettings, 'product', Cursor>({
  name: 'products',
  kind: 'product',
  owner: 'user',
  defaultIntervalMinutes: 6 * 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 6,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: () => null,
  read,
  parse: parseProduct,
  keyOf: (raw) => keyIn(raw, 'product_id'),
});
