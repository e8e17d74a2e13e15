// What a run is to read: stream state + policy + now → plan. Pure.

import { DAY_MS } from '../core/duration.ts';
import type { Plan, StreamCursor } from '../connectors/contract/stream.ts';
import type { Backfill } from '../store/run-progress.ts';
import type { PassType } from '../store/runs.ts';
import { readBackfillPosition, readPosition, type Pass } from './checkpoint.ts';
import { windowStart } from './window.ts';

export interface PlanPolicy {
  readonly fullEveryMs: number | null;
  readonly lookbackMs: number;
  readonly cursor: StreamCursor<unknown>;
  highWaterMark(cursor: unknown): Date | null;
}

export interface StreamState {
  /** `integration_streams.cursor` as stored. */
  readonly stored: unknown;
  readonly lastFullAt: Date | null;
  readonly requested: PassType;
}

/** Positions inside a pass (offsets, page tokens) rot; an older unfinished pass is not taken up again. */
const PASS_MAX_AGE_MS = DAY_MS;

/**
 * - a position that this version of the stream cannot read: everything, from the start
 * - an unfinished pass: the rest of it, with the bounds it began with
 * - a full pass is asked for or due: everything, from the start
 * - otherwise: what changed since the high-water mark minus the lookback
 */
export function planRun({ stored, lastFullAt, requested }: StreamState, policy: PlanPolicy, now: Date): Plan<unknown> {
  const position = readPosition(stored, policy.cursor);
  if (position === null) return fromStart(now);
  if (position.pass !== null && canResume(position.pass, requested, now)) {
    return { ...position.pass, cursor: position.cursor };
  }
  if (requested !== 'incremental' || isFullDue(lastFullAt, policy.fullEveryMs, now)) return fromStart(now);
  const since = windowStart(policy.highWaterMark(position.cursor), policy.lookbackMs, now);
  return { type: 'incremental', cursor: position.cursor, since, until: now };
}

/** A window of the past, or the rest of one: whatever the stream's own position is, and without moving it. */
export function planBackfill(
  { from, to, position }: Backfill,
  { cursor }: Pick<PlanPolicy, 'cursor'>,
  now: Date,
): Plan<unknown> {
  const resumed = readBackfillPosition(position, cursor, new Date(now.getTime() - PASS_MAX_AGE_MS));
  if (resumed?.pass != null) return { ...resumed.pass, cursor: resumed.cursor };
  return { type: 'backfill', cursor: null, since: from, until: to ?? now };
}

function fromStart(now: Date): Plan<unknown> {
  return { type: 'full', cursor: null, since: null, until: now };
}

function canResume(pass: Pass, requested: PassType, now: Date): boolean {
  if (now.getTime() - pass.until.getTime() > PASS_MAX_AGE_MS) return false;
  return requested === 'incremental' || pass.type !== 'incremental';
}

function isFullDue(lastFullAt: Date | null, fullEveryMs: number | null, now: Date): boolean {
  if (fullEveryMs === null) return false;
  return lastFullAt === null || now.getTime() - lastFullAt.getTime() >= fullEveryMs;
}
