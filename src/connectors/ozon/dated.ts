// Reviews and questions: lists by the day of writing, while what happens to a row later is sorted by nothing. So an increment reads
// the last weeks again.

import { z } from 'zod';
import { DAY_MS } from '../../core/duration.ts';
import type { Page, Plan } from '../contract/stream.ts';
import { createOzonApi, type Context, type OzonApi } from './api.ts';
import { listPages, type ListPage } from './places.ts';

export const cursorSchema = z.strictObject({
  readTo: z.iso.datetime().nullable(),
  /** Inside a pass: the platform's own place, and the day from which the pass reads. */
  at: z.strictObject({ place: z.string(), from: z.iso.datetime().nullable() }).nullable(),
});

export type Cursor = z.output<typeof cursorSchema>;
type Row = Readonly<Record<string, unknown>>;

/** How long after it was written a row may still change without our missing it. */
const CHANGING_MS = 60 * DAY_MS;

function fromOf({ cursor, since, until, type }: Plan<Cursor>): string | null {
  if (cursor?.at != null) return cursor.at.from;
  if (since === null) return null;
  const from = type === 'backfill' ? since : new Date(Math.min(since.getTime(), until.getTime() - CHANGING_MS));
  return from.toISOString();
}

/** `ask` is given where to go on, and from when on to read; null: everything. */
export async function* readDated(
  ask: (api: OzonApi, place: string, from: string | null) => Promise<ListPage<Row>>,
  plan: Plan<Cursor>,
  context: Context,
): AsyncGenerator<Page<Cursor>> {
  const api = createOzonApi(context);
  const from = fromOf(plan);
  const readTo = plan.cursor?.readTo ?? null;
  const pages = listPages((place) => ask(api, place, from), plan.cursor?.at?.place ?? '');
  for await (const { records, next } of pages) {
    const checkpoint =
      next === null ? { readTo: plan.until.toISOString(), at: null } : { readTo, at: { place: next, from } };
    yield { records, mode: { kind: 'upsert' }, checkpoint };
  }
}
