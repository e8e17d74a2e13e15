// Events of the inbox as people and the scheduler see them: listed, put back, handed on late, forgotten.

import type { ErrorReport } from '../core/errors.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import { arrivedOf, type Arrived, type ArrivedRow } from './inbox.ts';

export interface InboxFilter {
  readonly integrationId: string;
  readonly state?: 'waiting' | 'done' | 'dead' | undefined;
  /** Events before this one, newest first. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** An event as people see it: not what it says. */
export interface InboxView {
  readonly id: string;
  readonly seq: string;
  readonly kind: string;
  readonly lane: string;
  readonly state: 'waiting' | 'done' | 'dead';
  readonly error: ErrorReport | null;
  readonly receivedAt: Date;
  readonly processedAt: Date | null;
}

/** Newest first. In the scope of the user. */
export async function listInbox(
  db: Queryable,
  { integrationId, state, before, limit }: InboxFilter,
): Promise<readonly InboxView[]> {
  const { rows } = await db.query<InboxView>(
    sql`
    select id, seq::text as seq, kind, lane, state, error, received_at as "receivedAt", processed_at as "processedAt"
    from webhook_inbox
    where integration_id = $1
      and ($2::text is null or state = $2)
      and ($3::bigint is null or seq < $3)
    order by seq desc
    limit $4`,
    [integrationId, state ?? null, before ?? null, limit],
  );
  return rows;
}

/** Dead events wait again, oldest first; which. In the scope of the user. */
export async function replayInbox(db: Queryable, integrationId: string, limit: number): Promise<readonly Arrived[]> {
  const { rows } = await db.query<ArrivedRow>(
    sql`
    update webhook_inbox
    set state = 'waiting', error = null, processed_at = null
    where id in (
      select id
      from webhook_inbox
      where integration_id = $1
        and state = 'dead'
      order by seq
      limit $2
    )
    returning id, integration_id, user_id, lane`,
    [integrationId, limit],
  );
  return arrivedOf(rows);
}

/** One event of each lane that waits since before `since`, oldest first in its lane; for the scheduler. */
export async function listWaitingLanes(db: Queryable, since: Date, limit: number): Promise<readonly Arrived[]> {
  const { rows } = await db.query<ArrivedRow>(
    sql`
    select id, integration_id, user_id, lane
    from tidemark_private.waiting_lanes($1, $2)`,
    [since, limit],
  );
  return arrivedOf(rows);
}

/** Forgets events of before these instants, oldest first; how many. */
export async function pruneInbox(
  db: Queryable,
  {
    doneBefore,
    othersBefore,
    limit,
  }: { readonly doneBefore: Date; readonly othersBefore: Date; readonly limit: number },
): Promise<number> {
  const { rows } = await db.query<{ pruned: number }>('select tidemark_private.prune_inbox($1, $2, $3) as pruned', [
    doneBefore,
    othersBefore,
    limit,
  ]);
  return rows[0]?.pruned ?? 0;
}
