// Rows as the API shows them: instants as text, and nothing that the contract does not name.

import type { Integration } from '../store/integrations.ts';
import type { Run } from '../store/run-views.ts';
import type { StreamView } from '../store/streams.ts';
import type { User } from '../store/users.ts';
import { redactedReport } from '../telemetry/redacted.ts';

export const iso = (at: Date | null): string | null => at?.toISOString() ?? null;

export const showUser = ({ createdAt, ...user }: User) => ({ ...user, createdAt: createdAt.toISOString() });

export const showIntegration = ({ platformId, pausedAt, lastSyncAt, nextSyncAt, createdAt, ...rest }: Integration) => ({
  ...rest,
  platform: platformId,
  pausedAt: iso(pausedAt),
  lastSyncAt: iso(lastSyncAt),
  nextSyncAt: iso(nextSyncAt),
  createdAt: createdAt.toISOString(),
});

export const showStream = ({ nextSyncAt, lastFullAt, lastSuccessAt, ...stream }: StreamView) => ({
  ...stream,
  nextSyncAt: iso(nextSyncAt),
  lastFullAt: iso(lastFullAt),
  lastSuccessAt: iso(lastSuccessAt),
});

/** What a page noted of its progress: `done` of `total` records, or nothing that can be put in figures. */
function percentOf({ status, progress }: Run): number | null {
  if (status === 'success' || status === 'partial') return 100;
  const { done, total } = (progress ?? {}) as { readonly done?: unknown; readonly total?: unknown };
  if (typeof done !== 'number' || typeof total !== 'number' || total <= 0) return null;
  return Math.min(100, Math.round((done / total) * 1_000) / 10);
}

export const showRun = (run: Run) => ({
  ...run,
  percent: percentOf(run),
  window: run.window === null ? null : { from: run.window.from.toISOString(), to: iso(run.window.to) },
  errors: run.errors.map(redactedReport),
  createdAt: run.createdAt.toISOString(),
  startedAt: iso(run.startedAt),
  completedAt: iso(run.completedAt),
});
