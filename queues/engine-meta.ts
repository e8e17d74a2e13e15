// What the engine carries for us beside a payload, read back with suspicion: other services may write there too, and copy
// what they find.

import { isUuid } from '../src/core/ids.ts';
import { isDerivedQueue } from './catalog.ts';
import type { EngineMeta, EngineRef } from './driver.ts';

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const isTextOrNull = (value: unknown): value is string | null => value === null || typeof value === 'string';

/** Null for everything that is not exactly ours. */
export function readMeta(value: unknown): EngineMeta | null {
  if (typeof value !== 'object' || value === null) return null;
  const { userId, class: rank, priority, maxAttempts, createdAt, ledgered, uniqueKey } = value as Partial<EngineMeta>;
  if (!isTextOrNull(userId) || (userId !== null && !isUuid(userId)) || !isTextOrNull(uniqueKey)) return null;
  if (!isNumber(rank) || ![0, 1, 2].includes(rank) || !Number.isInteger(priority)) return null;
  if (!Number.isInteger(maxAttempts) || typeof ledgered !== 'boolean') return null;
  if (typeof createdAt !== 'string' || Number.isNaN(Date.parse(createdAt))) return null;
  return { userId, class: rank, priority: priority!, maxAttempts: maxAttempts!, createdAt, ledgered, uniqueKey };
}

/** For a job that has none. */
export function bareMeta(createdAt: Date): EngineMeta {
  return {
    userId: null,
    class: 1,
    priority: 0,
    maxAttempts: 1,
    createdAt: createdAt.toISOString(),
    ledgered: false,
    uniqueKey: null,
  };
}

/**
 * Whether a job came by the engine's own door: it has no meta, an id that is none of ours, or the meta of a copy, in a queue
 * that holds nothing which the ledger does not know.
 */
export function isNative({ id, queue, meta }: EngineRef & { readonly meta: EngineMeta | null }): boolean {
  return meta === null || !isUuid(id) || (!meta.ledgered && !isDerivedQueue(queue));
}
