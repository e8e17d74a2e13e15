// The shop's product ids, archived ones too. `ALL` is widely reported to leave these out.

import { z } from 'zod';
import type { ErrorReport } from '../../core/errors.ts';
import { keyIn } from '../toolkit/parse-record.ts';
import type { OzonApi } from './api.ts';
import { listPages } from './pages.ts';
import { rows } from './schemas/scalars.ts';

const LIMIT = 1_000;

const listSchema = z.object({
  result: z.object({ items: rows, last_id: z.string().nullish(), total: z.number().nullish() }),
});

export type Row = Readonly<Record<string, unknown>>;

export interface ProductRows {
  /** Rows of the list by product id. */
  readonly byId: ReadonlyMap<string, Row>;
  readonly problems: readonly ErrorReport[];
}

/**
 * Active before, and the archive both before and after them: a card that comes out of the archive meanwhile is in one of the
 * three. Throws what `api.call` does.
 */
export async function listProducts(api: OzonApi): Promise<ProductRows> {
  const byId = new Map<string, Row>();
  const problems: ErrorReport[] = [];
  for (const visibility of ['ARCHIVED', 'ALL', 'ARCHIVED']) {
    const pages = listPages(`products (${visibility})`, LIMIT, async (lastId) => {
      const body = { filter: { visibility }, last_id: lastId, limit: LIMIT };
      const { result } = await api.call('/v3/product/list', body, listSchema);
      return { rows: result.items, cursor: result.last_id ?? '', hasNext: null, total: result.total ?? null };
    });
    for await (const { rows: items, doubt } of pages) {
      if (doubt !== null) problems.push(doubt);
      for (const row of items) byId.set(keyIn(row, 'product_id') ?? '', row as Row);
    }
  }
  return { byId, problems };
}

/** `keys` in the batches that one request takes. */
export function* batchesOf<Key>(keys: readonly Key[], size: number): Generator<readonly Key[]> {
  for (let at = 0; at < keys.length; at += size) yield keys.slice(at, at + size);
}
