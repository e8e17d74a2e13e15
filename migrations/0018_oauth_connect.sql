-- Connecting an account by a page of consent: exchanges of codes for credentials, what of them is sealed, and how long the
-- grant of a credential lives when nobody uses it.
-- Locks `integration_credentials` and `credential_openings` for a moment; rewrites no table.

-- Up Migration

-- One try of a user to give us a grant, from the address that he is sent to until the integration is there.
--
--   pending ──back from the platform──► received ──intent──► exchanging ──► done
--      │                                                       │   └──several organisations──► choosing ──chosen──► done
--      └── denied, refused, in doubt ──► failed                 any of them, too late ──► expired
--
-- A new account gets the id of its exchange. `integration_id`: null until it is there; of a re-authorisation from the beginning.
create table oauth_exchanges (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null references users (id) on delete cascade,
  integration_id uuid,
  platform_id text not null references platforms (id),
  -- SHA-256 of the state: whoever reads this table can answer for nobody.
  state_hash bytea not null unique,
  redirect_uri text not null,
  settings jsonb not null default '{}',
  status text not null default 'pending'
    check (status in ('pending', 'received', 'exchanging', 'choosing', 'done', 'failed', 'expired')),
  external_account_id text,
  account_name text,
  organizations jsonb not null default '[]',
  chosen_organization_id text,
  -- Streams that the grant does not open; null: nobody could tell.
  missing_scopes jsonb,
  error_code text,
  error_message text,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  check ((status in ('failed', 'expired')) = (error_code is not null)),
  check (status <> 'done' or integration_id is not null)
);
create index oauth_exchanges_user on oauth_exchanges (user_id);
create index oauth_exchanges_integration on oauth_exchanges (integration_id) where integration_id is not null;
create index oauth_exchanges_open on oauth_exchanges (expires_at)
  where status in ('pending', 'received', 'exchanging', 'choosing');
create index oauth_exchanges_ended on oauth_exchanges (updated_at) where status in ('failed', 'expired');

-- What of an exchange nobody but the worker may read, each for minutes: gone as soon as it was spent.
create table oauth_exchange_secrets (
  id uuid primary key default tidemark_uuidv7(),
  exchange_id uuid not null references oauth_exchanges (id) on delete cascade,
  user_id uuid not null,
  part text not null check (part in ('verifier', 'code', 'tokens')),
  version integer not null default 1,
  ciphertext bytea not null,
  wrapped_key bytea not null,
  key_id text not null,
  created_at timestamptz not null default now(),
  unique (exchange_id, part)
);
create index oauth_exchange_secrets_key on oauth_exchange_secrets (key_id);

call tidemark_private.protect('oauth_exchanges', 'control');
call tidemark_private.protect('oauth_exchange_secrets', 'control');

grant select, insert, update on oauth_exchanges to tidemark_api;
grant select, update on oauth_exchanges to tidemark_worker;
grant select, update, delete on oauth_exchanges to tidemark_scheduler;

-- Write-only outside the worker, like credentials.
revoke select on oauth_exchange_secrets from tidemark_readonly;
grant insert, delete on oauth_exchange_secrets to tidemark_api;
grant select (id, exchange_id, user_id, part, version, key_id, created_at) on oauth_exchange_secrets
  to tidemark_api, tidemark_scheduler, tidemark_readonly;
grant delete on oauth_exchange_secrets to tidemark_scheduler;
grant select, insert, delete on oauth_exchange_secrets to tidemark_worker;

-- The worker makes the integration itself: what it has exchanged is for nobody else to see.
grant insert on integrations, integration_streams, integration_credentials to tidemark_worker;

create trigger audit_row after insert or delete or update of status, integration_id, error_code on oauth_exchanges
  for each row execute function tidemark_private.audit_row(
    'id', 'user_id,integration_id,platform_id,status,error_code', 'settings,chosen_organization_id');
create trigger refuse_retired_key before insert or update of key_id on oauth_exchange_secrets
  for each row execute function tidemark_private.refuse_retired_key();

alter table credential_openings drop constraint credential_openings_reason_check;
alter table credential_openings add constraint credential_openings_reason_check
  check (reason in ('sync', 'test', 'refresh', 'oauth_app', 'rotation', 'exchange'));

-- When the grant was given or renewed last, and of how many days left its user was told.
alter table integration_credentials
  add column rotated_at timestamptz not null default now(),
  add column grant_notice_days integer check (grant_notice_days > 0);
update integration_credentials set rotated_at = updated_at;
grant select (rotated_at, grant_notice_days), update (rotated_at, grant_notice_days) on integration_credentials
  to tidemark_api, tidemark_scheduler;
grant select (rotated_at, grant_notice_days) on integration_credentials to tidemark_readonly;

-- The rotation of keys learns of the new sealed table; for every other one it asks the functions that were there before.
create policy definer_reads on oauth_exchange_secrets for select to current_user using (true);
create policy definer_rewraps on oauth_exchange_secrets for update to current_user using (true);

alter function tidemark_private.next_wrapped_keys(text, text, text, integer) rename to next_wrapped_keys_0012;
alter function tidemark_private.replace_wrapped_keys(text, text[], bytea[], bytea[], text) rename to replace_wrapped_keys_0012;
alter function tidemark_private.key_usage() rename to key_usage_0012;
alter function tidemark_private.retire_key(text) rename to retire_key_0012;

create function tidemark_private.next_wrapped_keys(place text, current_key text, after text, most integer)
  returns table (id text, integration_id uuid, version integer, key_id text, wrapped_key bytea)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if place <> 'oauth_exchange_secrets' then
    return query select * from tidemark_private.next_wrapped_keys_0012(place, current_key, after, most);
    return;
  end if;
  return query
    select s.id::text, null::uuid, s.version, s.key_id, s.wrapped_key
    from public.oauth_exchange_secrets s
    where s.key_id <> current_key
      and s.id > coalesce(after::uuid, '00000000-0000-0000-0000-000000000000')
    order by s.id
    limit least(most, 500);
end
$$;

create function tidemark_private.replace_wrapped_keys(
  place text, ids text[], old_wrapped bytea[], new_wrapped bytea[], new_key text
) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  replaced integer;
begin
  if place <> 'oauth_exchange_secrets' then
    return tidemark_private.replace_wrapped_keys_0012(place, ids, old_wrapped, new_wrapped, new_key);
  end if;
  if cardinality(ids) > 500 then
    raise exception 'expected at most 500 keys, got %', cardinality(ids) using errcode = '22023';
  end if;
  with free as (
    select s.id, k.new_wrapped
    from public.oauth_exchange_secrets s
    join unnest(ids, old_wrapped, new_wrapped) as k (id, old_wrapped, new_wrapped)
      on s.id = k.id::uuid and s.wrapped_key = k.old_wrapped
    for update of s skip locked
  )
  update public.oauth_exchange_secrets s
  set wrapped_key = free.new_wrapped, key_id = new_key
  from free
  where s.id = free.id;
  get diagnostics replaced = row_count;
  return replaced;
end
$$;

create function tidemark_private.key_usage() returns table (place text, key_id text, row_count bigint)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
  select u.place, u.key_id, u.row_count from tidemark_private.key_usage_0012() u
  union all
  select 'oauth_exchange_secrets', s.key_id, count(*) from public.oauth_exchange_secrets s group by s.key_id
$$;

-- The older one asks `key_usage` by its name, and so sees the new table, whose writers wait as well.
create function tidemark_private.retire_key(retired text) returns table (place text, row_count bigint)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '5s'
as $$
begin
  lock table public.oauth_exchange_secrets in share mode;
  return query select * from tidemark_private.retire_key_0012(retired);
end
$$;

revoke execute on function tidemark_private.next_wrapped_keys(text, text, text, integer),
  tidemark_private.replace_wrapped_keys(text, text[], bytea[], bytea[], text), tidemark_private.key_usage(),
  tidemark_private.retire_key(text) from public;
grant execute on function tidemark_private.next_wrapped_keys(text, text, text, integer),
  tidemark_private.replace_wrapped_keys(text, text[], bytea[], bytea[], text), tidemark_private.key_usage(),
  tidemark_private.retire_key(text) to tidemark_worker;

insert into tidemark_private.job_kinds (kind, queues, max_attempts, derived) values
  ('oauth.exchange', '{maintenance}', 5, false);

-- Down Migration

delete from tidemark_private.job_kinds where kind = 'oauth.exchange';
drop function tidemark_private.retire_key(text);
drop function tidemark_private.key_usage();
drop function tidemark_private.replace_wrapped_keys(text, text[], bytea[], bytea[], text);
drop function tidemark_private.next_wrapped_keys(text, text, text, integer);
alter function tidemark_private.retire_key_0012(text) rename to retire_key;
alter function tidemark_private.key_usage_0012() rename to key_usage;
alter function tidemark_private.replace_wrapped_keys_0012(text, text[], bytea[], bytea[], text) rename to replace_wrapped_keys;
alter function tidemark_private.next_wrapped_keys_0012(text, text, text, integer) rename to next_wrapped_keys;
revoke update (rotated_at, grant_notice_days) on integration_credentials from tidemark_api, tidemark_scheduler;
alter table integration_credentials drop column grant_notice_days, drop column rotated_at;
-- What an exchange opened stays in the chains: the check holds for new lines only.
alter table credential_openings drop constraint credential_openings_reason_check;
alter table credential_openings add constraint credential_openings_reason_check
  check (reason in ('sync', 'test', 'refresh', 'oauth_app', 'rotation')) not valid;
revoke insert on integrations, integration_streams, integration_credentials from tidemark_worker;
drop table oauth_exchange_secrets;
drop table oauth_exchanges;
