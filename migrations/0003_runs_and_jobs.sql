-- Work: workers and their leases, runs (`sync_logs`), quarantine, and the ledger of jobs.
-- Locks nothing: creates new objects only.

-- Up Migration

-- One row per worker process; its heartbeat is the liveness of every lease it holds.
create table workers (
  id uuid primary key,
  hostname text not null,
  pid integer not null,
  status text not null default 'alive' check (status in ('alive', 'stopped', 'dead')),
  concurrency integer not null check (concurrency > 0),
  -- The queue engine it claims from; a switch waits for those on the old one. Null: it did not say.
  engine text,
  started_at timestamptz not null default clock_timestamp(),
  heartbeat_at timestamptz not null default clock_timestamp(),
  stopped_at timestamptz
) with (fillfactor = 50);
create index workers_alive on workers (heartbeat_at) where status = 'alive';
grant select, insert, update on workers to tidemark_worker;
grant select, update, delete on workers to tidemark_scheduler;
grant select on workers to tidemark_api, tidemark_readonly, tidemark_backup;

-- Every durable job until it is settled. The engine is a cache of this table; `dead` rows are the dead letter and stay
-- until they are replayed or pruned. A payload holds ids only, never tenant data or secrets.
create table job_ledger (
  id uuid primary key,
  kind text not null,
  queue text not null,
  payload jsonb not null default '{}',
  unique_key text,
  user_id uuid,
  -- 0 interactive, 1 incremental, 2 backfill: strictly in this order at admission.
  class smallint not null default 1 check (class between 0 and 2),
  priority integer not null default 0,
  cost real not null default 1 check (cost > 0),
  -- Start tag of weighted fair queueing; smaller is admitted first within a class.
  fair_tag double precision not null default 0,
  run_at timestamptz not null,
  state text not null default 'pending' check (state in ('pending', 'admitted', 'active', 'dead')),
  attempts integer not null default 0,
  takeovers integer not null default 0,
  max_attempts integer not null check (max_attempts > 0),
  worker_id uuid,
  claim bigint not null default 0,
  cancel_requested_at timestamptz,
  last_error jsonb,
  progress jsonb,
  created_at timestamptz not null,
  admitted_at timestamptz,
  started_at timestamptz,
  settled_at timestamptz,
  check ((state = 'active') = (worker_id is not null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
create unique index job_ledger_unique_key on job_ledger (kind, unique_key) where unique_key is not null and state <> 'dead';
create index job_ledger_pending on job_ledger (class, fair_tag, id) where state = 'pending';
create index job_ledger_pending_user on job_ledger (user_id, class, fair_tag, id) where state = 'pending';
create index job_ledger_pending_due on job_ledger (run_at) where state = 'pending';
create index job_ledger_user on job_ledger (user_id, state);
create index job_ledger_worker on job_ledger (worker_id) where worker_id is not null;
create index job_ledger_admitted on job_ledger (admitted_at) where state = 'admitted';
create index job_ledger_dead on job_ledger (queue, settled_at) where state = 'dead';
-- Counts of a queue, and lists newest first. None for payloads: most updates of a row would write it again.
create index job_ledger_queue on job_ledger (queue, state);
create index job_ledger_created on job_ledger (created_at desc, id desc);

-- Virtual time of fair queueing, one row per user; the row of the zero UUID is the clock itself.
-- Without row level security: admission compares all users in one statement, and a share says nothing about anybody.
create table fair_shares (
  user_id uuid primary key,
  weight real not null default 1 check (weight > 0),
  finish_tag double precision not null default 0
) with (fillfactor = 50);

-- What an operator set for a queue; no row means no control. Queues belong to nobody: no row level security.
create table queue_controls (
  queue text primary key,
  paused_at timestamptz,
  concurrency integer check (concurrency > 0),
  rate_max integer check (rate_max > 0),
  rate_per_ms bigint check (rate_per_ms > 0),
  -- Theoretical arrival time of the rate: the instant at which as much may start again as after a long rest.
  rate_tat timestamptz,
  updated_at timestamptz not null,
  check ((rate_max is null) = (rate_per_ms is null))
) with (fillfactor = 50);

-- What jobs said, also of jobs that no ledger knows any more. Insert only; pruned by age.
create table job_logs (
  job_id uuid not null,
  seq bigint generated always as identity,
  user_id uuid,
  at timestamptz not null,
  level text not null check (level in ('debug', 'info', 'warn', 'error')),
  line text not null check (length(line) <= 2000),
  primary key (job_id, seq)
);
create index job_logs_at on job_logs (at);

-- The right to work for the user of a job that this worker has claimed and still holds.
create function acquire_lease(job uuid, worker uuid) returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  leased_user uuid;
  new_token uuid := gen_random_uuid();
begin
  select l.user_id into leased_user
  from public.job_ledger l
  join public.workers w on w.id = l.worker_id
  where l.id = job
    and l.worker_id = worker
    and l.state = 'active'
    and w.status = 'alive'
  for share of l;
  if leased_user is null then
    return null;
  end if;
  insert into tidemark_private.leases (token, user_id, worker_id, job_id)
  values (new_token, leased_user, worker, job)
  on conflict (job_id) do update
    set token = excluded.token, user_id = excluded.user_id, worker_id = excluded.worker_id, acquired_at = clock_timestamp();
  return new_token;
end
$$;

create function release_lease(held uuid) returns boolean
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
  with gone as (delete from tidemark_private.leases where token = held returning 1)
  select exists (select from gone)
$$;

-- The reaper's half: ends every lease of a dead worker. From here on its token opens nothing.
create function revoke_leases(worker uuid) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
  with gone as (delete from tidemark_private.leases where worker_id = worker returning 1)
  select count(*)::integer from gone
$$;
revoke execute on function acquire_lease(uuid, uuid), release_lease(uuid), revoke_leases(uuid) from public;
grant execute on function acquire_lease(uuid, uuid), release_lease(uuid) to tidemark_worker;
grant execute on function revoke_leases(uuid) to tidemark_scheduler;

-- A run: one pass over one stream of one integration.
create table sync_logs (
  id uuid primary key,
  user_id uuid not null,
  integration_id uuid not null,
  stream text not null,
  sync_type text not null check (sync_type in ('full', 'incremental', 'backfill')),
  trigger text not null default 'schedule' check (trigger in ('schedule', 'manual', 'api', 'webhook', 'catch_up')),
  class smallint not null default 1 check (class between 0 and 2),
  batch_id uuid,
  status text not null check (status in ('pending', 'queued', 'running', 'waiting', 'success', 'partial', 'failed', 'cancelled')),
  records_requested integer not null generated always as (records_synced + records_failed + records_duplicate) stored,
  records_synced integer not null default 0,
  records_changed integer not null default 0,
  records_failed integer not null default 0,
  records_duplicate integer not null default 0,
  requests integer not null default 0,
  pages integer not null default 0,
  slices integer not null default 0,
  progress jsonb,
  errors jsonb not null default '[]',
  error_message text,
  created_at timestamptz not null,
  started_at timestamptz,
  completed_at timestamptz,
  duration_seconds numeric(12, 3) generated always as (extract(epoch from completed_at - started_at)) stored,
  metadata jsonb not null default '{}',
  -- A backfill reads a window of the source's time, to null: up to the instant at which it begins. How far it is stays with
  -- the run: the stream's own position belongs to the usual passes.
  backfill_from timestamptz,
  backfill_to timestamptz,
  backfill_position jsonb,
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  check ((sync_type = 'backfill') = (backfill_from is not null)),
  check (backfill_to > backfill_from),
  check (sync_type = 'backfill' or (backfill_to is null and backfill_position is null)),
  check (records_changed <= records_synced),
  check ((completed_at is not null) = (status in ('success', 'partial', 'failed', 'cancelled')))
) with (fillfactor = 70);
-- Of a stream: the usual passes, and beside them backfills, which neither wait for one another nor fold into one another.
create unique index sync_logs_one_active on sync_logs (integration_id, stream, (sync_type = 'backfill'))
  where status in ('queued', 'running', 'waiting');
create unique index sync_logs_one_pending on sync_logs (integration_id, stream, (sync_type = 'backfill'))
  where status = 'pending';
create index sync_logs_integration on sync_logs (integration_id, stream, created_at desc);
create index sync_logs_user on sync_logs (user_id, created_at desc);
-- Lists newest first, page by page, and the runs of one trigger; scheduled runs have no batch.
create index sync_logs_created on sync_logs (created_at desc, id desc);
create index sync_logs_batch on sync_logs (batch_id) where batch_id is not null;
create index sync_logs_unfinished on sync_logs (created_at) where completed_at is null;

create table sync_quarantine (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  run_id uuid references sync_logs (id) on delete set null,
  stream text not null,
  record_key text,
  reason_code text not null,
  reason text not null,
  path text,
  redacted jsonb not null default '{}',
  ciphertext bytea not null,
  wrapped_key bytea not null,
  key_id text not null,
  version integer not null,
  replayed_at timestamptz,
  created_at timestamptz not null default now(),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index sync_quarantine_stream on sync_quarantine (integration_id, stream, created_at desc);

call tidemark_private.protect('job_ledger', 'shared');
call tidemark_private.protect('job_logs', 'shared');
call tidemark_private.protect('sync_logs', 'control');
call tidemark_private.protect('sync_quarantine', 'control');
-- A definer function runs as the owner, and forced row level security holds for the owner too.
create policy definer on job_ledger to current_user using (true);

grant select, insert, update, delete on job_ledger to tidemark_api, tidemark_scheduler, tidemark_worker;
grant select, insert, update on fair_shares to tidemark_api, tidemark_scheduler, tidemark_worker;
grant select on fair_shares to tidemark_backup;
-- A worker only notes what it has started.
grant select, insert, update on queue_controls to tidemark_api, tidemark_scheduler;
grant select, update (rate_tat) on queue_controls to tidemark_worker;
grant select on queue_controls to tidemark_readonly, tidemark_backup;
grant select, delete on job_logs to tidemark_api;
grant select, delete on job_logs to tidemark_scheduler;
grant select, insert, delete on job_logs to tidemark_worker;
grant select, insert, update, delete on sync_logs to tidemark_api, tidemark_scheduler;
grant select, insert, update on sync_logs to tidemark_worker;
revoke select on sync_quarantine from tidemark_readonly;
grant select (id, user_id, integration_id, run_id, stream, record_key, reason_code, reason, path, redacted, replayed_at, created_at)
  on sync_quarantine to tidemark_api, tidemark_scheduler, tidemark_readonly;
grant select, insert, update on sync_quarantine to tidemark_worker;

-- Down Migration

drop table sync_quarantine;
drop table sync_logs;
drop function revoke_leases(uuid);
drop function release_lease(uuid);
drop function acquire_lease(uuid, uuid);
drop table job_logs;
drop table queue_controls;
drop table fair_shares;
drop table job_ledger;
drop table workers;
