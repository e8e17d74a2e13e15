-- Buckets of the quota governor, shared by every worker: one row per rule and key. No tenant data: a key is an opaque
-- id or a hash, never a credential. Locks nothing: creates a new table only.

-- Up Migration

create table rate_buckets (
  rule_id text not null check (length(rule_id) between 1 and 100),
  key text not null check (length(key) between 1 and 200),
  -- Theoretical arrival time of GCRA, milliseconds since 1970. A double and not an instant, so that SQL and the pure
  -- arithmetic of src/limits give the same number to the last bit.
  tat_ms double precision not null default 0,
  rate_factor double precision not null default 1 check (rate_factor > 0 and rate_factor <= 1),
  parked_until timestamptz,
  failures integer not null default 0 check (failures >= 0),
  breaker_until timestamptz,
  probing boolean not null default false,
  -- The UTC day that `day_used` counts.
  day date not null default '1970-01-01',
  day_used double precision not null default 0 check (day_used >= 0),
  updated_at timestamptz not null default now(),
  primary key (rule_id, key)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
-- Rows are small and rewritten for each request: room on the page and no second index keep the updates in place (HOT).

grant select, insert, update on rate_buckets to tidemark_worker, tidemark_scheduler;
grant select on rate_buckets to tidemark_api, tidemark_readonly, tidemark_backup;

-- Down Migration

drop table rate_buckets;
