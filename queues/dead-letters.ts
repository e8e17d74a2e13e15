// The dead letter: what is in it, and putting it back to work. The ledger says what is dead; the engine's copies follow.
// A dead job whose unique key another job holds by now stays dead, whoever asks.

import { AppError } from '../src/core/errors.ts';
import { isUuid } from '../src/core/ids.ts';
import { createAdmission, type AdmissionDeps } from './admission.ts';
import { isDerivedQueue, queueOfDeadLetter, QUEUES } from './catalog.ts';
import type { EngineDriver } from './driver.ts';
import { countDead, previewDead, type DeadConditions, type DeadPage, type UniqueKey } from './ledger-dead.ts';
import type { DeadFilter, JobQueue } from './port.ts';
import { replayBatch, type ReplayDeps, type ReplayedBatch } from './replay-batch.ts';

export type DeadLetterDeps = AdmissionDeps & Pick<ReplayDeps, 'fates'>;

const DEFAULT_LIMIT = 1_000;
const MAX_LIMIT = 100_000;
const BATCH_SIZE = 100;
/** An enqueue may take a unique key between our look and our write; that often in a row it is something else. */
const BATCH_ATTEMPTS = 5;
/** Unfinished jobs of derived kinds that a preview compares keys with. */
const MAX_DERIVED = 1_000;
const OPS = { kind: 'ops' } as const;

/** Null: nothing can match. */
function conditionsOf(filter: DeadFilter): DeadConditions | null {
  const { ids, queue, kind, userId, code, payload, diedBefore, diedAfter } = filter;
  if (userId !== undefined && !isUuid(userId)) return null;
  return {
    ids: ids?.filter(isUuid) ?? null,
    // The name of a dead letter means the queue that it belongs to.
    queue: queue === undefined ? null : (queueOfDeadLetter(queue) ?? queue),
    kind: kind ?? null,
    userId: userId ?? null,
    code: code ?? null,
    payload: payload === undefined ? null : JSON.stringify(payload),
    diedBefore: diedBefore ?? null,
    diedAfter: diedAfter ?? null,
  };
}

/** Keys that unfinished jobs hold whom only the engine knows. */
async function derivedKeys(driver: EngineDriver, { queue, kind }: DeadConditions): Promise<readonly UniqueKey[]> {
  const queues = QUEUES.filter((name) => isDerivedQueue(name) && (queue === null || name === queue));
  if (queues.length === 0) return [];
  const only = kind === null ? {} : { kind };
  const living = await driver.list({ queues, states: ['waiting', 'delayed', 'active'], ...only, limit: MAX_DERIVED });
  return living.flatMap(({ kind: of, meta: { uniqueKey } }) => (uniqueKey === null ? [] : [{ kind: of, uniqueKey }]));
}

async function replayUntilWritten(
  deps: ReplayDeps,
  conditions: DeadConditions,
  page: DeadPage,
): Promise<ReplayedBatch> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await deps.db.tx(OPS, (tx) => replayBatch(deps, tx, conditions, page));
    } catch (error) {
      const isRace = error instanceof AppError && error.code === 'db.constraint';
      if (!isRace || attempt === BATCH_ATTEMPTS) throw error;
    }
  }
}

export function createDeadLetters(
  deps: DeadLetterDeps,
  queue: Pick<JobQueue, 'enqueueMany'>,
): Pick<JobQueue, 'previewReplay' | 'replay'> {
  const { db, driver, log } = deps;
  const replayDeps: ReplayDeps = { ...deps, admission: createAdmission(deps), queue };
  return {
    async previewReplay(filter) {
      const conditions = conditionsOf(filter);
      if (conditions === null) return { total: 0, groups: [], blocked: 0 };
      const taken = await derivedKeys(driver, conditions);
      return await db.tx(OPS, (tx) => previewDead(tx, conditions, taken));
    },

    async replay(filter, limit = DEFAULT_LIMIT) {
      const conditions = conditionsOf(filter);
      if (conditions === null) return { replayed: 0, left: 0 };
      const most = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(limit)));
      let replayed = 0;
      let after: DeadPage['after'] = null;
      do {
        const page: DeadPage = { after, limit: Math.min(BATCH_SIZE, most - replayed) };
        const batch: ReplayedBatch = await replayUntilWritten(replayDeps, conditions, page);
        replayed += batch.replayed;
        after = batch.after;
      } while (after !== null && replayed < most);
      if (replayed > 0) log.emit('job.replayed', { jobs: replayed });
      return { replayed, left: await db.tx(OPS, (tx) => countDead(tx, conditions)) };
    },
  };
}
