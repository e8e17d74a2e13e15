// What processes tell each other of new work, and who is called for it: a reason, and of jobs for later the times at which
// they will be due, so that nobody needs to poll for those. Hints only: what is lost is found by polling.

import { createAlarm } from './alarm.ts';
import { WAKE_REASONS, type WakeReason } from './driver.ts';

/** Between the reason and the times, and between the times: Unix milliseconds. */
export const DUE_MARK = '@';
export const DUE_SEPARATOR = ',';
/** Times in one text; Postgres allows 8,000 bytes. */
export const MAX_DUE_TIMES = 100;

export interface Hints {
  /** Calls everybody now. */
  give(reason: WakeReason): void;
  /** What was sent as `wakeText`; false when it is none. Calls everybody now, and again at each of its times. */
  hear(text: string): boolean;
  /** Returns how to stop. */
  onWake(listener: (reason: WakeReason) => void): () => void;
  /** Forgets the times. */
  close(): void;
}

/** `dueAt`: when the jobs that this is about can be claimed; those for later are announced again at their time. */
export function wakeText(reason: WakeReason, dueAt: readonly Date[] = []): string {
  const now = Date.now();
  const times = [...new Set(dueAt.map((at) => at.getTime()).filter((at) => at > now))];
  if (times.length === 0) return reason;
  const first = times.toSorted((a, b) => a - b).slice(0, MAX_DUE_TIMES);
  return reason + DUE_MARK + first.join(DUE_SEPARATOR);
}

export function createHints(): Hints {
  const listeners = new Set<(reason: WakeReason) => void>();
  const alarm = createAlarm();
  const give = (reason: WakeReason): void => {
    for (const listener of listeners) listener(reason);
  };
  alarm.onRing(() => give('jobs'));
  return {
    give,
    hear(text) {
      const [name, times = ''] = text.split(DUE_MARK);
      const reason = WAKE_REASONS.find((known) => known === name);
      if (reason === undefined) return false;
      const now = Date.now();
      for (const at of times.split(DUE_SEPARATOR).map(Number)) if (at > now) alarm.ringIn(at - now);
      give(reason);
      return true;
    },
    onWake(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => alarm.close(),
  };
}
