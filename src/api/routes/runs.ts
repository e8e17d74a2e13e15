// /v1/runs: what happened, and what is happening.

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { Tx } from '../../db/database.ts';
import { cancelJob } from '../../scheduler/cancel-job.ts';
import { cancelRun, findJobOfRun } from '../../store/runs.ts';
import { findRun, listRuns, type Run } from '../../store/run-views.ts';
import type { ApiDeps, Handlers, StreamEvent } from '../call.ts';
import type { runOperations } from '../contract/runs.ts';
import { decodeCursor, pageOfRows } from '../cursor.ts';
import { hasEnded, type RunWatch } from '../run-watch.ts';
import { showRun } from '../shown.ts';

type Names = keyof typeof runOperations;
type ShownRun = ReturnType<typeof showRun>;

const cursorPlace = z.tuple([z.iso.datetime(), z.uuid()]);

async function requireRun(tx: Tx, id: string): Promise<Run> {
  const run = await findRun(tx, id);
  if (run === null) throw new AppError('not_found', `no run has the id ${id}`);
  return run;
}

/** Its counters only grow, so the same figures are the same event for a client that comes back. */
function eventIdOf({ status, pages, slices, recordsRequested, requests }: Run): string {
  return `${status}.${pages}.${slices}.${recordsRequested}.${requests}`;
}

function eventOf(run: Run): StreamEvent<ShownRun> {
  return { id: eventIdOf(run), event: hasEnded(run) ? 'end' : 'run', data: showRun(run) };
}

/** The run at once, then whenever it has changed. Its end is told in any case. */
async function* eventsOf(
  runs: RunWatch,
  first: Run,
  { signal, lastEventId }: { readonly signal: AbortSignal; readonly lastEventId: string | null },
): AsyncGenerator<StreamEvent<ShownRun>> {
  let told = lastEventId;
  if (hasEnded(first) || eventIdOf(first) !== told) yield eventOf(first);
  if (hasEnded(first)) return;
  told = eventIdOf(first);
  for await (const run of runs.watch(first.id, signal)) {
    if (eventIdOf(run) !== told || hasEnded(run)) yield eventOf(run);
    told = eventIdOf(run);
  }
}

export function runRoutes({ db, queue, clock, runs }: ApiDeps): Handlers<Names> {
  return {
    async listRuns({ query: { limit, cursor, status, ...filter }, inTx }) {
      const [createdAt, id] = cursor === undefined ? [] : decodeCursor(cursor, cursorPlace);
      const after =
        createdAt === undefined || id === undefined ? {} : { after: { createdAt: new Date(createdAt), id } };
      const only = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
      const statuses = status === undefined ? {} : { statuses: [status] };
      const rows = await inTx((tx) => listRuns(tx, { ...only, ...statuses, ...after, limit: limit + 1 }));
      return pageOfRows(rows, limit, { show: showRun, place: (run) => [run.createdAt.toISOString(), run.id] });
    },
    async getRun({ params: { runId }, inTx }) {
      return showRun(await inTx((tx) => requireRun(tx, runId)));
    },
    async cancelRun({ params: { runId }, inTx }) {
      const [{ userId }, jobId] = await inTx(async (tx) => {
        const run = await requireRun(tx, runId);
        return [run, await findJobOfRun(tx, runId)] as const;
      });
      const cancelled = jobId !== null && (await cancelJob({ db, queue, clock }, jobId));
      return { changed: cancelled || (await inTx((tx) => cancelRun(tx, { runId, userId }, clock.now()))) };
    },
    async runEvents({ params: { runId }, inTx, signal, lastEventId }) {
      const run = await inTx((tx) => requireRun(tx, runId));
      return eventsOf(runs, run, { signal, lastEventId });
    },
  };
}
