// Which copies have outlived their platform's limit, as data: from what connectors say about their streams and what the
// operator set. Pure.

import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { PlatformId } from '../core/platforms.ts';
import { expiredBefore, type RetentionLimits } from '../core/retention.ts';
import type { RecordTable } from '../store/record-tables/record-table.ts';
import { tableOf, type AnyRecord } from '../store/record-tables/tables.ts';

/** What is cached of one platform, and since when it may not be any more. */
export interface PlatformCache {
  readonly platform: PlatformId;
  readonly before: Date;
  readonly streams: readonly string[];
  readonly tables: readonly RecordTable<AnyRecord>[];
}

/** Rows of one table that went, or would go. */
export interface ErasedRows {
  readonly platform: PlatformId;
  readonly table: string;
  readonly rows: number;
}

/** One entry for each platform that has a limit and streams of its own. */
export function expiredCaches(
  connectors: Iterable<AnyConnector>,
  limits: RetentionLimits,
  now: Date,
): readonly PlatformCache[] {
  return [...connectors].flatMap(({ platform, streams }) => {
    const limitMs = limits[platform];
    const cached = streams.filter(({ owner }) => owner === 'platform');
    if (limitMs === undefined || cached.length === 0) return [];
    return [
      {
        platform,
        before: expiredBefore(limitMs, now),
        streams: cached.map(({ name }) => name),
        tables: [...new Set(cached.map(({ kind }) => tableOf(kind)))],
      },
    ];
  });
}

/** Sums of what several users or integrations had, by platform and table. */
export function addErased(parts: Iterable<ErasedRows>): readonly ErasedRows[] {
  const sums = new Map<string, ErasedRows>();
  for (const part of parts) {
    const name = `${part.platform}.${part.table}`;
    sums.set(name, { ...part, rows: part.rows + (sums.get(name)?.rows ?? 0) });
  }
  return [...sums.values()];
}
