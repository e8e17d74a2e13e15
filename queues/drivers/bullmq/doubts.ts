// Claims whose answer never came: the server may have made them, or may make them once it wakes up. Nobody holds such a
// job, and no dead worker will ever be asked for it, so the process that asked gives it back itself.

import { SECOND_MS } from '../../../src/core/duration.ts';

export interface Doubt {
  readonly queue: string;
  readonly token: string;
}

export interface Doubts {
  add(doubt: Doubt): void;
  /** Those to give back now, at most once a second; a doubt ends some time after it could first be looked into. */
  due(now: number): readonly Doubt[];
  /** These were looked into. */
  lookedAt(doubts: readonly Doubt[], now: number): void;
}

const MAX_DOUBTS = 10_000;
const LOOK_EVERY_MS = SECOND_MS;
/** A request may lie in the buffers of a connection that was given up, and be read late. */
const KEEP_MS = 30 * SECOND_MS;

export function createDoubts(): Doubts {
  const open = new Map<string, { readonly doubt: Doubt; firstLookAt: number | undefined }>();
  let nextLookAt = 0;
  return {
    add(doubt) {
      if (open.size >= MAX_DOUBTS) open.delete(open.keys().next().value!);
      open.set(doubt.token, { doubt, firstLookAt: undefined });
    },
    due(now) {
      if (open.size === 0 || now < nextLookAt) return [];
      nextLookAt = now + LOOK_EVERY_MS;
      return [...open.values()].map(({ doubt }) => doubt);
    },
    lookedAt(doubts, now) {
      for (const { token } of doubts) {
        const entry = open.get(token);
        if (entry === undefined) continue;
        entry.firstLookAt ??= now;
        if (now - entry.firstLookAt > KEEP_MS) open.delete(token);
      }
    },
  };
}
