// What people and boards see: the ledger tells of jobs that live and of the dead letter, the engine of those that ended
// and, in queues of derived kinds, of those that live too. Where both know a job, the ledger is right. A queue's name may
// be that of its dead letter, which then shows exactly the dead.

import { SECOND_MS } from '../src/core/duration.ts';
import type { Clock } from '../src/core/clock.ts';
import { isUuid } from '../src/core/ids.ts';
import { workClassOf } from '../src/core/work-class.ts';
import type { Database } from '../src/db/database.ts';
import { isDerivedQueue, isJobKind, KINDS, queueOfDeadLetter, QUEUES } from './catalog.ts';
import type { EngineDriver, EngineRecord, EngineState } from './driver.ts';
import { findJob, type LedgerRow } from './ledger.ts';
import { countJobs, knownJobs, listJobs } from './ledger-views.ts';
import type { JobFilter, JobQueue, JobView } from './port.ts';
import { JOB_STATES, type JobState } from './states.ts';

interface InspectionDeps {
  readonly db: Database;
  readonly driver: EngineDriver;
  readonly clock: Clock;
}

const OPS = { kind: 'ops' } as const;
/** A page of 200, and one more that tells whether there is another page. */
const MAX_LIMIT = 201;
const DEFAULT_LIMIT = 50;
const MAX_OFFSET = 10_000;
/** Counting a week of history is not for every poll of every board. */
const HISTORY_COUNTS_MS = 5 * SECOND_MS;
const HISTORY_STATES: readonly EngineState[] = ['completed', 'cancelled', 'failed'];
const LIVING_STATES: readonly EngineState[] = ['waiting', 'delayed', 'active'];

function viewOfRow(row: LedgerRow, now: Date): JobView {
  const { state, class: rank, settledAt, lastError, ...facts } = row;
  const queued: JobState = row.runAt > now ? 'delayed' : 'waiting';
  return {
    id: facts.id,
    kind: facts.kind,
    queue: facts.queue,
    state: state === 'active' || state === 'dead' ? state : queued,
    payload: facts.payload,
    userId: facts.userId,
    workClass: workClassOf(rank),
    priority: facts.priority,
    attempts: facts.attempts,
    takeovers: facts.takeovers,
    maxAttempts: facts.maxAttempts,
    createdAt: facts.createdAt,
    runAt: facts.runAt,
    startedAt: facts.startedAt,
    finishedAt: settledAt,
    workerId: facts.workerId,
    progress: facts.progress,
    result: null,
    error: lastError,
  };
}

function viewOfRecord({
  id,
  kind,
  queue,
  state,
  payload,
  meta,
  output,
  runAt,
  startedAt,
  finishedAt,
}: EngineRecord): JobView {
  const createdAt = new Date(meta.createdAt);
  const maxAttempts = isJobKind(kind) ? KINDS[kind].retry.maxAttempts : meta.maxAttempts;
  return {
    id,
    kind,
    queue,
    state,
    payload,
    userId: meta.userId,
    workClass: workClassOf(meta.class),
    priority: meta.priority,
    attempts: output?.attempts ?? 0,
    takeovers: output?.takeovers ?? 0,
    maxAttempts,
    createdAt,
    runAt,
    startedAt,
    finishedAt,
    workerId: output?.workerId ?? null,
    progress: null,
    result: output?.result ?? null,
    error: output?.error ?? null,
  };
}

type EngineCounts = Readonly<Record<EngineState, number>>;

interface Resolved {
  readonly queue: string | null;
  readonly states: ReadonlySet<JobState>;
}

/** Base queue and states behind a filter: of a dead letter, only the dead. */
function resolve({ queue, states }: Pick<JobFilter, 'queue' | 'states'>): Resolved {
  const wanted = new Set(states === undefined || states.length === 0 ? JOB_STATES : states);
  const buriedIn = queue === undefined ? null : queueOfDeadLetter(queue);
  if (buriedIn === null) return { queue: queue ?? null, states: wanted };
  return { queue: buriedIn, states: new Set(wanted.has('dead') ? ['dead'] : []) };
}

/** What the engine is asked for: ended jobs of every queue, living ones where the ledger does not know them all. */
async function listRecords(
  driver: EngineDriver,
  { kind, userId, payload, after }: JobFilter,
  { queue, states, limit }: Resolved & { readonly limit: number },
): Promise<readonly EngineRecord[]> {
  const queues = queue === null ? QUEUES : [queue];
  const only = {
    ...(kind === undefined ? {} : { kind }),
    ...(userId === undefined ? {} : { userId }),
    ...(payload === undefined ? {} : { payload }),
    ...(after === undefined ? {} : { after }),
  };
  const ask = async (of: readonly string[], among: readonly EngineState[]): Promise<readonly EngineRecord[]> => {
    const wanted = among.filter((state) => states.has(state));
    return of.length === 0 || wanted.length === 0
      ? []
      : await driver.list({ ...only, queues: of, states: wanted, limit });
  };
  const [ended, living] = await Promise.all([
    ask(queues, HISTORY_STATES),
    ask(queues.filter(isDerivedQueue), LIVING_STATES),
  ]);
  return [...ended, ...living];
}

/** Newest first; of equal age by id, so that pages do not overlap. */
const byAge = (a: JobView, b: JobView): number =>
  b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1);

async function listViews({ db, driver, clock }: InspectionDeps, filter: JobFilter): Promise<readonly JobView[]> {
  const { queue, states } = resolve(filter);
  const { kind = null, userId = null, payload = null } = filter;
  if (userId !== null && !isUuid(userId)) return [];
  const limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(filter.limit ?? DEFAULT_LIMIT)));
  const offset = Math.min(MAX_OFFSET, Math.max(0, Math.trunc(filter.offset ?? 0)));
  const now = clock.now();
  const wanted = {
    queue,
    kind,
    userId,
    payload,
    waiting: states.has('waiting'),
    delayed: states.has('delayed'),
    active: states.has('active'),
    dead: states.has('dead'),
    after: filter.after ?? null,
    limit: limit + offset,
  };
  const rows = await db.tx(OPS, (tx) => listJobs(tx, wanted, now));
  const records = await listRecords(driver, filter, { queue, states, limit: limit + offset });
  // Asked last: a job may enter the ledger between the first two questions, and the failed row of a dead job is no job of
  // its own.
  const ids = records.map(({ id }) => id);
  const known = await db.tx(OPS, (tx) => knownJobs(tx, ids));
  const views = new Map(rows.map((row) => [row.id, viewOfRow(row, now)]));
  for (const record of records) {
    if (views.has(record.id)) continue;
    const row = known.get(record.id);
    const view = row === undefined ? viewOfRecord(record) : viewOfRow(row, now);
    if (states.has(view.state)) views.set(view.id, view);
  }
  return [...views.values()].sort(byAge).slice(offset, offset + limit);
}

export function createInspection({ db, driver, clock }: InspectionDeps): Pick<JobQueue, 'get' | 'list' | 'counts'> {
  const engineCounts = new Map<string, { readonly at: number; readonly counts: EngineCounts }>();

  async function countRecords(queue: string): Promise<EngineCounts> {
    const known = engineCounts.get(queue);
    // A few thousand rows are counted at once; a week's worth is remembered for a moment.
    if (known !== undefined && known.counts.completed > MAX_OFFSET && clock.mono() - known.at < HISTORY_COUNTS_MS)
      return known.counts;
    const counts = await driver.counts(queue);
    engineCounts.set(queue, { at: clock.mono(), counts });
    return counts;
  }

  return {
    async get(jobId) {
      if (!isUuid(jobId)) return null;
      const row = await db.tx(OPS, (tx) => findJob(tx, jobId));
      if (row !== null) return viewOfRow(row, clock.now());
      const record = await driver.get(jobId);
      return record === null ? null : viewOfRecord(record);
    },

    list: (filter) => listViews({ db, driver, clock }, filter),

    async counts(name) {
      const { queue, states } = resolve({ queue: name });
      const base = queue ?? name;
      const ledger = await db.tx(OPS, (tx) => countJobs(tx, base, clock.now()));
      const none = { waiting: 0, delayed: 0, active: 0, completed: 0, failed: 0, cancelled: 0, dead: ledger.dead };
      if (!states.has('waiting')) return none;
      const engine = await countRecords(base);
      const { waiting, delayed, active } = isDerivedQueue(base) ? engine : ledger;
      const { completed, cancelled } = engine;
      const failed = Math.max(0, engine.failed - ledger.dead);
      return { waiting, delayed, active, completed, cancelled, failed, dead: ledger.dead };
    },
  };
}
