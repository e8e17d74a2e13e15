// How long what we write ourselves is kept: runs, events, dead letters, logs, metrics. Records of users are not among it, but for
// messages, and those only where an operator says so.

import { DAY_MS } from './duration.ts';

/** What can be kept for a while, with what happens where nobody says otherwise; null: for ever. */
export const KEEP_DEFAULTS = {
  /** Runs that ended. */
  runs: 90 * DAY_MS,
  /** Raw records that did not fit, sealed. */
  quarantine: 90 * DAY_MS,
  /** Events of platforms that were not processed; processed ones go sooner. */
  inbox: 90 * DAY_MS,
  /** Jobs that ended dead. */
  dead_jobs: 90 * DAY_MS,
  /** Platform metrics by minute, by hour, by day. */
  metric_minutes: 3 * DAY_MS,
  metric_hours: 90 * DAY_MS,
  metric_days: 730 * DAY_MS,
  /** Who did what, and what concerned security: by whole months. */
  audit: 730 * DAY_MS,
  security: 730 * DAY_MS,
  /** Messages, by whole months: they are the users' own. */
  messages: null,
} as const satisfies Record<string, number | null>;

export type KeptName = keyof typeof KEEP_DEFAULTS;
export const KEPT_NAMES = Object.keys(KEEP_DEFAULTS) as readonly KeptName[];

/** Milliseconds by name; null: for ever. */
export type KeepPolicy = Readonly<Record<KeptName, number | null>>;

/** What is older than this goes; null: nothing does. */
export function keptSince(policy: KeepPolicy, name: KeptName, now: Date): Date | null {
  const keptMs = policy[name];
  return keptMs === null ? null : new Date(now.getTime() - keptMs);
}
