// Worker processes and their heartbeats. Every instant here is the database's own, so that workers whose clocks disagree
// are judged by one.
//
//   alive ──stop──► stopped
//     └──no heartbeat for a TTL──► dead      (neither ever becomes alive again: a process registers under a new id)

import { SECOND_MS } from '../core/duration.ts';
import type { QueueEngine } from '../core/queue-engines.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { WorkerKeys } from './worker-keys.ts';

/** A worker that was silent for longer does not count as alive, whatever its row says. */
export const SILENT_MS = 10 * SECOND_MS;

export interface NewWorker {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
  readonly concurrency: number;
  /** The one it claims from. */
  readonly engine: QueueEngine;
  readonly keys: WorkerKeys;
}

export async function registerWorker(db: Queryable, worker: NewWorker): Promise<void> {
  await db.query(
    sql`
    insert into workers (id, hostname, pid, concurrency, engine, key_ids, seals_to)
    values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      worker.id,
      worker.hostname,
      worker.pid,
      worker.concurrency,
      worker.engine,
      worker.keys.keyIds,
      worker.keys.sealsTo,
    ],
  );
}

/** False: the worker was declared dead and must not go on. */
export async function beatWorker(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update workers
    set heartbeat_at = clock_timestamp()
    where id = $1
      and status = 'alive'`,
    [id],
  );
  return rowCount === 1;
}

/** The worker says goodbye; what it still holds may be taken over at once. */
export async function markWorkerStopped(db: Queryable, id: string): Promise<void> {
  await db.query(
    sql`
    update workers
    set status = 'stopped', stopped_at = clock_timestamp()
    where id = $1
      and status = 'alive'`,
    [id],
  );
}

export interface LostWorker {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
}

/** Workers that claim from another engine than `engine` and were heard of within `withinMs`, oldest first; at most 100. */
export async function listWorkersOffEngine(
  db: Queryable,
  engine: QueueEngine,
  withinMs: number,
): Promise<readonly LostWorker[]> {
  const { rows } = await db.query<LostWorker>(
    sql`
    select id, hostname, pid
    from workers
    where status = 'alive'
      and engine is distinct from $1
      and heartbeat_at > clock_timestamp() - make_interval(secs => $2::double precision / 1000)
    order by started_at
    limit 100`,
    [engine, withinMs],
  );
  return rows;
}

/** Workers heard of within `withinMs`, by the engine they claim from. */
export async function countWorkersByEngine(
  db: Queryable,
  withinMs: number,
): Promise<readonly { readonly engine: string | null; readonly alive: number }[]> {
  const { rows } = await db.query<{ engine: string | null; alive: number }>(
    sql`
    select engine, count(*)::integer as alive
    from workers
    where status = 'alive'
      and heartbeat_at > clock_timestamp() - make_interval(secs => $1::double precision / 1000)
    group by engine
    order by engine`,
    [withinMs],
  );
  return rows;
}

/** Declares dead, at most 100 at a time, whoever has not answered for `ttlMs`. */
export async function markWorkersDead(tx: Queryable, ttlMs: number): Promise<readonly LostWorker[]> {
  const { rows } = await tx.query<LostWorker>(
    sql`
    update workers
    set status = 'dead', stopped_at = clock_timestamp()
    where id in (
      select id
      from workers
      where status = 'alive'
        and heartbeat_at < clock_timestamp() - make_interval(secs => $1::double precision / 1000)
      order by heartbeat_at
      limit 100
      for update skip locked
    )
    returning id, hostname, pid`,
    [ttlMs],
  );
  return rows;
}

/**
 * Workers that are gone and may still hold something: a job, a stream, or (for a short while after the end, which
 * `graceMs` covers) a lease that was being acquired when the worker was declared dead.
 */
export async function listGoneHolders(tx: Queryable, graceMs: number): Promise<readonly string[]> {
  const { rows } = await tx.query<{ id: string }>(
    sql`
    select w.id
    from workers w
    where w.status <> 'alive'
      and (
        w.stopped_at > clock_timestamp() - make_interval(secs => $1::double precision / 1000)
        or exists (select from job_ledger j where j.worker_id = w.id)
        or exists (select from integration_streams s where s.lease_worker = w.id)
      )
    order by w.id
    limit 100`,
    [graceMs],
  );
  return rows.map(({ id }) => id);
}

/** Ends every lease and frees every stream of these workers: fences rise, running runs are queued again. */
export async function releaseHoldings(tx: Queryable, workerIds: readonly string[], now: Date): Promise<number> {
  await tx.query(
    sql`
    select revoke_leases(id)
    from unnest($1::uuid[]) as id`,
    [workerIds],
  );
  // The streams' rows are locked first, as everybody does who writes both a stream and its runs.
  const { rows } = await tx.query<{ integration_id: string; stream: string }>(
    sql`
    update integration_streams
    set fence = fence + 1, lease_worker = null, lease_token = null, updated_at = $2
    where lease_worker = any ($1::uuid[])
    returning integration_id, stream`,
    [workerIds, now],
  );
  await tx.query(
    sql`
    update sync_logs r
    set status = 'queued'
    from unnest($1::uuid[], $2::text[]) as s (integration_id, stream)
    where r.integration_id = s.integration_id
      and r.stream = s.stream
      and r.status = 'running'`,
    [rows.map((row) => row.integration_id), rows.map((row) => row.stream)],
  );
  return rows.length;
}

/** Forgets workers that ended more than `olderThanMs` ago and hold nothing. */
export async function pruneWorkers(db: Queryable, olderThanMs: number): Promise<number> {
  const { rowCount } = await db.query(
    sql`
    delete from workers w
    where w.status <> 'alive'
      and w.stopped_at < clock_timestamp() - make_interval(secs => $1::double precision / 1000)
      and not exists (select from job_ledger j where j.worker_id = w.id)
      and not exists (select from integration_streams s where s.lease_worker = w.id)`,
    [olderThanMs],
  );
  return rowCount ?? 0;
}

export interface AliveWorker {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: Date;
}

/** At most 500, oldest first. */
export async function listAliveWorkers(db: Queryable): Promise<readonly AliveWorker[]> {
  const { rows } = await db.query<AliveWorker>(sql`
    select id, hostname as host, pid, started_at as "startedAt"
    from workers
    where status = 'alive'
    order by started_at
    limit 500`);
  return rows;
}
