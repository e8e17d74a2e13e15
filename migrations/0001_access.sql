-- Roles, the identity functions that row level security rests on, and the procedure that protects a table.
-- Locks nothing: creates new objects only.

-- Up Migration

-- Logins are made by whoever runs the server (embedded: at first start; managed: deploy/roles.sql). Where they are
-- missing and the owner may create roles, they are made here without a login, and the owner may take them.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['tidemark_api', 'tidemark_scheduler', 'tidemark_worker', 'tidemark_readonly', 'tidemark_backup',
                              'tidemark_producer'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      execute format('create role %I nologin noinherit nosuperuser nobypassrls', wanted);
      execute format('grant %I to %I', wanted, current_user);
    end if;
  end loop;
end
$$;

create schema if not exists tidemark_private;
revoke create on schema public from public;
grant usage on schema public to tidemark_api, tidemark_scheduler, tidemark_worker, tidemark_readonly, tidemark_backup;
-- Not for callers: row level security evaluates the identity functions as the role that asks.
grant usage on schema tidemark_private to tidemark_api, tidemark_scheduler, tidemark_worker, tidemark_readonly, tidemark_backup;

-- UUIDv7: 48 bits of Unix milliseconds, then random bits (RFC 9562). PostgreSQL 18 has it built in; before that it is
-- put together from a random UUID.
do $$
begin
  if current_setting('server_version_num')::int >= 180000 then
    create function tidemark_uuidv7() returns uuid language sql volatile parallel safe as 'select uuidv7()';
  else
    create function tidemark_uuidv7() returns uuid language sql volatile parallel safe as $fn$
      select encode(
        set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
          placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
          52, 1), 53, 1),
        'hex')::uuid
    $fn$;
  end if;
end
$$;

-- A lease: the right to work for one user, held by one worker for one job. No runtime role can read this table; the
-- token is shown once, to the worker that acquired it.
create table tidemark_private.leases (
  token uuid primary key,
  user_id uuid not null,
  worker_id uuid not null,
  job_id uuid not null unique,
  acquired_at timestamptz not null default clock_timestamp()
);
create index leases_worker_id on tidemark_private.leases (worker_id);

-- The user whom the transaction's lease token stands for; null without a valid token, and then every policy says no.
create function lease_user() returns uuid
  language sql stable security definer parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select user_id
  from tidemark_private.leases
  where token = nullif(current_setting('app.lease_token', true), '')::uuid
$$;

-- The user in whose name the api reads and writes; set per transaction after the request was authorised.
create function app_user() returns uuid
  language sql stable parallel safe
as $$
  select nullif(current_setting('app.user_id', true), '')::uuid
$$;

-- True when the transaction was opened for an operator: control-plane rows of all users, no domain rows.
create function app_is_ops() returns boolean
  language sql stable parallel safe
as $$
  select coalesce(current_setting('app.scope', true), '') = 'ops'
$$;

-- Puts a table with a user column under forced row level security, with the policies of its class:
--
--   class    worker          api                 scheduler   readonly            backup
--   domain   leased user     app user            none        app user            read all
--   control  leased user     app user or ops     all         app user or ops     read all
--   shared   all             app user or ops     all         app user or ops     read all
--
-- Policies say which rows; grants beside each table say which verbs. test/integration/isolation.test.ts proves the matrix.
create procedure tidemark_private.protect(target regclass, class text, user_column text default 'user_id')
  language plpgsql
as $$
declare
  worker_rule text := format('%I = (select lease_user())', user_column);
  user_rule text := format('%I = (select app_user())', user_column);
begin
  if class not in ('domain', 'control', 'shared') then
    raise exception 'expected class domain, control or shared, got %', class;
  end if;
  if class <> 'domain' then
    user_rule := format('(%s or (select app_is_ops()))', user_rule);
  end if;
  if class = 'shared' then
    worker_rule := 'true';
  end if;
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy worker on %s to tidemark_worker using (%s) with check (%s)', target, worker_rule, worker_rule);
  execute format('create policy api on %s to tidemark_api using (%s) with check (%s)', target, user_rule, user_rule);
  execute format('create policy readonly on %s for select to tidemark_readonly using (%s)', target, user_rule);
  execute format('create policy backup on %s for select to tidemark_backup using (true)', target);
  if class <> 'domain' then
    execute format('create policy scheduler on %s to tidemark_scheduler using (true) with check (true)', target);
  end if;
  execute format('grant select on %s to tidemark_readonly, tidemark_backup', target);
end
$$;

-- Small facts about this installation: the queue engine in use, the key for keyed hashes, schema notes.
create table settings (
  key text primary key,
  value jsonb not null,
  updated_at timestamptz not null default now()
);
grant select on settings to tidemark_api, tidemark_scheduler, tidemark_worker, tidemark_readonly, tidemark_backup;
grant insert, update on settings to tidemark_scheduler;

-- The queue engine that this installation runs on: whoever starts first records his, whatever his role, and everybody is
-- answered the recorded one. Changing it is for the scheduler and the owner, who may update the table.
create function claim_queue_engine(engine text) returns text
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if engine is null or engine not in ('pgboss', 'bullmq') then
    raise exception 'expected the queue engine pgboss or bullmq, got %', engine using errcode = 'check_violation';
  end if;
  insert into public.settings (key, value)
  values ('queue.engine', to_jsonb(engine))
  on conflict (key) do nothing;
  return (select value #>> '{}' from public.settings where key = 'queue.engine');
end
$$;
revoke execute on function claim_queue_engine(text) from public;
grant execute on function claim_queue_engine(text) to tidemark_api, tidemark_scheduler, tidemark_worker;

-- Every process asks at its start whether it knows this schema.
grant select on pgmigrations to tidemark_api, tidemark_scheduler, tidemark_worker, tidemark_readonly, tidemark_backup;

-- Down Migration

drop function claim_queue_engine(text);
drop table settings;
drop procedure tidemark_private.protect(regclass, text, text);
drop function app_is_ops();
drop function app_user();
drop function lease_user();
drop table tidemark_private.leases;
drop function tidemark_uuidv7();
drop schema tidemark_private;
-- Roles belong to the whole server and stay; `deploy/roles.sql` says how to remove them.
