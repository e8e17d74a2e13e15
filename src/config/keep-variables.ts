// The environment variables that say how long things are kept: copies of what belongs to platforms, and what we write ourselves.

import { z } from 'zod';
import { DAY_MS, MINUTE_MS, parseDuration } from '../core/duration.ts';
import { KEEP_DEFAULTS, KEPT_NAMES, type KeepPolicy } from '../core/keep-policy.ts';
import { PLATFORM_IDS } from '../core/platforms.ts';
import { json, variable } from './variable.ts';

/** Less would erase a page before the next one is read; more is no limit. */
const RETENTION_RANGE = { leastMs: MINUTE_MS, mostMs: 3_650 * DAY_MS };

const retentionLimit = z.string('a length of time is a text like "24h"').transform((given, context): number => {
  const ms = parseDuration(given);
  if (ms !== null && ms >= RETENTION_RANGE.leastMs && ms <= RETENTION_RANGE.mostMs) return ms;
  context.addIssue({ code: 'custom', message: 'expected 1m to 3650d, like "24h", "30d" or "PT24H"' });
  return z.NEVER;
});

const retention = json.pipe(z.partialRecord(z.enum(PLATFORM_IDS), retentionLimit));

/** Less than a day would forget what is still counted and retried. */
const KEEP_RANGE = { leastMs: DAY_MS, mostMs: 36_500 * DAY_MS };

const keepLimit = z.string('a length of time is a text like "90d"').transform((given, context): number | null => {
  if (given === 'never') return null;
  const ms = parseDuration(given);
  if (ms !== null && ms >= KEEP_RANGE.leastMs && ms <= KEEP_RANGE.mostMs) return ms;
  context.addIssue({ code: 'custom', message: 'expected 1d to 36500d, like "90d" or "12w", or "never"' });
  return z.NEVER;
});

const keep = json
  .pipe(z.partialRecord(z.enum(KEPT_NAMES), keepLimit))
  .transform((given): KeepPolicy => ({ ...KEEP_DEFAULTS, ...given }));

export const KEEPING = {
  TIDEMARK_RETENTION: variable({
    about: 'How long data that belongs to a platform, not to the user, is kept since it was last fetched.',
    expected: 'JSON {"<platform>": "24h"}, each a length of time like "24h", "30d" or "PT24H"',
    default: '{}',
    example: '{"upwork":"24h"}',
    schema: retention,
  }),
  TIDEMARK_KEEP: variable({
    about: 'How long runs, events, dead letters, logs, metrics and, where you want that, messages are kept.',
    expected: `JSON {"<what>": "90d"} with "never" for ever, of ${KEPT_NAMES.join(', ')}`,
    default: '{}',
    example: '{"runs":"30d","audit":"never","messages":"1825d"}',
    schema: keep,
  }),
};
