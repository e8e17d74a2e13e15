// Reads pages and stores them, one after the other, until the stream says that it is done, the slice is over, or the
// worker drains. Stops between pages only.

import { AppError } from '../core/errors.ts';
import type { Page, ReadContext } from '../connectors/contract/stream.ts';
import { createStuckGuard } from './checkpoint.ts';
import { commitPage, type CommittedPage } from './commit.ts';
import { learning } from './known-secrets.ts';
import { flushMetrics } from './flush-metrics.ts';
import { createOwnAffairs, type OwnAffairs } from './own-affairs.ts';
import { quietHttp, quietLog } from './quiet-context.ts';
import { readAhead } from './read-ahead.ts';
import { reachStep, type PlannedRun, type SyncRunDeps } from './run-state.ts';
import { validatePage } from './validate.ts';

/** `done`: everything was read. Otherwise the rest belongs to the next job. */
export type SliceEnd = 'done' | 'slice' | 'draining';

/** As many as a run keeps in all. */
const MAX_PAGE_PROBLEMS = 50;
/** More pages than any slice stores; a source without end and without checkpoints is caught by it. */
const MAX_SLICE_PAGES = 10_000;

export async function readSlice(deps: SyncRunDeps, run: PlannedRun): Promise<SliceEnd> {
  const { clock, config } = deps;
  const { job, stream, plan, meter } = run;
  const endsAt = clock.mono() + config.sliceMs;
  const reading = new AbortController();
  const signal = AbortSignal.any([job.signal, reading.signal]);
  const stop = AbortSignal.any([signal, job.draining]);
  const guard = createStuckGuard(plan.cursor);
  const affairs = createOwnAffairs();
  let { cursorVersion } = run;
  let pages = 0;
  try {
    const source = affairs.checked(stream.read(plan, contextOf(deps, run, { signal, affairs })));
    for await (const page of readAhead(source, { ahead: stream.readAhead, signal: stop })) {
      const stored = await storePage(deps, run, withoutSecrets(run, page), cursorVersion);
      cursorVersion = stored.cursorVersion;
      pages += 1;
      report(run, page, stored);
      guard.watch(page.checkpoint);
      if (meter.isDue()) await flushMetrics(deps, run);
      if (job.draining.aborted) return 'draining';
      job.signal.throwIfAborted();
      // Without a checkpoint of its own a new slice would read the same pages again: it goes on to its job's time limit.
      if (clock.mono() >= endsAt && guard.hasMoved) return 'slice';
      if (pages >= MAX_SLICE_PAGES) return endOfPages(run, guard.hasMoved);
    }
    return 'done';
  } catch (error) {
    // Between pages everything read so far is stored, so a drain needs no answer to the request in flight.
    if (job.draining.aborted && !job.signal.aborted && error === job.draining.reason) return 'draining';
    throw error;
  } finally {
    reading.abort();
  }
}

function endOfPages({ stream }: PlannedRun, hasMoved: boolean): SliceEnd {
  if (hasMoved) return 'slice';
  throw new AppError('sync.cursor_stuck', `${stream.name}: ${MAX_SLICE_PAGES} pages without a checkpoint that moves`);
}

/** What a platform complained about may quote the credential, and be endless. */
function withoutSecrets({ secrets }: PlannedRun, page: Page<unknown>): Page<unknown> {
  const { problems } = page;
  if (problems === undefined) return page;
  return { ...page, problems: problems.slice(0, MAX_PAGE_PROBLEMS).map((each) => secrets.maskReport(each)) };
}

async function storePage(
  deps: SyncRunDeps,
  run: PlannedRun,
  page: Page<unknown>,
  cursorVersion: bigint,
): Promise<CommittedPage> {
  await reachStep(deps, 'page.read');
  const { bad, ...rest } = validatePage(run.stream, run.table, page);
  const checked = { ...rest, bad: bad.map((one) => ({ ...one, error: run.secrets.mask(one.error) })) };
  await reachStep(deps, 'page.validated');
  const requests = run.meter.takeRequests();
  const stored = await commitPage(deps, { run, page, checked, cursorVersion, requests }).catch((error: unknown) => {
    run.meter.giveBackRequests(requests);
    throw error;
  });
  await reachStep(deps, 'page.committed');
  return stored;
}

function report({ log, job }: PlannedRun, { progress, problems }: Page<unknown>, stored: CommittedPage): void {
  const { synced, changed, failed, removed } = stored;
  log.emit('run.page', { synced, changed, failed, removed, problems: problems?.length ?? 0 });
  if (failed > 0) log.emit('record.quarantined', { count: failed });
  if (progress === undefined) return;
  const { done, total } = progress;
  job.progress(total === null || total === 0 ? 0 : Math.min(1, done / total), `${done} of ${total ?? 'unknown'}`);
}

function contextOf(
  { httpFor, credentials, clock, config }: SyncRunDeps,
  { run, job, connector, lease, meter, settings, log, spends, secrets }: PlannedRun,
  { signal, affairs }: { readonly signal: AbortSignal; readonly affairs: OwnAffairs },
): ReadContext<unknown, unknown> {
  const http = httpFor({
    platform: connector.platform,
    workClass: job.workClass,
    allowedHosts: connector.allowedHosts,
    onCall: (call) => meter.onCall(call),
  });
  const { integrationId } = run;
  const access = credentials({
    integrationId,
    connector,
    leaseToken: lease.token,
    runId: run.runId,
    reason: 'sync',
    workerId: job.workerId,
    http,
    signal,
    untilStored: (work) => spends.add(work),
  });
  return {
    http: quietHttp(http, secrets),
    credential: affairs.heard(learning(access, secrets)),
    settings,
    clock,
    signal,
    log: quietLog(log, secrets),
    egressId: config.egressId,
  };
}
