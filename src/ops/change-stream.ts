// Changing a stream on an operator's behalf, under one set of rules for the command line, the API and the boards.

import type { Tx } from '../db/database.ts';
import { checkSchedule, nextFire } from '../scheduler/next-fire.ts';
import {
  disableStream,
  enableStream,
  setStreamSchedule,
  spreadSecondsOf,
  unparkStream,
  type Schedule,
  type StreamKey,
} from '../store/streams.ts';

export interface StreamChange {
  readonly schedule?: Schedule | undefined;
  readonly enabled?: boolean | undefined;
  /** Try again after a person acted. */
  readonly unpark?: true | undefined;
  readonly now: Date;
}

/** False: no such stream, and nothing is changed. Throws `input.invalid` for a schedule that cannot be. */
export async function changeStream(
  tx: Tx,
  { integrationId, stream }: StreamKey,
  { schedule, enabled, unpark, now }: StreamChange,
): Promise<boolean> {
  const key = { integrationId, stream };
  const found: boolean[] = [];
  if (schedule !== undefined) {
    checkSchedule(schedule, now);
    const nextSyncAt = nextFire(schedule, spreadSecondsOf(key), now);
    found.push(await setStreamSchedule(tx, { ...key, schedule, nextSyncAt, now }));
  }
  if (enabled === true) found.push(await enableStream(tx, key, now));
  if (enabled === false) found.push(await disableStream(tx, key, now));
  if (unpark === true) found.push(await unparkStream(tx, key, now));
  return !found.includes(false);
}
