// Marks of dirty days become rollup jobs: one per user at a time, named by his oldest marked day, however many marks. The marks stay; the
// job takes those that it has seen, of other days too. Offering a day again is harmless, because its job has the day as its key, so this process only remembers
// what it offered to spare the engine the question.

import type { JobRequest } from '../../queues/port.ts';
import { HOUR_MS, SECOND_MS } from '../core/duration.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { listDirtyDays, type DirtyDay } from '../store/maintenance-due.ts';
import type { SchedulerDeps } from './claim-due.ts';

export interface RollerOptions extends Omit<SchedulerDeps, 'costOf'> {
  /** Default 2 s. */
  readonly everyMs?: number;
  /** Users looked at in a pass; default 5,000. */
  readonly limit?: number;
}

/** A rollup that went to the dead letter is tried again after this. */
const DEAD_AGAIN_MS = HOUR_MS;
/** A job that an engine lost before any ledger knew it is offered again after this. */
const OFFER_AGAIN_MS = 30 * SECOND_MS;
const BATCH_SIZE = 500;

interface Offer {
  readonly mark: bigint;
  /** Monotonic. */
  readonly at: number;
}

/** What was offered, by user and day; as large as one pass. */
export type Offers = Map<string, Offer>;

const keyOf = ({ userId, day }: DirtyDay): string => `${userId}:${day}`;

function rollupOf(dirty: DirtyDay): JobRequest<'metrics.rollup'> {
  const { userId, day } = dirty;
  return { kind: 'metrics.rollup', payload: { userId, day }, uniqueKey: keyOf(dirty), userId };
}

/** Enqueues what was not offered lately, or was marked again since; number of jobs that are new. */
export async function rollDirtyDays(
  { db, queue, clock, limit = 5_000 }: RollerOptions,
  offers: Offers,
): Promise<number> {
  const deadSince = new Date(clock.now().getTime() - DEAD_AGAIN_MS);
  const dirty = await listDirtyDays(db, deadSince, limit);
  const at = clock.mono();
  const isOffered = (day: DirtyDay): boolean => {
    const offer = offers.get(keyOf(day));
    return offer !== undefined && offer.mark === day.mark && at - offer.at < OFFER_AGAIN_MS;
  };
  const open = dirty.filter((day) => !isOffered(day));
  const known = new Map(dirty.filter(isOffered).map((day) => [keyOf(day), offers.get(keyOf(day))!]));
  offers.clear();
  for (const [key, offer] of known) offers.set(key, offer);
  let created = 0;
  for (let from = 0; from < open.length; from += BATCH_SIZE) {
    const batch = open.slice(from, from + BATCH_SIZE);
    const answers = await queue.enqueueMany(batch.map(rollupOf));
    // A job that was there already may have looked at the marks before this one came: the day is offered again.
    const fresh = batch.filter((_, index) => answers[index]!.created);
    for (const day of fresh) offers.set(keyOf(day), { mark: day.mark, at });
    created += fresh.length;
  }
  return created;
}

export function createRoller(options: RollerOptions): Loop {
  const { clock, log, everyMs = 2 * SECOND_MS } = options;
  const offers: Offers = new Map();
  const pass = async (): Promise<void> => void (await rollDirtyDays(options, offers));
  return createLoop({ name: 'dirty-day-roller', everyMs, pass, log, clock });
}
