// From a job of the ledger to the run that it stands for.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

/** The run that an unsettled job stands for. Null: no such job, or one of another kind. */
export async function findRunOfJob(db: Queryable, jobId: string): Promise<string | null> {
  const { rows } = await db.query<{ runId: string | null }>(
    sql`
    select payload ->> 'runId' as "runId"
    from job_ledger
    where id = $1
      and kind = 'sync.run'
      and state <> 'dead'`,
    [jobId],
  );
  return rows[0]?.runId ?? null;
}
