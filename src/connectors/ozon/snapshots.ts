// Streams that are read whole each time, because their lists do not say what changed: what is no longer listed is removed, once
// the list came to its end without a doubt.

import { z } from 'zod';
import type { ErrorReport } from '../../core/errors.ts';
import type { Page, Plan } from '../contract/stream.ts';
import { pagesOf } from '../toolkit/pages.ts';

export const snapshotCursorSchema = z.strictObject({ readAt: z.iso.datetime() });
export type SnapshotCursor = z.output<typeof snapshotCursorSchema>;

/** What every snapshot says of its cursor. */
export const SNAPSHOT_CURSOR = { version: 1, schema: snapshotCursorSchema } as const;

export interface SnapshotPart {
  readonly records: readonly unknown[];
  readonly problems: readonly ErrorReport[];
  /** False: the records of this snapshot may not be all. */
  readonly isWhole: boolean;
}

/** Pages of the snapshot `key`; it is closed by a last one of its own. A pass that breaks off begins anew. */
export async function* snapshotPages(
  key: string,
  { until }: Plan<SnapshotCursor>,
  parts: AsyncIterable<SnapshotPart>,
): AsyncGenerator<Page<SnapshotCursor>> {
  const readAt = until.toISOString();
  const scope = { kind: 'scope', key, generation: readAt } as const;
  let isWhole = true;
  let done = 0;
  for await (const part of parts) {
    isWhole &&= part.isWhole;
    for (const { records, isLast } of pagesOf(part.records)) {
      done += records.length;
      const problems = isLast ? part.problems : [];
      yield { records, mode: { ...scope, close: false }, problems, progress: { done, total: null } };
    }
  }
  const progress = { done, total: done };
  yield { records: [], mode: { ...scope, close: isWhole }, checkpoint: { readAt }, progress };
}
