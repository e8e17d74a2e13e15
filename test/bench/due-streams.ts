// Users with one connected integration and one stream each, by the thousand.

import { withClient } from './world.ts';

/** Adds users `from` to `to`; their streams are due in the order of their numbers. */
export async function addDueStreams(superuserUrl: string, from: number, to: number): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    // The check of time zones reads a directory for every row; these rows are known to be right.
    await client.query('begin; set local session_replication_role = replica');
    await client.query(
      `create temp table fresh on commit drop as
       select n, gen_random_uuid() as user_id, gen_random_uuid() as integration_id
       from generate_series($1::integer, $2::integer) as n`
        .replace('$1', String(from))
        .replace('$2', String(to)),
    );
    await client.query(
      `insert into users (id, email, name) select user_id, 'bench-' || n || '@example.test', 'Bench' from fresh`,
    );
    await client.query(
      `insert into integrations (id, user_id, platform_id, status)
       select integration_id, user_id, 'upwork', 'connected' from fresh`,
    );
    await client.query(
      `insert into integration_streams (integration_id, user_id, stream, interval_minutes, next_sync_at)
       select integration_id, user_id, 'jobs', 60, now() - interval '1 hour' + n * interval '1 ms' from fresh`,
    );
    await client.query('commit');
    await client.query('analyze users; analyze integrations; analyze integration_streams');
  });
}
