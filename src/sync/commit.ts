// One page, stored once or not at all: position, rows, counters, quarantine and dirty days in one transaction that begins
// with the fence. It must never write after a check of the fence or of the cursor's version has failed.

import { AppError } from '../core/errors.ts';
import { noteBefore } from '../core/retention.ts';
import type { Tx } from '../db/database.ts';
import type { Page, PageMode } from '../connectors/contract/stream.ts';
import { saveBackfillPosition } from '../store/backfills.ts';
import { markDirtyDays } from '../store/dirty-days.ts';
import { holdTimezone } from '../store/hold-timezone.ts';
import { quarantineRecords } from '../store/quarantine.ts';
import { noteExpiry } from '../store/parking.ts';
import { countPage } from '../store/run-progress.ts';
import { advanceStream } from '../store/stream-position.ts';
import { upsertRecords, NOTHING_UPSERTED, type UpsertTarget } from '../store/upsert.ts';
import { addResults, isRowRefused, upsertBisected, type StoredCandidates } from './bisect.ts';
import { storedForm } from './checkpoint.ts';
import { toQuarantineRows } from './quarantine.ts';
import { leaseScope, reachStep, type PlannedRun, type SyncRunDeps } from './run-state.ts';
import { applyScope, type ScopeEffect } from './scope.ts';
import type { BadRecord, Candidate, ValidatedPage } from './validate.ts';

export interface CommittedPage {
  readonly cursorVersion: bigint;
  readonly synced: number;
  readonly changed: number;
  readonly failed: number;
  readonly removed: number;
}

type CommitDeps = Pick<SyncRunDeps, 'db' | 'sealer' | 'clock' | 'onStep' | 'config'>;

interface PageCommit {
  readonly run: PlannedRun;
  readonly page: Page<unknown>;
  readonly checked: ValidatedPage;
  /** Version of the cursor that this page follows. */
  readonly cursorVersion: bigint;
  readonly requests: number;
  readonly store: (
    tx: Tx,
    run: PlannedRun,
    target: UpsertTarget,
    good: readonly Candidate[],
  ) => Promise<StoredCandidates>;
}

const MAX_STATEMENT_ROWS = 1_000;

/**
 * Throws `sync.lease_lost` (another worker took the stream), `sync.checkpoint_conflict` (the position was moved),
 * `sync.run_settled` (cancelled meanwhile), `sync.delete_brake`, `sync.page_invalid`, `db.*`; nothing is written then.
 */
export async function commitPage(deps: CommitDeps, commit: Omit<PageCommit, 'store'>): Promise<CommittedPage> {
  try {
    return await commitOnce(deps, { ...commit, store: storeWhole });
  } catch (error) {
    if (!isRowRefused(error)) throw error;
    return await commitOnce(deps, { ...commit, store: storeBisected });
  }
}

async function storeWhole(
  tx: Tx,
  { table }: PlannedRun,
  target: UpsertTarget,
  good: readonly Candidate[],
): Promise<StoredCandidates> {
  let result = NOTHING_UPSERTED;
  for (let at = 0; at < good.length; at += MAX_STATEMENT_ROWS) {
    const records = good.slice(at, at + MAX_STATEMENT_ROWS).map(({ record }) => record);
    result = addResults(result, await upsertRecords(tx, table, target, records));
  }
  return { result, refused: [] };
}

function storeBisected(
  tx: Tx,
  { table }: PlannedRun,
  target: UpsertTarget,
  good: readonly Candidate[],
): Promise<StoredCandidates> {
  return upsertBisected(tx, table, target, good);
}

async function commitOnce(deps: CommitDeps, commit: PageCommit): Promise<CommittedPage> {
  const { db } = deps;
  const { run, checked } = commit;
  const { userId } = run.run;
  const planned = targetOf(deps, run);
  return await db.tx(leaseScope(run.lease.token), async (tx) => {
    await reachStep(deps, 'tx.begun');
    const cursorVersion = await advance(tx, commit, planned.now);
    await reachStep(deps, 'tx.checkpointed');
    const target = { ...planned, timezone: await holdTimezone(tx, userId) };
    const { result, refused } = await commit.store(tx, run, target, checked.good);
    const bad = [...checked.bad, ...refused];
    const keys = [...checked.good, ...checked.bad].map(({ key }) => key);
    const scope = await applyScope(tx, {
      mode: modeOf(commit),
      stream: run.stream.name,
      target,
      table: run.table,
      keys,
    });
    await reachStep(deps, 'tx.upserted');
    const synced = checked.good.length - refused.length;
    const changed = result.inserted + result.changed;
    await count(tx, commit, { synced, changed, failed: bad.length, scope, now: target.now });
    await reachStep(deps, 'tx.counted');
    await quarantine(tx, deps, run, { bad, now: target.now });
    await reachStep(deps, 'tx.quarantined');
    await noteEnd(tx, commit);
    await markDirtyDays(tx, userId, [...new Set([...result.dirtyDays, ...scope.dirtyDays])]);
    await reachStep(deps, 'tx.marked');
    return { cursorVersion, synced, changed, failed: bad.length, removed: scope.removed };
  });
}

function targetOf({ clock, config }: CommitDeps, { run, connector, stream }: PlannedRun): UpsertTarget {
  const { userId, integrationId, timezone } = run;
  const now = clock.now();
  const limitMs = stream.owner === 'platform' ? config.retention?.[connector.platform] : undefined;
  return {
    userId,
    integrationId,
    timezone,
    now,
    ...(limitMs === undefined ? {} : { noteBefore: noteBefore(limitMs, now) }),
  };
}

/** A window is no snapshot: what a backfill does not see may well be there. */
function modeOf({ run, page }: PageCommit): PageMode {
  return run.plan.type === 'backfill' ? { kind: 'upsert' } : page.mode;
}

/** The row lock that everything else of the page waits behind. */
async function advance(tx: Tx, { run, page, cursorVersion }: PageCommit, now: Date): Promise<bigint> {
  const { type, since, until } = run.plan;
  const stored = storedForm(page.checkpoint, run.stream.cursor, { type, since, until });
  const isBackfill = type === 'backfill';
  const moved = await advanceStream(tx, run.lease, {
    // The stream's position belongs to the usual passes; a backfill only proves that it may write.
    cursor: isBackfill ? undefined : stored,
    expectedVersion: cursorVersion,
    covered: page.covered,
    now,
  });
  switch (moved.kind) {
    case 'advanced':
      if (isBackfill && stored !== undefined)
        await saveBackfillPosition(tx, run.run.runId, { ...stored, savedAt: now.toISOString() });
      return moved.version;
    case 'lease_lost':
      throw new AppError(
        'sync.lease_lost',
        `expected fence ${run.lease.fence} on ${run.stream.name}: it was taken over`,
      );
    case 'version_conflict':
      throw new AppError(
        'sync.checkpoint_conflict',
        `expected cursor version ${cursorVersion} on ${run.stream.name}, found ${moved.found}`,
      );
  }
}

/** Of a credential that is renewed the vault knows better. */
async function noteEnd(tx: Tx, { run, page }: PageCommit): Promise<void> {
  const { credentialExpiresAt } = page;
  if (credentialExpiresAt === undefined || run.connector.auth.kind === 'oauth2') return;
  if (Number.isNaN(credentialExpiresAt.getTime()))
    throw new AppError('sync.page_invalid', `expected ${run.stream.name} to say when the credential ends, got no date`);
  await noteExpiry(tx, run.run.integrationId, credentialExpiresAt);
}

interface Counted {
  readonly synced: number;
  readonly changed: number;
  readonly failed: number;
  readonly scope: ScopeEffect;
  readonly now: Date;
}

async function count(tx: Tx, { run, page, checked, requests }: PageCommit, counted: Counted): Promise<void> {
  const { synced, changed, failed, scope, now } = counted;
  const { duplicates, cleanedTexts } = checked;
  const problems = [...(page.problems ?? []), ...scope.problems];
  const counts = { synced, changed, failed, duplicates, cleanedTexts, requests, problems, progress: page.progress };
  if (await countPage(tx, run.run.runId, counts, now)) return;
  throw new AppError('sync.run_settled', `expected run ${run.run.runId} to be running: it was cancelled or settled`);
}

async function quarantine(
  tx: Tx,
  { sealer }: CommitDeps,
  { run, connector, stream }: PlannedRun,
  { bad, now }: { readonly bad: readonly BadRecord[]; readonly now: Date },
): Promise<void> {
  if (bad.length === 0) return;
  const { runId, userId, integrationId } = run;
  const rows = toQuarantineRows(bad, { sealer, userId, integrationId, platform: connector.platform });
  await quarantineRecords(tx, { userId, integrationId, stream: stream.name, runId, now }, rows);
}
