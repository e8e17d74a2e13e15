// Events on their way in (`webhook_inbox`): stored as they came, processed lane by lane, forgotten when the platform does not
// repeat them any more.

import type { ErrorReport } from '../core/errors.ts';
import type { InboxEvent, StoredEvent } from '../core/inbox-event.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';

/** A new event of an integration. */
export interface Arrived {
  readonly id: string;
  readonly integrationId: string;
  readonly userId: string;
  readonly lane: string;
}

export interface ArrivedRow {
  readonly id: string;
  readonly integration_id: string | null;
  readonly user_id: string | null;
  readonly lane: string;
}

/** Those that nobody has connected yet wait for somebody. */
export function arrivedOf(rows: readonly ArrivedRow[]): readonly Arrived[] {
  return rows.flatMap(({ id, integration_id: integrationId, user_id: userId, lane }) =>
    integrationId === null || userId === null ? [] : [{ id, integrationId, userId, lane }],
  );
}

const bodiesOf = (events: readonly InboxEvent[]): readonly string[] => events.map(({ body }) => JSON.stringify(body));

/** Stores what is new of a webhook's events; for the api. At most 1,000. */
export async function receiveEvents(
  db: Queryable,
  platform: PlatformId,
  events: readonly InboxEvent[],
): Promise<readonly Arrived[]> {
  const { rows } = await db.query<ArrivedRow>(
    sql`
    select id, integration_id, user_id, lane
    from tidemark_private.receive_events($1, $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])`,
    [
      platform,
      events.map(({ accountId }) => accountId),
      events.map(({ eventKey }) => eventKey),
      events.map(({ lane }) => lane),
      events.map(({ kind }) => kind),
      bodiesOf(events),
    ],
  );
  return arrivedOf(rows);
}

/** What a holder of an account's queue brings with each batch. */
export interface ReceiverHold {
  readonly platform: PlatformId;
  readonly accountKey: string;
  readonly workerId: string;
  readonly fence: bigint;
}

/** Stores a batch and the position after it together. Throws `receive.lease_lost` when somebody else listens by now. */
export async function storeBatch(
  db: Queryable,
  { platform, accountKey, workerId, fence }: ReceiverHold,
  position: number | null,
  events: readonly InboxEvent[],
): Promise<readonly Arrived[]> {
  const { rows } = await db.query<ArrivedRow>(
    sql`
    select id, integration_id, user_id, lane
    from tidemark_private.store_batch($1, $2, $3, $4, $5, $6::text[], $7::text[], $8::text[], $9::text[])`,
    [
      platform,
      accountKey,
      workerId,
      fence,
      position,
      events.map(({ eventKey }) => eventKey),
      events.map(({ lane }) => lane),
      events.map(({ kind }) => kind),
      bodiesOf(events),
    ],
  );
  return arrivedOf(rows);
}

export interface EventClaim {
  readonly jobId: string;
  readonly workerId: string;
  readonly inboxId: string;
}

/** A token for the user of a waiting event; null: it waits no longer, or its integration is paused. */
export async function acquireInboxLease(
  db: Queryable,
  { jobId, workerId, inboxId }: EventClaim,
): Promise<string | null> {
  const { rows } = await db.query<{ token: string | null }>('select acquire_inbox_lease($1, $2, $3) as token', [
    jobId,
    workerId,
    inboxId,
  ]);
  return rows[0]?.token ?? null;
}

/** Where an event waits. */
export interface Lane {
  readonly integrationId: string;
  readonly lane: string;
}

export interface EventPlace extends Lane {
  readonly userId: string;
  readonly platformId: PlatformId;
  /** Of the user; days begin by it. */
  readonly timezone: string;
}

export async function placeOf(db: Queryable, inboxId: string): Promise<EventPlace | null> {
  const { rows } = await db.query<EventPlace>(
    sql`
    select w.integration_id as "integrationId", w.lane, w.user_id as "userId", w.platform_id as "platformId", u.timezone
    from webhook_inbox w
    join users u on u.id = w.user_id
    where w.id = $1`,
    [inboxId],
  );
  return rows[0] ?? null;
}

/** Nobody else processes this lane until the transaction ends. */
export async function lockLane(tx: Tx, { integrationId, lane }: Lane): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 7))`, [integrationId, lane]);
}

export interface WaitingEvent extends StoredEvent {
  readonly id: string;
}

/** In the order in which they came. */
export async function waitingEvents(
  tx: Tx,
  { integrationId, lane }: Lane,
  limit: number,
): Promise<readonly WaitingEvent[]> {
  const { rows } = await tx.query<WaitingEvent>(
    sql`
    select id, account_key as "accountId", event_key as "eventKey", kind, body, received_at as "receivedAt"
    from webhook_inbox
    where integration_id = $1
      and lane = $2
      and state = 'waiting'
    order by seq
    limit $3`,
    [integrationId, lane, limit],
  );
  return rows;
}

export interface Refused {
  readonly id: string;
  readonly error: ErrorReport;
}

/** Ends waiting events: `refused` ones are dead letters, the others done. */
export async function settleEvents(
  tx: Tx,
  events: readonly WaitingEvent[],
  refused: readonly Refused[],
  now: Date,
): Promise<void> {
  const errors = new Map(refused.map(({ id, error }) => [id, error]));
  await tx.query(
    sql`
    update webhook_inbox w
    set state = case when e.error is null then 'done' else 'dead' end, error = e.error::jsonb, processed_at = $3
    from unnest($1::uuid[], $2::text[]) as e (id, error)
    where w.id = e.id
      and w.state = 'waiting'`,
    [events.map(({ id }) => id), events.map(({ id }) => (errors.has(id) ? JSON.stringify(errors.get(id)) : null)), now],
  );
}
