// Events of webhooks that come at the same moment share a statement: each waits for what is under way, and the next group is
// everybody who waits. One that the database refuses spoils nobody else's.

import { AppError, toAppError } from '../core/errors.ts';
import type { InboxEvent } from '../core/inbox-event.ts';
import type { PlatformId } from '../core/platforms.ts';
import { createCollector } from '../../queues/collector.ts';
import type { Database } from '../db/database.ts';
import { receiveEvents, type Arrived } from '../store/inbox.ts';

export interface EventWriter {
  /** Resolves once the events are stored; with those that are new and somebody's. Throws `db.*`, `api.overloaded`. */
  store(platform: PlatformId, events: readonly InboxEvent[]): Promise<readonly Arrived[]>;
}

interface Waiting {
  readonly platform: PlatformId;
  readonly events: readonly InboxEvent[];
  readonly resolve: (arrived: readonly Arrived[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Webhooks of one statement. */
const GROUP_SIZE = 100;
/** Webhooks that wait while the database is slow; whoever comes then is told to come again. */
const MAX_WAITING = 2_000;
const LANES = 2;
const MAX_EVENTS = 1_000;

export function createEventWriter(db: Database): EventWriter {
  async function storeAll(platform: PlatformId, events: readonly InboxEvent[]): Promise<readonly Arrived[]> {
    const arrived: Arrived[] = [];
    for (let at = 0; at < events.length; at += MAX_EVENTS)
      arrived.push(...(await receiveEvents(db, platform, events.slice(at, at + MAX_EVENTS))));
    return arrived;
  }

  /** Answers each with what is new in all of them: a hint too many does no harm. */
  async function flushOf(platform: PlatformId, group: readonly Waiting[]): Promise<void> {
    if (group.length === 0) return;
    try {
      const arrived = await storeAll(
        platform,
        group.flatMap(({ events }) => events),
      );
      for (const [index, { resolve }] of group.entries()) resolve(index === 0 ? arrived : []);
    } catch (error) {
      if (group.length === 1 || toAppError(error).kind === 'transient') for (const { reject } of group) reject(error);
      else for (const waiting of group) await flushOf(platform, [waiting]);
    }
  }

  async function flush(group: readonly Waiting[]): Promise<void> {
    const platforms = new Set(group.map(({ platform }) => platform));
    for (const platform of platforms)
      await flushOf(
        platform,
        group.filter((waiting) => waiting.platform === platform),
      );
  }

  const collector = createCollector<Waiting>({ maxSize: GROUP_SIZE, lanes: LANES, flush });
  return {
    store(platform, events) {
      if (events.length === 0) return Promise.resolve([]);
      if (collector.waiting >= MAX_WAITING)
        return Promise.reject(new AppError('api.overloaded', `expected fewer than ${MAX_WAITING} webhooks at once`));
      const { promise, resolve, reject } = Promise.withResolvers<readonly Arrived[]>();
      collector.push({ platform, events, resolve, reject });
      return promise;
    },
  };
}
