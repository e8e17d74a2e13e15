// A page of a log that grows at its end: newest first, after the last row of the page before.

import { sql } from '../db/sql.ts';

export interface LogPage {
  /** At most 1,000. */
  readonly limit: number;
  /** The last row of the page before. */
  readonly after?: { readonly at: Date; readonly id: string } | undefined;
}

/** End of a query whose first two parameters are its filter; `logPageValues` are the others. */
export const LOG_PAGE = sql`
      and ($3::timestamptz is null or (at, id) < ($3, $4::uuid))
    order by at desc, id desc
    limit $5`;

export function logPageValues({ limit, after }: LogPage): readonly unknown[] {
  return [after?.at ?? null, after?.id ?? null, Math.min(limit, 1_000)];
}
