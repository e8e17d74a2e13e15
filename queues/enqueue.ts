// Enqueueing: requests become ledger rows, at once in the engine when there is room. A payload that does not fit its kind
// is refused before anything is written; a unique key that is taken is answered with its holder. Jobs of derived kinds go
// to the engine alone.

import { AppError } from '../src/core/errors.ts';
import { SECOND_MS } from '../src/core/duration.ts';
import { uuidv7 } from '../src/core/ids.ts';
import { workClassRank } from '../src/core/work-class.ts';
import type { Tx } from '../src/db/database.ts';
import { createAdmission, type Admission, type AdmissionDeps } from './admission.ts';
import { isDerivedQueue, KINDS, type QueueName } from './catalog.ts';
import type { EngineDriver } from './driver.ts';
import * as ledger from './ledger.ts';
import { parsePayload } from './payload.ts';
import type { Enqueued, JobQueue, JobRequest } from './port.ts';

type Draft = Omit<ledger.NewJob, 'fairTag' | 'admitted'>;

/** Whoever admits comes by that often by himself. */
const SOON_MS = SECOND_MS;
/** A holder of a unique key may be settled between our insert and our look; that often in a row it is something else. */
const UNIQUE_ATTEMPTS = 5;

/** Throws `queue.unknown_kind`, `queue.payload_invalid`, `usage.invalid`. */
function draft(request: JobRequest, now: Date): Draft {
  const { queue, uniqueKey, userId, workClass, priority, cost, runAt } = request;
  const { kind, payload } = parsePayload(request.kind, request.payload);
  const spec = KINDS[kind];
  const queues: readonly QueueName[] = spec.queues;
  if (queue !== undefined && !queues.includes(queue))
    throw new AppError('usage.invalid', `expected a queue of ${kind} (${queues.join(', ')}), got ${queue}`);
  if (cost !== undefined && !(cost > 0)) throw new AppError('usage.invalid', `expected a positive cost, got ${cost}`);
  return {
    id: uuidv7(now.getTime()),
    kind,
    queue: queue ?? spec.queues[0],
    payload,
    uniqueKey: uniqueKey ?? null,
    userId,
    class: workClassRank(workClass ?? 'incremental'),
    priority: priority ?? 0,
    cost: cost ?? 1,
    runAt: runAt ?? now,
    maxAttempts: spec.retry.maxAttempts,
  };
}

const keyOf = ({ kind, uniqueKey }: Draft): string | null =>
  uniqueKey === null ? null : ledger.uniqueRef(kind, uniqueKey);

interface Pass {
  readonly admission: Admission;
  readonly driver: EngineDriver;
  readonly now: Date;
}

/** Writes what is new; answers who holds the unique keys of the rest. */
async function insertNew(
  { admission, driver, now }: Pass,
  tx: Tx,
  drafts: readonly Draft[],
): Promise<ReadonlyMap<string, string>> {
  const placements = await admission.place(tx, drafts);
  const jobs = drafts.map((job, index) => {
    const { admitted, fairTag } = placements[index]!;
    return { ...job, fairTag, admitted };
  });
  const inserted = await ledger.insertJobs(tx, jobs, now);
  const admitted = jobs.filter((job) => job.admitted && inserted.has(job.id));
  await driver.add(
    admitted.map((job) => ledger.engineJobOf({ ...job, createdAt: now })),
    { tx },
  );
  const soon = now.getTime() + SOON_MS;
  const isNear = ({ id, admitted: isIn, runAt }: ledger.NewJob): boolean =>
    !isIn && inserted.has(id) && runAt > now && runAt.getTime() < soon;
  if (jobs.some(isNear)) await driver.wake('admission', { tx });
  return new Map(jobs.filter(({ id }) => inserted.has(id)).map((job) => [keyOf(job) ?? job.id, job.id]));
}

async function enqueueIn(pass: Pass, tx: Tx, drafts: readonly Draft[]): Promise<readonly Enqueued[]> {
  const holders = new Map<string, string>();
  const created = new Set<string>();
  let open = drafts;
  for (let attempt = 0; open.length > 0; attempt++) {
    if (attempt === UNIQUE_ATTEMPTS)
      throw new AppError('queue.engine_failed', `unique keys stay taken by jobs that cannot be seen`);
    const fresh = new Map<string, Draft>();
    for (const job of open) if (!fresh.has(keyOf(job) ?? job.id)) fresh.set(keyOf(job) ?? job.id, job);
    // Written first, looked for afterwards: a key is rarely taken, and the unique index knows it best.
    for (const [key, id] of await insertNew(pass, tx, [...fresh.values()])) {
      holders.set(key, id);
      created.add(id);
    }
    open = open.filter((job) => !holders.has(keyOf(job) ?? job.id));
    const keyed = open.flatMap(({ kind, uniqueKey }) => (uniqueKey === null ? [] : [{ kind, uniqueKey }]));
    for (const [key, id] of await ledger.findByUniqueKey(tx, keyed)) holders.set(key, id);
    open = open.filter((job) => !holders.has(keyOf(job) ?? job.id));
  }
  return drafts.map((job) => {
    const jobId = holders.get(keyOf(job) ?? job.id)!;
    return { jobId, created: created.has(jobId) && jobId === job.id };
  });
}

/** Straight into the engine, which answers for their unique keys. */
async function addDerived({ driver, now }: Pass, drafts: readonly Draft[]): Promise<readonly Enqueued[]> {
  const jobs = drafts.map((draftOf) => ({
    ...ledger.unledgeredJobOf({ ...draftOf, createdAt: now }),
    ...(draftOf.runAt > now ? { runAt: draftOf.runAt } : {}),
  }));
  const holders = await driver.add(jobs);
  return drafts.map(({ id }, index) => ({ jobId: holders[index]!, created: holders[index] === id }));
}

export function createEnqueue(deps: AdmissionDeps): JobQueue['enqueueMany'] {
  const { db, driver, clock } = deps;
  const admission = createAdmission(deps);

  async function enqueueLedgered(pass: Pass, drafts: readonly Draft[], tx: Tx | undefined) {
    if (drafts.length === 0) return [];
    if (tx !== undefined) return await enqueueIn(pass, tx, drafts);
    return await db.tx({ kind: 'ops' }, (own) => enqueueIn(pass, own, drafts));
  }

  return async function enqueueMany(requests: readonly JobRequest[], options?: { readonly tx?: Tx }) {
    const now = clock.now();
    const pass = { admission, driver, now };
    const drafts = requests.map((request) => draft(request, now));
    const derived = drafts.filter(({ queue }) => isDerivedQueue(queue));
    if (derived.length > 0 && options?.tx !== undefined) {
      const { kind } = derived[0]!;
      throw new AppError(
        'usage.invalid',
        `expected no transaction for ${kind}: it is derived from what that one writes`,
      );
    }
    const others = drafts.filter(({ queue }) => !isDerivedQueue(queue));
    // First what may fail without harm: a derived job that is added for nothing does nothing.
    const unledgered = derived.length === 0 ? [] : await addDerived(pass, derived);
    const ledgered = await enqueueLedgered(pass, others, options?.tx);
    const answers = new Map<Draft, Enqueued>([
      ...others.map((job, index) => [job, ledgered[index]!] as const),
      ...derived.map((job, index) => [job, unledgered[index]!] as const),
    ]);
    return drafts.map((job) => answers.get(job)!);
  };
}
