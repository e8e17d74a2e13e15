// Changing when something is synced: the rules, and when it fires next under the new schedule. A schedule that says nothing
// stands for the one above it: a stream's for its integration's, and that one for each stream's default interval.

import type { Tx } from '../db/database.ts';
import { findIntegration, setIntegrationSchedule } from '../store/integrations.ts';
import { setStreamSchedule, spreadSecondsOf, type NewStream, type Schedule, type StreamKey } from '../store/streams.ts';
import { checkSchedule, nextFire } from './next-fire.ts';

function saysSomething({ intervalMinutes, cron }: Schedule): boolean {
  return intervalMinutes != null || cron != null;
}

export interface ScheduleChange {
  readonly schedule: Schedule;
  /** Of the platform, with their default intervals. */
  readonly defaults?: readonly NewStream[];
  readonly now: Date;
}

function defaultOf(stream: string, defaults: readonly NewStream[] = []): Schedule {
  return { intervalMinutes: defaults.find(({ name }) => name === stream)?.intervalMinutes ?? null };
}

/** False: no such stream. Throws `input.invalid` like `checkSchedule`. */
export async function setSchedule(
  tx: Tx,
  { integrationId, stream }: StreamKey,
  { schedule, defaults, now }: ScheduleChange,
): Promise<boolean> {
  checkSchedule(schedule, now);
  const above = saysSomething(schedule) ? null : await findIntegration(tx, integrationId);
  const inherited = above !== null && saysSomething(above) ? above : null;
  const own = inherited !== null || saysSomething(schedule) ? schedule : defaultOf(stream, defaults);
  const nextSyncAt = nextFire(inherited ?? own, spreadSecondsOf({ integrationId, stream }), now);
  return await setStreamSchedule(tx, { integrationId, stream, schedule: own, nextSyncAt, now });
}

/** Of all streams of an integration, each at its own place in time. False: not found. Throws `input.invalid`. */
export async function setSchedules(
  tx: Tx,
  integrationId: string,
  { schedule, defaults = [], now }: ScheduleChange,
): Promise<boolean> {
  checkSchedule(schedule, now);
  const nextSyncAt = nextFire(schedule, 0, now);
  if (!(await setIntegrationSchedule(tx, integrationId, { schedule, nextSyncAt, now }))) return false;
  for (const { name: stream } of defaults)
    await setSchedule(tx, { integrationId, stream }, { schedule, defaults, now });
  return true;
}
