-- What queues did, per minute and per hour: for charts that outlive every process and Redis. Bounded: a row per queue and
-- period in which something happened, minutes kept for 3 days and hours for 90.
-- Rebuilds one index of `job_ledger`, whose writes wait meanwhile.

-- Up Migration

-- Queues belong to nobody: no row level security.
create table queue_history (
  period text not null check (period in ('minute', 'hour')),
  period_start timestamptz not null,
  queue text not null,
  completed bigint not null default 0 check (completed >= 0),
  -- Jobs that ended dead, whoever ended them. A failed attempt that is tried again is `retried`.
  failed bigint not null default 0 check (failed >= 0),
  cancelled bigint not null default 0 check (cancelled >= 0),
  retried bigint not null default 0 check (retried >= 0),
  -- How long the job waited that had waited longest, at its worst moment; null: no job was seen waiting.
  oldest_ready_ms double precision check (oldest_ready_ms >= 0),
  -- From due to start and from start to end, of attempts whose handler came to an end: completed, failed, retried.
  -- Counts in logarithmic buckets; adding two arrays merges two histograms. Bounds: src/core/histogram.ts.
  wait_sum_ms double precision not null default 0,
  wait_min_ms double precision,
  wait_max_ms double precision,
  wait_histogram bigint[] not null default '{}',
  run_sum_ms double precision not null default 0,
  run_min_ms double precision,
  run_max_ms double precision,
  run_histogram bigint[] not null default '{}',
  primary key (period, period_start, queue)
) with (fillfactor = 50);

-- The last batch that each writer has added, so that one whose answer was lost is not added twice.
create table queue_history_writers (
  id uuid primary key,
  batch bigint not null,
  written_at timestamptz not null
) with (fillfactor = 50);

grant select, insert, update on queue_history, queue_history_writers to tidemark_worker;
-- Jobs end without a worker too: cancelled by a person, or poison. A person may also clear the history.
grant select, insert, update, delete on queue_history to tidemark_api, tidemark_scheduler;
grant select, delete on queue_history_writers to tidemark_scheduler;
grant select on queue_history to tidemark_readonly, tidemark_backup;

-- How old the oldest waiting job of a queue is: one look at the index instead of a look at every job that waits.
drop index job_ledger_queue;
create index job_ledger_queue on job_ledger (queue, state, run_at);

-- Down Migration

drop index job_ledger_queue;
create index job_ledger_queue on job_ledger (queue, state);
drop table queue_history_writers;
drop table queue_history;
