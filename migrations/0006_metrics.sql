-- What the platforms did for us (`platform_metrics`) and what the users did (`user_metrics`), with the marks that say
-- which days must be rolled up again. Locks nothing: creates new objects only.

-- Up Migration

create table platform_metrics (
  id uuid not null default tidemark_uuidv7(),
  user_id uuid not null references users (id) on delete cascade,
  integration_id uuid not null,
  platform_id text not null references platforms (id),
  metric_type text not null check (metric_type in
    ('messages_sent', 'messages_received', 'api_calls', 'errors', 'response_time', 'sync_duration')),
  metric_unit text not null check (metric_unit in ('count', 'seconds', 'bytes')),
  period text not null check (period in ('minute', 'hour', 'day')),
  period_start timestamptz not null,
  count bigint not null check (count >= 0),
  sum double precision not null,
  min double precision,
  max double precision,
  -- Counts in logarithmic buckets; adding two arrays merges two histograms. Bounds: src/store/platform-metrics.ts.
  histogram bigint[] not null default '{}',
  updated_at timestamptz not null default now(),
  primary key (integration_id, metric_type, period, period_start)
) partition by range (period_start);
create table platform_metrics_default partition of platform_metrics default;
create index platform_metrics_user on platform_metrics (user_id, period_start);
create index platform_metrics_platform on platform_metrics (platform_id, metric_type, period_start);

-- Append-only marks, written last in a page; the rollup takes the marks it has seen and no others.
create table dirty_days (
  id bigint generated always as identity primary key,
  user_id uuid not null,
  day date not null,
  marked_at timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0.02);
create index dirty_days_user_day on dirty_days (user_id, day);

create table user_metrics (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null references users (id) on delete cascade,
  date date not null,
  timezone text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  proposals_sent integer not null default 0,
  proposals_viewed integer not null default 0,
  proposals_interviewed integer not null default 0,
  proposals_hired integer not null default 0,
  total_earnings numeric(20, 6),
  total_hours numeric(12, 2),
  -- Per cent, 0 to 100; null when nothing was sent that day.
  response_rate numeric(7, 2),
  success_rate numeric(7, 2),
  input_count integer not null default 0,
  input_hash bytea,
  sealed_at timestamptz,
  computed_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, date)
);

create table analytics (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null references users (id) on delete cascade,
  metric_name text not null,
  metric_value numeric(20, 6),
  metric_data jsonb not null default '{}',
  date date not null,
  currency text not null default '' check (currency = '' or currency ~ '^[A-Z]{3}$'),
  dimension text not null default '',
  created_at timestamptz not null default now(),
  unique (user_id, metric_name, date, currency, dimension)
);

-- The right to work for the user of a marked day. A rollup's job need not be in the ledger: its truth is the mark.
create function acquire_day_lease(job uuid, worker uuid, owner uuid, marked date) returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  new_token uuid := gen_random_uuid();
begin
  if not exists (select from public.workers w where w.id = worker and w.status = 'alive')
    or not exists (select from public.dirty_days d where d.user_id = owner and d.day = marked)
  then
    return null;
  end if;
  insert into tidemark_private.leases (token, user_id, worker_id, job_id)
  values (new_token, owner, worker, job)
  on conflict (job_id) do update
    set token = excluded.token, user_id = excluded.user_id, worker_id = excluded.worker_id, acquired_at = clock_timestamp();
  return new_token;
end
$$;
revoke execute on function acquire_day_lease(uuid, uuid, uuid, date) from public;
grant execute on function acquire_day_lease(uuid, uuid, uuid, date) to tidemark_worker;

call tidemark_private.protect('platform_metrics', 'control');
call tidemark_private.protect('platform_metrics_default', 'control');
call tidemark_private.protect('dirty_days', 'control');
call tidemark_private.protect('user_metrics', 'domain');
call tidemark_private.protect('analytics', 'domain');
-- A definer function runs as the owner, and forced row level security holds for the owner too.
create policy definer on dirty_days for select to current_user using (true);
grant select, insert, update on platform_metrics to tidemark_worker;
grant select on platform_metrics to tidemark_api, tidemark_scheduler;
grant select, insert, delete on dirty_days to tidemark_worker;
grant select on dirty_days to tidemark_scheduler, tidemark_api;
-- A person may ask for a day again.
grant insert on dirty_days to tidemark_api;
grant select, insert, update, delete on user_metrics, analytics to tidemark_worker;
grant select on user_metrics, analytics to tidemark_api;

-- Down Migration

drop function acquire_day_lease(uuid, uuid, uuid, date);
drop table analytics;
drop table user_metrics;
drop table dirty_days;
drop table platform_metrics;
