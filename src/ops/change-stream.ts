// Changing a stream on an operator's behalf, under one set of rules for the command line, the API and the boards.

import type { Tx } from '../db/database.ts';
import { setSchedule } from '../scheduler/set-schedule.ts';
import {
  disableStream,
  enableStream,
  unparkStream,
  type NewStream,
  type Schedule,
  type StreamKey,
} from '../store/streams.ts';

export interface StreamChange {
  readonly schedule?: Schedule | undefined;
  /** What a schedule that says nothing falls back to. */
  readonly defaults?: readonly NewStream[];
  readonly enabled?: boolean | undefined;
  /** Try again after a person acted. */
  readonly unpark?: true | undefined;
  readonly now: Date;
}

/** False: no such stream, and nothing is changed. Throws `input.invalid` for a schedule that cannot be. */
export async function changeStream(
  tx: Tx,
  { integrationId, stream }: StreamKey,
  { schedule, defaults, enabled, unpark, now }: StreamChange,
): Promise<boolean> {
  const key = { integrationId, stream };
  const found: boolean[] = [];
  if (schedule !== undefined) {
    found.push(await setSchedule(tx, key, { schedule, ...(defaults ? { defaults } : {}), now }));
  }
  if (enabled === true) found.push(await enableStream(tx, key, now));
  if (enabled === false) found.push(await disableStream(tx, key, now));
  if (unpark === true) found.push(await unparkStream(tx, key, now));
  return !found.includes(false);
}
