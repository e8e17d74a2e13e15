// tidemark integrations sync: runs now, and on request waits for their end with progress.

import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { triggerSync } from '../../scheduler/trigger.ts';
import { listRuns, type Run } from '../../store/run-views.ts';
import type { CommandContext } from '../command.ts';
import { table } from '../output.ts';
import { createProgress } from '../progress.ts';
import { requireIntegration } from '../lookup.ts';

interface SyncOptions {
  readonly stream?: string;
  readonly full?: true;
  readonly wait?: true;
}

const POLL_MS = 300;
const ENDED: ReadonlySet<Run['status']> = new Set(['success', 'partial', 'failed', 'cancelled']);

function recordsOf(runs: readonly Run[]): number {
  return runs.reduce((sum, run) => sum + run.recordsSynced, 0);
}

/** Polls the runs until all have ended or the signal fires. */
async function waitForEnd(
  context: CommandContext,
  integrationId: string,
  ids: ReadonlySet<string>,
): Promise<readonly Run[]> {
  const { api } = await context.session();
  const progress = createProgress('runs', context.output);
  try {
    for (;;) {
      const recent = await api.tx({ kind: 'ops' }, (tx) => listRuns(tx, { integrationId, limit: 200 }));
      const runs = recent.filter(({ id }) => ids.has(id));
      const ended = runs.filter(({ status }) => ENDED.has(status)).length;
      progress.update(ended, ids.size, `${recordsOf(runs)} records`);
      if (ended === ids.size) return runs;
      await delay(POLL_MS, undefined, { signal: context.signal });
    }
  } finally {
    progress.stop();
    if (context.signal.aborted) context.output.note('no longer waiting: the runs go on, see `tidemark runs list`');
  }
}

export async function syncIntegration(
  context: CommandContext,
  { stream, full, wait }: SyncOptions,
  [id = '']: readonly string[],
): Promise<void> {
  await requireIntegration(context, id);
  const { api, queue } = await context.session();
  const batch = await triggerSync(
    { db: api, queue, clock: systemClock },
    {
      integrationId: id,
      stream,
      syncType: full === true ? 'full' : undefined,
      trigger: 'manual',
      workClass: 'interactive',
      scope: { kind: 'ops' },
    },
  );
  if (wait !== true) {
    context.output.result(batch, () => {
      context.output.line(
        table(
          ['stream', 'run', 'note'],
          batch.runs.map((run) => [run.stream, run.runId, run.coalesced ? 'joined a run that waits' : 'queued']),
        ),
      );
    });
    return;
  }
  const runs = await waitForEnd(context, id, new Set(batch.runs.map(({ runId }) => runId)));
  context.output.result({ batchId: batch.batchId, runs }, () => {
    const rows = runs.map((run) => [
      run.stream,
      run.syncType,
      run.status,
      run.recordsSynced,
      run.recordsChanged,
      run.recordsFailed,
      run.requests,
      run.errorMessage,
    ]);
    context.output.line(table(['stream', 'type', 'status', 'records', 'changed', 'failed', 'requests', 'error'], rows));
  });
  const failed = runs.filter(({ status }) => status === 'failed' || status === 'cancelled');
  if (failed.length > 0)
    throw new AppError('run.unsuccessful', `${failed.length} of ${runs.length} runs did not succeed`);
}
