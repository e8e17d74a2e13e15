// Lists of the Graph API to their end. A list ends where there is no `paging.next`, and nowhere else: a page may be short or empty
// before, and the last one still has a cursor. `next` itself holds the token when it was sent in the address, so nothing of it is
// kept but the cursor.

import { z } from 'zod';
import { AppError, type ErrorReport } from '../../core/errors.ts';
import type { Page, Plan } from '../contract/stream.ts';
import type { GraphApi } from './api.ts';

const LIMIT = '100';
/** Behind it no account's list goes on. */
const MAX_PAGES = 10_000;

export const pagingSchema = z
  .object({
    cursors: z.object({ after: z.string().nullish() }).nullish(),
    next: z.string().nullish(),
  })
  .nullish()
  .catch(null);

type Paging = z.output<typeof pagingSchema>;

const listSchema = z.object({ data: z.array(z.unknown()), paging: pagingSchema });

/** The cursor of the next page; null: this one is the last; undefined: there is another one and no way to it. */
export function nextCursor(paging: Paging): string | null | undefined {
  const next = paging?.next;
  if (next === null || next === undefined || next === '') return null;
  const inside = URL.canParse(next) ? new URL(next).searchParams.get('after') : null;
  return paging?.cursors?.after || inside || undefined;
}

export interface ListPage {
  readonly rows: readonly unknown[];
  /** Set when the list ended against its own word: something may be missing. */
  readonly doubt: ErrorReport | null;
}

/** Pages of `ask` as they come. Throws `sync.cursor_stuck` when they have no end, and what `ask` throws. */
export async function* followPages(
  name: string,
  ask: (after: string | null) => Promise<{ readonly rows: readonly unknown[]; readonly paging: Paging }>,
): AsyncGenerator<ListPage> {
  const seen = new Set<string>();
  let after: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { rows, paging } = await ask(after);
    const next = nextCursor(paging);
    const isStuck = next === undefined || (next !== null && seen.has(next));
    yield { rows, doubt: isStuck ? doubtOf(name) : null };
    if (next === null || next === undefined || isStuck) return;
    seen.add(next);
    after = next;
  }
  throw new AppError('sync.cursor_stuck', `WhatsApp gave ${MAX_PAGES} pages of ${name} and no end`);
}

function doubtOf(name: string): ErrorReport {
  const message = `WhatsApp says that there are more ${name}, but gave no way to them: some may be missing`;
  return { code: 'platform.answer_invalid', kind: 'transient', message };
}

/** Pages of an edge of a node: `/1234/phone_numbers`. */
export function edgePages(
  api: GraphApi,
  path: string,
  query: Readonly<Record<string, string>> = {},
): AsyncGenerator<ListPage> {
  return followPages(path.split('/').at(-1) ?? path, async (after) => {
    const place: Readonly<Record<string, string>> = after === null ? {} : { after };
    const { data: rows, paging } = await api.get(path, { ...query, limit: LIMIT, ...place }, listSchema);
    return { rows, paging };
  });
}

export const snapshotCursorSchema = z.strictObject({ readAt: z.iso.datetime() });
export type SnapshotCursor = z.output<typeof snapshotCursorSchema>;

/** What every snapshot says of its cursor. */
export const SNAPSHOT_CURSOR = { version: 1, schema: snapshotCursorSchema } as const;

/**
 * A list that is read whole each time, because nothing tells what changed; what is no longer listed is removed, once the list came
 * to its end without a doubt. A pass that breaks off begins anew: cursors die with the thing they point at.
 */
export async function* snapshotPages(
  key: string,
  { until }: Plan<SnapshotCursor>,
  pages: AsyncIterable<ListPage>,
): AsyncGenerator<Page<SnapshotCursor>> {
  const readAt = until.toISOString();
  const scope = { kind: 'scope', key, generation: readAt } as const;
  let isWhole = true;
  let done = 0;
  for await (const { rows, doubt } of pages) {
    isWhole &&= doubt === null;
    done += rows.length;
    const problems = doubt === null ? [] : [doubt];
    yield { records: rows, mode: { ...scope, close: false }, problems, progress: { done, total: null } };
  }
  yield { records: [], mode: { ...scope, close: isWhole }, checkpoint: { readAt }, progress: { done, total: done } };
}
