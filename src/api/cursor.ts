// Places in a list, as clients carry them: opaque text, read through the list's own schema.

import type { z } from 'zod';
import { AppError } from '../core/errors.ts';

export function encodeCursor(place: unknown): string {
  return Buffer.from(JSON.stringify(place), 'utf8').toString('base64url');
}

/** Throws `api.cursor_invalid` for text that no answer of this list gave. */
export function decodeCursor<Place>(text: string, schema: z.ZodType<Place>): Place {
  try {
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw new AppError('api.cursor_invalid', 'expected the nextCursor of the page before, got another text');
  }
}

export interface Page<Item> {
  readonly items: Item[];
  readonly nextCursor: string | null;
}

/** A page of rows that were asked for with one more than `limit`; the cursor stands for the last row shown. */
export function pageOfRows<Row, Item>(
  rows: readonly Row[],
  limit: number,
  { show, place }: { readonly show: (row: Row) => Item; readonly place: (row: Row) => unknown },
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(show),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(place(last)) : null,
  };
}
