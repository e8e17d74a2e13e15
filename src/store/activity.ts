// Whether a process of ours is at work, as the database sees it: a connected process that does nothing is as good as none.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

/**
 * Whether a connection of this login, by this name and from this machine, has run a statement in the last `withinMs`. Behind
 * a connection pooler nobody can tell machines apart.
 */
export async function hasFreshConnection(db: Queryable, applicationName: string, withinMs: number): Promise<boolean> {
  const { rows } = await db.query<{ fresh: boolean }>(
    sql`
    select exists (
      select
      from pg_stat_activity a
      where a.usename = session_user
        and a.application_name = $1
        and a.pid <> pg_backend_pid()
        and a.client_addr is not distinct from inet_client_addr()
        and a.state_change > clock_timestamp() - make_interval(secs => $2::double precision / 1000)
    ) as fresh`,
    [applicationName, withinMs],
  );
  return rows[0]!.fresh;
}

/** Whether a worker of this machine is alive and has said so in the last `withinMs`. */
export async function hasFreshWorker(db: Queryable, hostname: string, withinMs: number): Promise<boolean> {
  const { rows } = await db.query<{ fresh: boolean }>(
    sql`
    select exists (
      select
      from workers
      where hostname = $1
        and status = 'alive'
        and heartbeat_at > clock_timestamp() - make_interval(secs => $2::double precision / 1000)
    ) as fresh`,
    [hostname, withinMs],
  );
  return rows[0]!.fresh;
}
