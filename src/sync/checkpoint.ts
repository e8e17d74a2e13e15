// The stored form of a cursor: the connector's position with the version of its meaning and, while a pass is unfinished,
// what that pass set out to read. A run that goes on in a new job, or after a crash, finishes the same pass.

import { hash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../core/canonical-json.ts';
import { AppError } from '../core/errors.ts';
import type { StreamCursor, SyncType } from '../connectors/contract/stream.ts';

/** What a pass set out to read. */
export interface Pass {
  readonly type: SyncType;
  readonly since: Date | null;
  readonly until: Date;
}

export interface Position {
  readonly cursor: unknown;
  /** Null when the last pass was finished. */
  readonly pass: Pass | null;
}

/** As it is kept in `integration_streams.cursor`. */
export interface StoredPosition {
  readonly v: number;
  readonly at: unknown;
  readonly pass: Pass;
}

/** A cursor is a position, not a store: one that grows with the data would end up in every page's commit. */
const MAX_CURSOR_BYTES = 64 * 1024;
/** Consecutive pages that may leave the checkpoint where it is, or take it back to where it was. */
const MAX_STILL_PAGES = 20;

const storedSchema = z.object({
  v: z.int(),
  at: z.unknown(),
  pass: z
    .object({
      type: z.enum(['full', 'incremental', 'backfill']),
      since: z.iso.datetime().nullable(),
      until: z.iso.datetime(),
    })
    .optional(),
});

/** A backfill's position stays with its run, and with the time at which it was stored. */
const backfillSchema = storedSchema.extend({ savedAt: z.iso.datetime() });

/** The stored cursor, or null when there is none or its version or shape is not the stream's any more. */
export function readPosition(stored: unknown, { version, schema }: StreamCursor<unknown>): Position | null {
  const envelope = storedSchema.safeParse(stored);
  if (!envelope.success || envelope.data.v !== version) return null;
  const cursor = schema.safeParse(envelope.data.at);
  if (!cursor.success) return null;
  const { pass } = envelope.data;
  return {
    cursor: cursor.data,
    pass:
      pass === undefined
        ? null
        : { type: pass.type, since: pass.since === null ? null : new Date(pass.since), until: new Date(pass.until) },
  };
}

/**
 * A page's checkpoint in stored form; undefined when the page has none, which leaves the stored one alone. Throws
 * `sync.page_invalid` when it does not fit the stream's own schema, `sync.cursor_too_large` above 64 KiB.
 */
export function storedForm(
  checkpoint: unknown,
  { version, schema }: StreamCursor<unknown>,
  pass: Pass,
): StoredPosition | undefined {
  if (checkpoint === undefined) return undefined;
  const text = JSON.stringify(checkpoint);
  if (Buffer.byteLength(text) > MAX_CURSOR_BYTES) {
    throw new AppError(
      'sync.cursor_too_large',
      `expected a cursor of at most 64 KiB, got ${Buffer.byteLength(text)} bytes`,
    );
  }
  const at: unknown = JSON.parse(text);
  const read = schema.safeParse(at);
  if (!read.success) {
    throw new AppError('sync.page_invalid', `the checkpoint does not fit its schema: ${z.prettifyError(read.error)}`);
  }
  return { v: version, at, pass };
}

/** Where a backfill broke off; null when there is no such place, or it was stored before `after`. */
export function readBackfillPosition(stored: unknown, cursor: StreamCursor<unknown>, after: Date): Position | null {
  const envelope = backfillSchema.safeParse(stored);
  return envelope.success && new Date(envelope.data.savedAt) >= after ? readPosition(stored, cursor) : null;
}

export interface StuckGuard {
  /** True once a page has moved the checkpoint. */
  readonly hasMoved: boolean;
  /** Looks at a stored page's checkpoint. Throws `sync.cursor_stuck` when page after page leaves it where it was. */
  watch(checkpoint: unknown): void;
}

/**
 * Notices a platform whose "next page" is always the same one, or one of a circle. Pages without a checkpoint say nothing
 * about it. Holds a digest of each place, so one slice's pages are its bound.
 */
export function createStuckGuard(start: unknown): StuckGuard {
  const placeOf = (checkpoint: unknown): string => hash('sha256', canonicalJson(checkpoint), 'base64');
  const first = placeOf(start);
  const seen = new Set([first]);
  let stillPages = 0;
  let hasMoved = false;
  return {
    get hasMoved() {
      return hasMoved;
    },
    watch(checkpoint) {
      if (checkpoint === undefined) return;
      const place = placeOf(checkpoint);
      stillPages = seen.has(place) ? stillPages + 1 : 0;
      hasMoved ||= place !== first;
      seen.add(place);
      if (stillPages >= MAX_STILL_PAGES) {
        throw new AppError('sync.cursor_stuck', `expected the cursor to move on, it did not for ${stillPages} pages`);
      }
    },
  };
}
