// Which of the vault's keys each worker has, as it tells in its own row: who rewraps or retires a key asks here first.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface WorkerKeys {
  /** Ids of the secret keys that it holds. */
  readonly keyIds: readonly string[];
  /** The key that it seals new values to. */
  readonly sealsTo: string | null;
}

/** Tells what keys an alive worker has now. False: it is not registered, or no longer alive. */
export async function reportWorkerKeys(db: Queryable, id: string, { keyIds, sealsTo }: WorkerKeys): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update workers
    set key_ids = $2, seals_to = $3
    where id = $1
      and status = 'alive'`,
    [id, keyIds, sealsTo],
  );
  return rowCount === 1;
}

export interface KeyHolder extends WorkerKeys {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
}

/** Workers heard of within `withinMs` and the keys that they have, oldest first; at most 500. */
export async function listKeyHolders(db: Queryable, withinMs: number): Promise<readonly KeyHolder[]> {
  const { rows } = await db.query<KeyHolder>(
    sql`
    select id, hostname, pid, key_ids as "keyIds", seals_to as "sealsTo"
    from workers
    where status = 'alive'
      and heartbeat_at > clock_timestamp() - make_interval(secs => $1::double precision / 1000)
    order by started_at
    limit 500`,
    [withinMs],
  );
  return rows;
}
