-- Metrics of platforms by hour and day, folded out of those by minute. A row says beside what it counted (`count`, `sum`,
-- `histogram`) how much of that the next longer period does not have yet (`open_…`): folding takes what is open and adds it, in one
-- statement, so that nothing is added twice and what comes late finds its way.
--
--   sample ──added──► minute ──what is open──► hour ──what is open──► day
--
-- Locks `platform_metrics` against everything: its rows are written once more, to be open.

-- Up Migration

alter table platform_metrics
  add column open_count bigint not null default 0,
  add column open_sum double precision not null default 0,
  add column open_histogram bigint[] not null default '{}',
  add constraint platform_metrics_open check (open_count between 0 and count and (period <> 'day' or open_count = 0));

-- Row level security is forced on the owner too.
alter table platform_metrics no force row level security;
update platform_metrics
set open_count = count, open_sum = sum, open_histogram = histogram
where period = 'minute';
alter table platform_metrics force row level security;

-- What is to be folded: an hour's minutes lie beside one another.
create index platform_metrics_open on platform_metrics (period, integration_id, metric_type, period_start) where open_count > 0;
create index platform_metrics_age on platform_metrics (period, period_start);
-- The minutes and hours of a user or of everybody; the index before had no period.
drop index platform_metrics_user;
create index platform_metrics_user on platform_metrics (user_id, period, period_start);
drop index platform_metrics_platform;
create index platform_metrics_platform on platform_metrics (platform_id, metric_type, period, period_start);

-- Since when rows of a period are there: those before were forgotten, and only longer periods tell of that time. No row: nothing
-- was forgotten. Figures of the installation, nobody in particular.
create table platform_metric_horizons (
  period text primary key check (period in ('minute', 'hour', 'day')),
  kept_from timestamptz not null
);
grant select on platform_metric_horizons to tidemark_api, tidemark_readonly, tidemark_backup;
grant select, insert, update on platform_metric_horizons to tidemark_scheduler;
grant insert, update, delete on platform_metrics to tidemark_scheduler;

-- Down Migration

revoke insert, update, delete on platform_metrics from tidemark_scheduler;
drop table platform_metric_horizons;
drop index platform_metrics_platform;
create index platform_metrics_platform on platform_metrics (platform_id, metric_type, period_start);
drop index platform_metrics_user;
create index platform_metrics_user on platform_metrics (user_id, period_start);
drop index platform_metrics_age;
drop index platform_metrics_open;
-- Hours and days would be counted beside their minutes; what was forgotten by minute is lost. Row level security is forced on the owner too.
alter table platform_metrics no force row level security;
delete from platform_metrics where period <> 'minute';
alter table platform_metrics force row level security;
alter table platform_metrics
  drop constraint platform_metrics_open,
  drop column open_histogram,
  drop column open_sum,
  drop column open_count;
