// The handler of `webhook.process`: what waits in the lane of an event, oldest first, in transactions that each hold the lane.
// Events and what they say are one transaction: an event is done exactly when its records are stored.
//
//   lease → place → (lock the lane → waiting events → read → store → settle) until none waits

import { completed, discard, snooze } from '../../queues/outcome.ts';
import type { Handler, JobContext } from '../../queues/port.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, reportOf } from '../core/errors.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { Inbox } from '../connectors/contract/events.ts';
import type { Database, Tx } from '../db/database.ts';
import {
  acquireInboxLease,
  lockLane,
  placeOf,
  settleEvents,
  waitingEvents,
  type EventPlace,
  type WaitingEvent,
} from '../store/inbox.ts';
import { releaseLease } from '../store/stream-leases.ts';
import type { UpsertTarget } from '../store/upsert.ts';
import { isRowRefused } from '../sync/bisect.ts';
import { noteMessages } from '../sync/message-metrics.ts';
import { readEvents, type ReadEvents } from './read-events.ts';
import { storeRecords } from '../sync/store-records.ts';

export interface ProcessDeps {
  /** Pool of the worker role. */
  readonly db: Database;
  readonly connectors: ReadonlyMap<string, AnyConnector>;
  readonly clock: Clock;
}

/** Events of one transaction. */
const BATCH = 100;
/** Transactions of one job; a lane that never empties lets others have their turn. */
const MAX_BATCHES = 50;

interface Work {
  readonly place: EventPlace;
  readonly inbox: Inbox;
  readonly token: string;
}

interface Processed {
  readonly events: number;
  readonly dead: number;
  readonly received: number;
}

export function createProcessHandler(deps: ProcessDeps): Handler<'webhook.process'> {
  return async (job) => {
    const { jobId, workerId, payload } = job;
    const token = await acquireInboxLease(deps.db, { jobId, workerId, ...payload });
    if (token === null) return discard('the event is processed, or its integration is paused');
    try {
      const place = await deps.db.tx({ kind: 'lease', token }, (tx) => placeOf(tx, payload.inboxId));
      if (place === null) return discard('the event is gone');
      const inbox = deps.connectors.get(place.platformId)?.inbox;
      if (inbox === undefined) throw new AppError('config.invalid', `${place.platformId} has no events to be read`);
      return await processLane(deps, job, { place, inbox, token });
    } finally {
      await releaseLease(deps.db, token);
    }
  };
}

async function processLane(deps: ProcessDeps, job: JobContext<'webhook.process'>, work: Work) {
  let events = 0;
  let dead = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const done = await processBatch(deps, work);
    events += done.events;
    dead += done.dead;
    await noteMessages(deps, work, { messages_received: done.received }, job.log);
    if (done.dead > 0) job.log.emit('inbox.dead', { ...laneOf(work), count: done.dead });
    if (done.events < BATCH) return completed({ events, dead });
    if (job.draining.aborted || job.signal.aborted) return snooze(0, 'the worker drains');
  }
  return snooze(0, 'the lane goes on');
}

const laneOf = ({ place: { integrationId, lane } }: Work) => ({ integrationId, lane });

async function processBatch({ db, clock }: ProcessDeps, { place, inbox, token }: Work): Promise<Processed> {
  return await db.tx({ kind: 'lease', token }, async (tx) => {
    await lockLane(tx, place);
    const waiting = await waitingEvents(tx, place, BATCH);
    if (waiting.length === 0) return { events: 0, dead: 0, received: 0 };
    const target = { ...place, now: clock.now() };
    const { refused, received } = await storeEvents(tx, target, inbox, waiting);
    await settleEvents(tx, waiting, refused, target.now);
    return { events: waiting.length, dead: refused.length, received };
  });
}

type Stored = Pick<ReadEvents, 'refused'> & { readonly received: number };

async function storeEvents(
  tx: Tx,
  target: UpsertTarget,
  inbox: Inbox,
  waiting: readonly WaitingEvent[],
): Promise<Stored> {
  try {
    return await tx.savepoint(() => storeTogether(tx, target, inbox, waiting));
  } catch (error) {
    if (!isOfTheEvents(error)) throw error;
    return await storeOneByOne(tx, target, inbox, waiting);
  }
}

async function storeTogether(
  tx: Tx,
  target: UpsertTarget,
  inbox: Inbox,
  waiting: readonly WaitingEvent[],
): Promise<Stored> {
  const { records, refused } = readEvents(inbox, waiting);
  const inbound = records.messages.filter(({ direction }) => direction === 'inbound').length;
  const { inserted } = await storeRecords(tx, target, records);
  return { refused, received: Math.min(inserted, inbound) };
}

/**
 * The database refused a row, or a value could not even be written down for it. What the database itself could not do leaves as an
 * error of ours.
 */
function isOfTheEvents(error: unknown): boolean {
  return isRowRefused(error) || !(error instanceof AppError);
}

/** After something of them was refused together: whichever event it is stays behind alone. */
async function storeOneByOne(
  tx: Tx,
  target: UpsertTarget,
  inbox: Inbox,
  waiting: readonly WaitingEvent[],
): Promise<Stored> {
  let received = 0;
  const refused: ReadEvents['refused'][number][] = [];
  for (const event of waiting) {
    try {
      const stored = await tx.savepoint(() => storeTogether(tx, target, inbox, [event]));
      received += stored.received;
      refused.push(...stored.refused);
    } catch (error) {
      if (!isOfTheEvents(error)) throw error;
      refused.push({ id: event.id, error: reportOf(refusedRow(error)) });
    }
  }
  return { refused, received };
}

/** The server's own message may hold the value. */
function refusedRow(cause: unknown): AppError {
  const by = cause instanceof AppError ? 'the database refused the row' : 'got one that cannot be written';
  return new AppError('record.refused', `expected values that fit their columns, ${by}`, { cause });
}
