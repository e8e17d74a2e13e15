// What people and boards see: the ledger tells of jobs that live and of the dead letter, the engine of those that ended.
// A queue's name may be that of its dead letter, which then shows exactly the dead.

import { SECOND_MS } from '../src/core/duration.ts';
import type { Clock } from '../src/core/clock.ts';
import { isUuid } from '../src/core/ids.ts';
import { workClassOf } from '../src/core/work-class.ts';
import type { Database, Tx } from '../src/db/database.ts';
import { KINDS, isJobKind } from './catalog.ts';
import type { EngineDriver, EngineRecord, HistoryState } from './driver.ts';
import * as ledger from './ledger.ts';
import type { JobFilter, JobQueue, JobView } from './port.ts';
import { JOB_STATES, type JobState } from './states.ts';

interface InspectionDeps {
  readonly db: Database;
  readonly driver: EngineDriver;
  readonly clock: Clock;
}

const MAX_LIMIT = 200;
const DEFAULT_LIMIT = 50;
const MAX_OFFSET = 10_000;
const DEAD_SUFFIX = '-dead';
/** Counting a week of history is not for every poll of every board. */
const HISTORY_COUNTS_MS = 5 * SECOND_MS;
const HISTORY_STATES: readonly HistoryState[] = ['completed', 'cancelled', 'failed'];

export function viewOfRow(row: ledger.LedgerRow, now: Date): JobView {
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

export function viewOfRecord({
  id,
  kind,
  queue,
  state,
  payload,
  meta,
  output,
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
    runAt: createdAt,
    startedAt,
    finishedAt,
    workerId: output?.workerId ?? null,
    progress: null,
    result: output?.result ?? null,
    error: output?.error ?? null,
  };
}

type HistoryCounts = Readonly<Record<HistoryState, number>>;

interface Resolved {
  readonly queue: string | null;
  readonly states: ReadonlySet<JobState>;
}

/** Base queue and states behind a filter: of a dead letter, only the dead. */
function resolve({ queue, states }: JobFilter): Resolved {
  const wanted = new Set(states === undefined || states.length === 0 ? JOB_STATES : states);
  if (queue?.endsWith(DEAD_SUFFIX) !== true) return { queue: queue ?? null, states: wanted };
  return { queue: queue.slice(0, -DEAD_SUFFIX.length), states: new Set(wanted.has('dead') ? ['dead'] : []) };
}

async function listHistory(driver: EngineDriver, filter: JobFilter, resolved: Resolved, limit: number) {
  const { queue, states } = resolved;
  const wanted = HISTORY_STATES.filter((state) => states.has(state));
  if (wanted.length === 0) return [];
  const { kind, userId } = filter;
  return await driver.list({
    ...(queue === null ? {} : { queues: [queue] }),
    ...(kind === undefined ? {} : { kind }),
    ...(userId === undefined ? {} : { userId }),
    states: wanted,
    limit,
  });
}

export function createInspection({ db, driver, clock }: InspectionDeps): Pick<JobQueue, 'get' | 'list' | 'counts'> {
  const historyCounts = new Map<string, { readonly at: number; readonly counts: HistoryCounts }>();
  const inOps = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => db.tx({ kind: 'ops' }, work);

  async function countHistory(queue: string): Promise<HistoryCounts> {
    const known = historyCounts.get(queue);
    // A few thousand rows are counted at once; a week's worth is remembered for a moment.
    if (known !== undefined && known.counts.completed > MAX_OFFSET && clock.mono() - known.at < HISTORY_COUNTS_MS)
      return known.counts;
    const counts = await driver.counts(queue);
    historyCounts.set(queue, { at: clock.mono(), counts });
    return counts;
  }

  return {
    async get(jobId) {
      if (!isUuid(jobId)) return null;
      const row = await inOps((tx) => ledger.findJob(tx, jobId));
      if (row !== null) return viewOfRow(row, clock.now());
      const record = await driver.get(jobId);
      return record === null ? null : viewOfRecord(record);
    },

    async list(filter) {
      const { queue, states } = resolve(filter);
      const limit = Math.min(MAX_LIMIT, Math.max(1, Math.trunc(filter.limit ?? DEFAULT_LIMIT)));
      const offset = Math.min(MAX_OFFSET, Math.max(0, Math.trunc(filter.offset ?? 0)));
      const now = clock.now();
      const wanted = {
        queue,
        kind: filter.kind ?? null,
        userId: filter.userId ?? null,
        waiting: states.has('waiting'),
        delayed: states.has('delayed'),
        active: states.has('active'),
        dead: states.has('dead'),
        limit: limit + offset,
      };
      const rows = await inOps((tx) => ledger.listJobs(tx, wanted, now));
      const records = await listHistory(driver, filter, { queue, states }, limit + offset);
      const living = new Set(rows.map(({ id }) => id));
      // The engine's failed row of a dead job is the same job.
      const ended = records.filter(({ id, state }) => state !== 'failed' || !living.has(id)).map(viewOfRecord);
      return [...rows.map((row) => viewOfRow(row, now)), ...ended]
        .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1))
        .slice(offset, offset + limit);
    },

    async counts(name) {
      const { queue, states } = resolve({ queue: name });
      const living = await inOps((tx) => ledger.countJobs(tx, queue ?? name, clock.now()));
      const none = { waiting: 0, delayed: 0, active: 0, completed: 0, failed: 0, cancelled: 0, dead: living.dead };
      if (!states.has('waiting')) return none;
      const ended = await countHistory(queue ?? name);
      const { completed, cancelled } = ended;
      return { ...none, ...living, completed, cancelled, failed: Math.max(0, ended.failed - living.dead) };
    },
  };
}
