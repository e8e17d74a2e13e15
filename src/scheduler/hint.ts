// Runs because a platform said that something is new. Such a word costs next to nothing to say, so runs that it begins are at most
// ten times as frequent as the stream's schedule and never more than one a minute; whatever is said in between pulls the next
// run of the schedule forward. No hint is lost, and a flood of them is one run now and one later.

import { MINUTE_MS } from '../core/duration.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { Tx } from '../db/database.ts';
import { hurryStreams, lastHintedRuns } from '../store/push-hints.ts';
import { lockStreams, type StreamView } from '../store/streams.ts';
import { beginRuns, type TriggerDeps } from './trigger.ts';

export interface Hint {
  readonly integrationId: string;
  readonly platformId: PlatformId;
  readonly streams: readonly string[];
}

/** Where a stream goes by a cron expression. */
const USUAL_MINUTES = 60;
const TIMES_AS_OFTEN = 10;

/** The least time between two runs that hints begin, in milliseconds. */
function gapMs({ intervalMinutes }: StreamView): number {
  return Math.max(MINUTE_MS, ((intervalMinutes ?? USUAL_MINUTES) * MINUTE_MS) / TIMES_AS_OFTEN);
}

/** In the scope of the user. Streams that are not there, disabled or parked are passed over. */
export async function hintIn(
  tx: Tx,
  deps: Omit<TriggerDeps, 'db'>,
  { integrationId, platformId, streams }: Hint,
): Promise<void> {
  const now = deps.clock.now();
  const locked = await lockStreams(tx, integrationId, streams);
  const able = locked.filter(({ enabled, status }) => enabled && status === 'active');
  if (able.length === 0) return;
  const last = await lastHintedRuns(
    tx,
    integrationId,
    able.map(({ stream }) => stream),
  );
  const dated = able.map((stream) => {
    const before = last.get(stream.stream);
    return { stream, at: before === undefined ? now : new Date(before.getTime() + gapMs(stream)) };
  });
  const due = dated.filter(({ at }) => at <= now).map(({ stream }) => stream);
  const request = { workClass: 'incremental', trigger: 'webhook' } as const;
  if (due.length > 0) await beginRuns(tx, deps, { platformId, streams: due, request });
  const later = dated.filter(({ at }) => at > now).map(({ stream, at }) => ({ stream: stream.stream, at }));
  await hurryStreams(tx, integrationId, later, now);
}
