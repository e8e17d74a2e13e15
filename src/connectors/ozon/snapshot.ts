// Lists that are read whole each time, by place: what they no longer have is removed.

import { z } from 'zod';
import type { Page, Plan } from '../contract/stream.ts';
import { createOzonApi, type Context, type OzonApi } from './api.ts';
import { listPages, type ListPage } from './places.ts';

export const cursorSchema = z.strictObject({
  /** Inside a pass: the platform's own place; null: the snapshot is whole. */
  place: z.string().nullable(),
  generation: z.string().min(1),
});

export type Cursor = z.output<typeof cursorSchema>;
type Row = Readonly<Record<string, unknown>>;

export interface Snapshot {
  /** Scope of the rows. */
  readonly key: string;
  readonly ask: (api: OzonApi, place: string) => Promise<ListPage<Row>>;
  /** Records of a page. */
  readonly recordsOf: (rows: readonly Row[], api: OzonApi) => Promise<readonly Row[]> | readonly Row[];
}

export async function* readSnapshot(
  { key, ask, recordsOf }: Snapshot,
  { cursor, until }: Plan<Cursor>,
  context: Context,
): AsyncGenerator<Page<Cursor>> {
  const api = createOzonApi(context);
  const isResumed = cursor !== null && cursor.place !== null;
  const generation = isResumed ? cursor.generation : until.toISOString();
  const pages = listPages((place) => ask(api, place), isResumed ? cursor.place! : '');
  for await (const { records, next } of pages) {
    yield {
      records: await recordsOf(records, api),
      mode: { kind: 'scope', key, generation, close: next === null },
      checkpoint: { place: next, generation },
    };
  }
}
