// Hands a run's platform metrics to the store, in a transaction of its own: requests were made whether their page was
// stored or not. A loss of metrics must never fail a run.

import { reportOf } from '../core/errors.ts';
import { addPlatformMetrics } from '../store/platform-metrics.ts';
import { leaseScope, type HeldRun, type SyncRunDeps } from './run-state.ts';

export async function flushMetrics(
  { db }: Pick<SyncRunDeps, 'db'>,
  { run, lease, meter, log }: HeldRun,
): Promise<void> {
  const samples = meter.takeSamples();
  if (samples.length === 0) return;
  try {
    await db.tx(leaseScope(lease.token), (tx) => addPlatformMetrics(tx, run, samples));
  } catch (error) {
    log.emit('metrics.lost', { error: reportOf(error) });
  }
}
