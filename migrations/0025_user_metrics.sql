-- Daily metrics of marketplaces and messaging, what each row was computed from, days that are sealed and what came for them late.
-- Locks `user_metrics` for a moment: new columns with constant defaults rewrite nothing.

-- Up Migration

alter table user_metrics
  add column proposals_answered integer not null default 0,
  add column proposals_won integer not null default 0,
  add column payments integer not null default 0,
  add column platform_fees numeric(20, 6),
  add column orders integer not null default 0,
  add column units_ordered integer not null default 0,
  add column order_amount numeric(20, 6),
  add column orders_cancelled integer not null default 0,
  add column sales integer not null default 0,
  add column sales_amount numeric(20, 6),
  add column returns integer not null default 0,
  add column return_amount numeric(20, 6),
  add column finance_amount numeric(20, 6),
  add column listing_views numeric(20, 2) not null default 0,
  add column reviews integer not null default 0,
  add column reviews_rated integer not null default 0,
  add column rating_total integer not null default 0,
  -- An average; null when nothing was rated that day.
  add column average_rating numeric(7, 2),
  add column messages_in integer not null default 0,
  add column messages_out integer not null default 0,
  add column first_responses integer not null default 0,
  add column first_response_total_seconds numeric(20, 3) not null default 0,
  -- An average; null when nothing was answered that day.
  add column first_response_seconds numeric(20, 2),
  -- When the newest of the inputs was written.
  add column watermark timestamptz;
create index user_metrics_unsealed on user_metrics (user_id, date) where sealed_at is null;

-- The key of input hashes: without it nobody can try which contents give a hash.
insert into settings (key, value)
values ('metrics.input_key', to_jsonb(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')))
on conflict (key) do nothing;

-- What each fact of a sealed day counted for: facts may be purged, and the same fact that comes again is not counted twice. Named by
-- the account and the platform's own key, because a row that comes again has another id.
create table sealed_inputs (
  user_id uuid not null references users (id) on delete cascade,
  date date not null,
  -- Begins with the name of its table.
  source text not null,
  integration_id uuid not null,
  fact_key text not null,
  -- Column of `user_metrics` → number; money as `column:CURRENCY`.
  contribution jsonb not null,
  primary key (user_id, date, source, integration_id, fact_key)
);
-- A row that comes again asks which days counted it.
create index sealed_inputs_fact on sealed_inputs (user_id, integration_id, fact_key);

-- What facts would change of a sealed day: `deltas` is to be added to what the day says.
create table metric_adjustments (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null references users (id) on delete cascade,
  date date not null,
  source text not null,
  integration_id uuid not null,
  fact_key text not null,
  -- late: came after the seal; changed: counts for something else now; removed: deleted, or on another day now.
  reason text not null check (reason in ('late', 'changed', 'removed')),
  deltas jsonb not null check (jsonb_typeof(deltas) = 'object'),
  noted_at timestamptz not null,
  updated_at timestamptz not null,
  unique (user_id, date, source, integration_id, fact_key)
);
create index metric_adjustments_fact on metric_adjustments (user_id, integration_id, fact_key);

-- The user's zone for the days that a page marks. Held until the end of the transaction against a change of the zone, which
-- looks at all facts: it sees those of this page, or this page sees the new zone.
create function hold_timezone(owner uuid) returns text
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('timezone ' || owner::text, 0));
  -- A statement of its own: it sees what was committed while the lock was waited for.
  return (select u.timezone from public.users u where u.id = owner);
end
$$;
revoke execute on function hold_timezone(uuid) from public;
grant execute on function hold_timezone(uuid) to tidemark_worker;

call tidemark_private.protect('sealed_inputs', 'domain');
call tidemark_private.protect('metric_adjustments', 'domain');
grant select, insert, delete on sealed_inputs to tidemark_worker;
grant select on sealed_inputs to tidemark_api;
grant select, insert, update, delete on metric_adjustments to tidemark_worker;
grant select on metric_adjustments to tidemark_api;
-- Closes days.
grant insert on dirty_days to tidemark_scheduler;

-- Down Migration

revoke insert on dirty_days from tidemark_scheduler;
drop function hold_timezone(uuid);
drop table metric_adjustments;
drop table sealed_inputs;
delete from settings where key = 'metrics.input_key';
drop index user_metrics_unsealed;
alter table user_metrics
  drop column watermark,
  drop column first_response_seconds,
  drop column first_response_total_seconds,
  drop column first_responses,
  drop column messages_out,
  drop column messages_in,
  drop column average_rating,
  drop column rating_total,
  drop column reviews_rated,
  drop column reviews,
  drop column listing_views,
  drop column finance_amount,
  drop column return_amount,
  drop column returns,
  drop column sales_amount,
  drop column sales,
  drop column orders_cancelled,
  drop column order_amount,
  drop column units_ordered,
  drop column orders,
  drop column platform_fees,
  drop column payments,
  drop column proposals_won,
  drop column proposals_answered;
