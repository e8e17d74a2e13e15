// The history of queues: what ended when, how long it waited and how long it took. Kept in Postgres per minute and hour, so
// that it outlives every process and Redis. Here are its words; reading is in history-read.ts, writing in history-write.ts.

import { bucketOf, emptyHistogram } from '../src/core/histogram.ts';
import { SECOND_MS } from '../src/core/duration.ts';
import type { Verdict } from './verdict.ts';

/**
 * `completed`: its handler was satisfied, also when it threw the work away. `failed`: dead, whoever ended it. `cancelled`:
 * somebody asked for it. `retried`: an attempt failed and the job comes again, so this one alone is no end.
 */
export type QueueEnd = 'completed' | 'failed' | 'cancelled' | 'retried';

export interface JobTimes {
  /** From due to started. */
  readonly waitedMs: number;
  /** From started to ended. */
  readonly ranMs: number;
}

/** Where ends of jobs are told. Cheap: a few additions. */
export interface QueueHistory {
  record(queue: string, end: QueueEnd, times?: JobTimes): void;
}

/** A verdict in the words of the history; null: not counted. A snoozed job goes on, a lost one is somebody else's. */
export function endOf(verdict: Verdict['as']): QueueEnd | null {
  switch (verdict) {
    case 'completed':
    case 'discarded':
      return 'completed';
    case 'dead':
      return 'failed';
    case 'cancelled':
    case 'retried':
      return verdict;
    case 'snoozed':
    case 'lost':
      return null;
  }
}

/** Durations of one kind, in milliseconds, except that the bounds of the histogram are in seconds. */
export interface Durations {
  sum: number;
  min: number | null;
  max: number | null;
  /** Empty while nothing was counted. */
  histogram: number[];
}

/** What a queue did in one period. */
export interface Tally extends Record<QueueEnd, number> {
  readonly queue: string;
  /** Start of the period, in Unix milliseconds. */
  readonly startMs: number;
  readonly wait: Durations;
  readonly run: Durations;
}

const noDurations = (): Durations => ({ sum: 0, min: null, max: null, histogram: [] });

export function emptyTally(queue: string, startMs: number): Tally {
  return {
    queue,
    startMs,
    completed: 0,
    failed: 0,
    cancelled: 0,
    retried: 0,
    wait: noDurations(),
    run: noDurations(),
  };
}

export function addDuration(to: Durations, ms: number): void {
  if (to.histogram.length === 0) to.histogram = emptyHistogram();
  to.histogram[bucketOf(ms / SECOND_MS)]! += 1;
  to.sum += ms;
  if (to.min === null || ms < to.min) to.min = ms;
  if (to.max === null || ms > to.max) to.max = ms;
}

function mergeDurations(to: Durations, { sum, min, max, histogram }: Durations): void {
  if (min === null || max === null) return;
  to.sum += sum;
  to.min = Math.min(to.min ?? min, min);
  to.max = Math.max(to.max ?? max, max);
  to.histogram = histogram.map((count, index) => count + (to.histogram[index] ?? 0));
}

/** Adds what one period had to another one. */
export function mergeTally(to: Tally, from: Tally): void {
  to.completed += from.completed;
  to.failed += from.failed;
  to.cancelled += from.cancelled;
  to.retried += from.retried;
  mergeDurations(to.wait, from.wait);
  mergeDurations(to.run, from.run);
}
