// Cards: all of them each time. The list names them and nothing more; when one changed stands only in what is said of a thousand at
// once, and by then three of the four requests of a thousand cards are spent. Whatever changed is found, and what is gone removed.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createOzonApi, type Context, type OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { batchesOf, listProducts, type ProductRows } from '../product-lists.ts';
import { parseProduct } from '../schemas/products.ts';
import { rows } from '../schemas/scalars.ts';
import type { OzonSettings } from '../settings.ts';
import { SNAPSHOT_CURSOR, snapshotPages, type SnapshotCursor, type SnapshotPart } from '../snapshots.ts';

/** Most ids of one request. */
const BATCH = 1_000;

const infoSchema = z.object({ items: rows });
const attributesSchema = z.object({ result: rows });

const byIdOf = (items: readonly unknown[]): ReadonlyMap<string | null, unknown> =>
  new Map(items.map((item) => [keyIn(item, 'id'), item]));

interface Batch {
  readonly ids: readonly string[];
  readonly visibility: 'ALL' | 'ARCHIVED';
}

/** Attributes are asked for by visibility too, so no batch holds both. */
function* batches({ byId }: ProductRows): Generator<Batch> {
  const { active = [], archived = [] } = Object.groupBy(byId, ([, row]) =>
    row['archived'] === true ? 'archived' : 'active',
  );
  for (const part of batchesOf(active, BATCH)) yield { ids: part.map(([id]) => id), visibility: 'ALL' };
  for (const part of batchesOf(archived, BATCH)) yield { ids: part.map(([id]) => id), visibility: 'ARCHIVED' };
}

async function readBatch(api: OzonApi, { byId }: ProductRows, { ids, visibility }: Batch): Promise<readonly unknown[]> {
  const info = await api.call('/v3/product/info/list', { product_id: ids }, infoSchema);
  const filter = { product_id: ids, visibility };
  const body = { filter, limit: BATCH, last_id: '', sort_dir: 'ASC' };
  const attributes = await api.call('/v4/product/info/attributes', body, attributesSchema);
  const [infoById, attributesById] = [byIdOf(info.items), byIdOf(attributes.result)];
  return ids.map((id) => {
    const { product_id, offer_id, archived } = byId.get(id) ?? {};
    return {
      product_id,
      offer_id,
      archived,
      info: infoById.get(id) ?? null,
      attributes: attributesById.get(id) ?? null,
    };
  });
}

async function* readProducts(context: Context): AsyncGenerator<SnapshotPart> {
  const api = createOzonApi(context);
  const listed = await listProducts(api);
  yield { records: [], problems: listed.problems, isWhole: listed.problems.length === 0 };
  for (const batch of batches(listed)) {
    yield { records: await readBatch(api, listed, batch), problems: [], isWhole: true };
  }
}

export const products = defineStream<OzonCredential, OzonSettings, 'product', SnapshotCursor>({
  name: 'products',
  kind: 'product',
  owner: 'user',
  defaultIntervalMinutes: 3 * 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 6,
  cursor: SNAPSHOT_CURSOR,
  highWaterMark: ({ readAt }) => new Date(readAt),
  read: (plan, context) => snapshotPages('products', plan, readProducts(context)),
  parse: parseProduct,
  keyOf: (raw) => keyIn(raw, 'product_id'),
});
