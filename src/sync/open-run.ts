// The beginning of a run: is it still wanted, is its stream free, what is there to read.

import { discard, snooze, type Outcome } from '../../queues/outcome.ts';
import type { JobContext } from '../../queues/port.ts';
import { SECOND_MS } from '../core/duration.ts';
import { AppError, reportOf } from '../core/errors.ts';
import { finishRun, loadRun, startRun, type RunView } from '../store/run-progress.ts';
import { tableOf } from '../store/record-tables/tables.ts';
import { takeStream, type TakenStream } from '../store/stream-leases.ts';
import { planBackfill, planRun } from './plan.ts';
import { createRunMeter } from './run-meter.ts';
import { createKnownSecrets } from './known-secrets.ts';
import { createSpends } from './spends.ts';
import { leaseScope, type HeldRun, type PlannedRun, type SyncRunDeps } from './run-state.ts';

/** How long to leave a stream to another worker that still holds it. */
const HELD_WAIT_MS = 2 * SECOND_MS;
const UNSETTLED: ReadonlySet<string> = new Set(['queued', 'running', 'waiting']);

export interface Taken extends Pick<TakenStream, 'cursor' | 'cursorVersion' | 'lastFullAt'> {
  readonly kind: 'taken';
  readonly held: HeldRun;
}

export type Opening = Taken | { readonly kind: 'settled'; readonly outcome: Outcome };

const settled = (outcome: Outcome): Opening => ({ kind: 'settled', outcome });

/** Takes the run's stream under a new fence, unless there is nothing to do. */
export async function takeRun(
  { db, clock }: SyncRunDeps,
  job: JobContext<'sync.run'>,
  token: string,
): Promise<Opening> {
  const { runId } = job.payload;
  const now = clock.now();
  return await db.tx(leaseScope(token), async (tx) => {
    const run = await loadRun(tx, runId);
    if (run === null || !UNSETTLED.has(run.status)) return settled(discard('the run is settled'));
    const refusal = findRefusal(run);
    if (refusal !== null) {
      await finishRun(tx, runId, { status: 'cancelled', requests: 0, error: reportOf(refusal), now });
      return settled(discard(refusal.message));
    }
    const { integrationId, stream } = run;
    const taken = await takeStream(tx, { integrationId, stream, token, workerId: job.workerId, now });
    if (taken === null) return settled(snooze(HELD_WAIT_MS, 'another worker holds the stream'));
    const runLog = job.log.with({ runId, integrationId, stream });
    const held = {
      run,
      lease: taken.lease,
      meter: createRunMeter(clock),
      spends: createSpends(),
      secrets: createKnownSecrets(),
      log: runLog,
    };
    return { kind: 'taken', ...taken, held };
  });
}

/** Why this run must not go ahead. A person's own try may: it is how a parked stream is found to work again. */
function findRefusal({ stream, streamStatus, integrationStatus, isPaused, trigger }: RunView): AppError | null {
  const isOwnTry = trigger === 'manual' || trigger === 'api';
  if (isPaused || integrationStatus === 'disconnected') {
    return new AppError('input.invalid', 'the integration is paused or disconnected, or its user is not active');
  }
  if (streamStatus === 'gone') return new AppError('platform.method_gone', `the platform has switched ${stream} off`);
  if (isOwnTry) return null;
  if (integrationStatus === 'error') return new AppError('input.invalid', 'the integration is parked');
  return streamStatus === 'parked' ? new AppError('input.invalid', `stream ${stream} is parked`) : null;
}

/** Decides what to read and puts the run to `running`. Throws `config.invalid`, `sync.run_settled`. */
export async function planTaken(
  { db, clock, connectors }: SyncRunDeps,
  job: JobContext<'sync.run'>,
  { held, cursor, cursorVersion, lastFullAt }: Taken,
): Promise<PlannedRun> {
  const { run, lease } = held;
  const connector = connectors.get(run.platformId);
  const stream = connector?.streams.find(({ name }) => name === run.stream);
  if (connector === undefined || stream === undefined) {
    throw new AppError('config.invalid', `expected a known stream, got ${run.platformId}/${run.stream}`);
  }
  const settings = connector.settings.safeParse(run.settings);
  if (!settings.success) {
    const [issue] = settings.error.issues;
    throw new AppError('config.invalid', `settings: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const now = clock.now();
  const { backfill, requested } = run;
  const plan =
    backfill === null
      ? planRun({ stored: cursor, lastFullAt, requested: requested === 'full' ? 'full' : 'incremental' }, stream, now)
      : planBackfill(backfill, stream, now);
  const started = await db.tx(leaseScope(lease.token), (tx) => startRun(tx, run.runId, { syncType: plan.type, now }));
  if (!started) throw new AppError('sync.run_settled', `expected run ${run.runId} to be unsettled`);
  held.log.emit('run.started', { syncType: plan.type, since: plan.since, fence: String(lease.fence) });
  return { ...held, job, connector, stream, table: tableOf(stream.kind), settings: settings.data, plan, cursorVersion };
}
