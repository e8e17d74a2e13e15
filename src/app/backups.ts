// For how long what is gone from the database is still in its backups.

import type { Config } from '../config/config.ts';
import { DAY_MS } from '../core/duration.ts';

/** When the last backup from before `now` has been thrown away. */
export function inBackupsUntil({ keys }: Pick<Config, 'keys'>, now: Date): Date {
  return new Date(now.getTime() + keys.backupDays * DAY_MS);
}
