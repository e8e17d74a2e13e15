-- Months of the tables that only grow: made ahead, and dropped when they are older than somebody wants to keep. What has no month of
-- its own lies in the default partition. Only these functions make or drop partitions; who calls them owns nothing.
-- Locks each default partition for as long as the rows of this month and the next ones take to move. Indexes what is pruned by age.

-- Up Migration

-- What is partitioned, by which column, and under which class of row level security (`tidemark_private.protect`; null: nobody's rows).
create table tidemark_private.partitioned_tables (
  name text primary key,
  key_column text not null,
  class text check (class in ('domain', 'control'))
);
insert into tidemark_private.partitioned_tables (name, key_column, class) values
  ('messages', 'sent_at', 'domain'),
  ('platform_metrics', 'period_start', 'control'),
  ('audit_logs', 'at', null),
  ('security_logs', 'at', null);

-- The functions below run as the owner, and forced row level security holds for the owner too. Rows move and go through the default
-- partition itself, whose own policies are asked.
create policy definer on messages to current_user using (true) with check (true);
create policy definer on message_keys to current_user using (true) with check (true);
create policy definer on messages_default to current_user using (true) with check (true);
create policy definer on platform_metrics to current_user using (true) with check (true);
create policy definer on platform_metrics_default to current_user using (true) with check (true);
create policy definer_reads on user_metrics for select to current_user using (true);

-- The old one did not move what lay in the default partition.
drop procedure tidemark_private.make_message_partition(date);

-- Makes the partition of the month that `month` lies in; how many rows of it lay in the default partition and moved, null: it was
-- there. One transaction, so nobody ever sees a row twice or not at all. Whoever reads goes on until the last moment; whoever writes
-- to the default partition waits when there is much to move. Gives up after two seconds of waiting for others.
create function tidemark_private.make_partition(parent text, month date) returns bigint
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '2s'
as $$
declare
  described tidemark_private.partitioned_tables;
  first timestamptz := date_trunc('month', month)::timestamp at time zone 'UTC';
  next timestamptz := (date_trunc('month', month) + interval '1 month')::timestamp at time zone 'UTC';
  name text := format('%s_%s', parent, to_char(month, 'YYYYMM'));
  spare text := format('%s_default', parent);
  columns text;
  held bigint;
begin
  select t.* into strict described from tidemark_private.partitioned_tables t where t.name = parent;
  -- Of two at once the second waits here, and finds the month made.
  execute format('lock table only public.%I in share update exclusive mode', parent);
  if to_regclass(format('public.%I', name)) is not null then
    return null;
  end if;
  execute format('select count(*) from (select from public.%I where %I >= $1 and %2$I < $2 limit 10001) s', spare, described.key_column)
    into held using first, next;
  execute format('lock table public.%I in %s mode', spare,
    case when held > 10000 then 'share row exclusive' else 'access exclusive' end);
  execute format('create table public.%I (like public.%I including defaults including constraints including storage)', name, parent);
  select string_agg(format('%I', a.attname), ', ' order by a.attnum) into columns
  from pg_attribute a
  where a.attrelid = format('public.%I', parent)::regclass
    and a.attnum > 0
    and not a.attisdropped
    and a.attgenerated = '';
  execute format(
    'with moved as (delete from public.%I where %I >= $1 and %2$I < $2 returning %s) insert into public.%I (%3$s) select %3$s from moved',
    spare, described.key_column, columns, name) using first, next;
  get diagnostics held = row_count;
  -- Attaching needs less of a lock on the others than making it where it belongs, and brings indexes and keys.
  execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)', parent, name, first, next);
  execute format('revoke all on public.%I from public', name);
  if described.class is not null then
    -- Its policies are written as if by hand.
    perform set_config('search_path', 'pg_catalog, public, pg_temp', true);
    call tidemark_private.protect(format('public.%I', name)::regclass, described.class);
  end if;
  return held;
end
$$;

-- Local days that somebody's messages of a span count on and that are not sealed, or marked to be looked at again: metrics are computed
-- from facts, so before the facts go, their days must be closed for good. A first answer after the span counts on its own day, for
-- as long as what it answers is there.
create function tidemark_private.unsealed_message_days(relation regclass, first timestamptz, next timestamptz) returns bigint
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  with told as (
    select m.user_id, m.integration_id, m.chat_key, m.sent_at, m.direction
    -- Through the parent: the policies of a month show its owner nothing.
    from public.messages m
    where m.tableoid = relation
      and m.sent_at >= first
      and m.sent_at < next
      and m.deleted_at is null
  ), unanswered as (
    select l.*
    from (select distinct on (integration_id, chat_key) * from told order by integration_id, chat_key, sent_at desc) l
    where l.direction = 'inbound'
  ), counted as (
    select user_id, sent_at as at from told
    union all
    select u.user_id, a.sent_at
    from unanswered u
    cross join lateral (
      select o.sent_at
      from public.messages o
      where o.integration_id = u.integration_id
        and o.chat_key = u.chat_key
        and o.sent_at >= next
        and o.direction = 'outbound'
        and o.deleted_at is null
      order by o.sent_at
      limit 1
    ) a
  ), days as (
    select distinct c.user_id, (c.at at time zone u.timezone)::date as day
    from counted c
    join public.users u on u.id = c.user_id
  )
  select count(*)
  from days d
  where not exists (
      select from public.user_metrics s where s.user_id = d.user_id and s.date = d.day and s.sealed_at is not null
    )
    or exists (select from public.dirty_days x where x.user_id = d.user_id and x.day = d.day)
$$;

-- Bounds of a month of a partitioned table, out of the catalog.
create function tidemark_private.partition_months(parent text)
  returns table (relation regclass, first timestamptz, next timestamptz)
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select c.oid::regclass, b.bounds[1]::timestamptz, b.bounds[2]::timestamptz
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  cross join lateral regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') as b (bounds)
  where i.inhparent = format('public.%I', parent)::regclass
    and b.bounds is not null
$$;

-- Drops a month that ended before then, of messages with their keys, in one transaction. `gone`, `young`: it ends later, or there is none; `unsealed`: see above.
create function tidemark_private.drop_partition(parent text, month date, before timestamptz) returns text
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '2s'
as $$
declare
  old record;
begin
  if not exists (select from tidemark_private.partitioned_tables t where t.name = parent) then
    raise exception 'expected a partitioned table, got %', parent;
  end if;
  select p.* into old
  from tidemark_private.partition_months(parent) p
  where p.first = date_trunc('month', month)::timestamp at time zone 'UTC'
    and p.next <= least(before, now());
  if old.relation is null then
    return 'young';
  end if;
  -- Nothing comes in between the look and the end; who reads goes on until then.
  execute format('lock table only %s in share row exclusive mode', old.relation);
  if parent = 'messages' and tidemark_private.unsealed_message_days(old.relation, old.first, old.next) > 0 then
    return 'unsealed';
  end if;
  if parent = 'messages' then
    -- Without its key a message that is gone says nothing any more; with it, it would be one that was removed.
    delete from public.message_keys k
    using public.messages m
    where m.tableoid = old.relation
      and k.integration_id = m.integration_id
      and k.chat_key = m.chat_key
      and k.platform_message_id = m.platform_message_id;
  end if;
  if parent = 'platform_metrics' then
    insert into public.platform_metric_horizons as h (period, kept_from)
    select p, old.next from unnest(array['minute', 'hour', 'day']) p
    on conflict (period) do update set kept_from = excluded.kept_from where h.kept_from < excluded.kept_from;
  end if;
  execute format('drop table %s', old.relation);
  return 'gone';
end
$$;

-- Forgets rows of the default partition that are older than then, oldest first: what came before there were months, or came late.
create function tidemark_private.prune_default_partition(parent text, before timestamptz, most integer) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '2s'
as $$
declare
  described tidemark_private.partitioned_tables;
  spare text := format('%s_default', parent);
  pruned integer;
begin
  select t.* into strict described from tidemark_private.partitioned_tables t where t.name = parent;
  if parent = 'messages' then
    -- Nothing comes in between the look and the end.
    lock table only public.messages_default in share row exclusive mode;
    if tidemark_private.unsealed_message_days('public.messages_default', '-infinity', least(before, now())) > 0 then
      return 0;
    end if;
    with gone as (
      delete from public.messages_default m
      where m.ctid = any (array(
        select o.ctid from public.messages_default o where o.sent_at < least(before, now()) order by o.sent_at limit most for update
      ))
      returning m.integration_id, m.chat_key, m.platform_message_id
    ), keys as (
      delete from public.message_keys k
      using gone g
      where k.integration_id = g.integration_id
        and k.chat_key = g.chat_key
        and k.platform_message_id = g.platform_message_id
    )
    select count(*) into pruned from gone;
    return pruned;
  end if;
  execute format(
    'delete from public.%I where ctid = any (array(select ctid from public.%1$I where %I < $1 order by %2$I limit $2 for update skip locked))',
    spare, described.key_column) using least(before, now()), most;
  get diagnostics pruned = row_count;
  return pruned;
end
$$;

-- What the two ways of forgetting by age would take, for who may not see the rows.
create function tidemark_private.count_default_partition(parent text, before timestamptz) returns bigint
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  described tidemark_private.partitioned_tables;
  old bigint;
begin
  select t.* into strict described from tidemark_private.partitioned_tables t where t.name = parent;
  execute format('select count(*) from public.%I where %I < $1', parent || '_default', described.key_column)
    into old using least(before, now());
  return old;
end
$$;
create function tidemark_private.count_old_inbox(done_before timestamptz, others_before timestamptz) returns bigint
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
  select count(*)
  from public.webhook_inbox w
  where w.received_at < done_before
    and (w.state in ('done', 'unrouted') or w.received_at < others_before)
$$;

revoke execute on function tidemark_private.make_partition(text, date), tidemark_private.drop_partition(text, date, timestamptz),
  tidemark_private.unsealed_message_days(regclass, timestamptz, timestamptz), tidemark_private.partition_months(text),
  tidemark_private.prune_default_partition(text, timestamptz, integer),
  tidemark_private.count_default_partition(text, timestamptz),
  tidemark_private.count_old_inbox(timestamptz, timestamptz) from public;
grant execute on function tidemark_private.make_partition(text, date), tidemark_private.drop_partition(text, date, timestamptz),
  tidemark_private.prune_default_partition(text, timestamptz, integer) to tidemark_scheduler;
grant execute on function tidemark_private.count_default_partition(text, timestamptz),
  tidemark_private.count_old_inbox(timestamptz, timestamptz) to tidemark_scheduler, tidemark_api;
grant execute on function tidemark_private.partition_months(text) to tidemark_scheduler, tidemark_api, tidemark_worker;
grant select on tidemark_private.partitioned_tables to tidemark_scheduler, tidemark_api, tidemark_backup;

create index messages_default_age on messages_default (sent_at);
-- Runs and dead letters are pruned by age, and so are raw records; a run that goes is looked for in these.
create index sync_logs_ended on sync_logs (completed_at) where completed_at is not null;
create index sync_quarantine_age on sync_quarantine (created_at);
create index sync_quarantine_run on sync_quarantine (run_id) where run_id is not null;
create index job_ledger_died on job_ledger (settled_at) where state = 'dead';
grant delete on sync_quarantine to tidemark_scheduler;

do $$
begin
  for month in 0 .. 3 loop
    perform tidemark_private.make_partition(t.name, (date_trunc('month', now() at time zone 'UTC') + month * interval '1 month')::date)
    from tidemark_private.partitioned_tables t
    order by t.name;
  end loop;
end
$$;

-- Down Migration

revoke delete on sync_quarantine from tidemark_scheduler;
drop index job_ledger_died;
drop index sync_quarantine_run;
drop index sync_quarantine_age;
drop index sync_logs_ended;
drop index messages_default_age;

-- What has a month goes back to where it was; messages had months before.
do $$
declare
  made record;
begin
  for made in
    select t.name, p.relation
    from tidemark_private.partitioned_tables t
    cross join lateral tidemark_private.partition_months(t.name) p
    where t.name <> 'messages'
  loop
    execute format('alter table public.%I detach partition %s', made.name, made.relation);
    execute format('alter table %s disable row level security', made.relation);
    execute format('insert into public.%I select * from %s', made.name, made.relation);
    execute format('drop table %s', made.relation);
  end loop;
end
$$;

drop function tidemark_private.count_old_inbox(timestamptz, timestamptz);
drop function tidemark_private.count_default_partition(text, timestamptz);
drop function tidemark_private.prune_default_partition(text, timestamptz, integer);
drop function tidemark_private.drop_partition(text, date, timestamptz);
drop function tidemark_private.partition_months(text);
drop function tidemark_private.unsealed_message_days(regclass, timestamptz, timestamptz);
drop function tidemark_private.make_partition(text, date);
create procedure tidemark_private.make_message_partition(month date)
  language plpgsql
as $$
declare
  first date := date_trunc('month', month);
  name text := format('messages_%s', to_char(first, 'YYYYMM'));
begin
  if to_regclass(format('public.%I', name)) is not null then
    return;
  end if;
  execute format(
    'create table public.%I partition of public.messages for values from (%L) to (%L)',
    name, (first::timestamp at time zone 'UTC'), ((first + interval '1 month') at time zone 'UTC'));
  call tidemark_private.protect(format('public.%I', name)::regclass, 'domain');
end
$$;
drop policy definer_reads on user_metrics;
drop policy definer on platform_metrics_default;
drop policy definer on platform_metrics;
drop policy definer on messages_default;
drop policy definer on message_keys;
drop policy definer on messages;
drop table tidemark_private.partitioned_tables;
