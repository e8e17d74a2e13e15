// Changing the schedule of a stream: the rules, and when it fires next under the new one.

import type { Tx } from '../db/database.ts';
import { setStreamSchedule, spreadSecondsOf, type Schedule, type StreamKey } from '../store/streams.ts';
import { checkSchedule, nextFire } from './next-fire.ts';

/** False: no such stream. Throws `input.invalid` like `checkSchedule`. */
export function setSchedule(tx: Tx, key: StreamKey, schedule: Schedule, now: Date): Promise<boolean> {
  checkSchedule(schedule, now);
  const { integrationId, stream } = key;
  const nextSyncAt = nextFire(schedule, spreadSecondsOf(key), now);
  return setStreamSchedule(tx, { integrationId, stream, schedule, nextSyncAt, now });
}
