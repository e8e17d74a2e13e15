-- Rotation of the vault's keys while everything runs: wrapped data keys travel, ciphertext never does. Retired keys are refused
-- for new rows by the database itself, whatever public keys a process was given.
-- Locks nothing but for the moment of adding columns, policies and triggers; builds one index of `sync_quarantine`, whose
-- writes wait meanwhile.

-- Up Migration

alter table workers
  -- Secret keys that it holds: who rewraps waits until everybody can open what comes of it.
  add column key_ids text[] not null default '{}',
  -- The key that it seals to: such a key is not retired under it, or a refreshed token could not be stored. Null: unknown.
  add column seals_to text;

create table tidemark_private.retired_keys (
  key_id text primary key check (key_id ~ '^[0-9a-f]{16}$'),
  retired_at timestamptz not null default clock_timestamp()
);

-- SQLSTATE TM001 is Tidemark's own: src/db/errors.ts names it `vault.key_retired`.
create function tidemark_private.refuse_retired_key() returns trigger
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from tidemark_private.retired_keys r where r.key_id = new.key_id) then
    raise exception 'the key % is retired and seals nothing any more: give this process the new TIDEMARK_PUBLIC_KEYS and restart it',
      new.key_id using errcode = 'TM001';
  end if;
  return new;
end
$$;
revoke execute on function tidemark_private.refuse_retired_key() from public;
create trigger refuse_retired_key before insert or update of key_id on integration_credentials
  for each row execute function tidemark_private.refuse_retired_key();
create trigger refuse_retired_key before insert or update of key_id on oauth_apps
  for each row execute function tidemark_private.refuse_retired_key();
create trigger refuse_retired_key before insert or update of key_id on sync_quarantine
  for each row execute function tidemark_private.refuse_retired_key();

create index sync_quarantine_key on sync_quarantine (key_id);

-- A definer function runs as the owner, and forced row level security holds for the owner too.
create policy definer_reads on integration_credentials for select to current_user using (true);
create policy definer_rewraps on integration_credentials for update to current_user using (true);
create policy definer_reads on sync_quarantine for select to current_user using (true);
create policy definer_rewraps on sync_quarantine for update to current_user using (true);

-- The next wrapped data keys of one table that are not under `current_key`, in the order of the table's own key and after
-- `after`; at most 500. `integration_id` is null for what belongs to no integration. To take a credential's key out is to use it:
-- it comes with a line in the integration's chain.
create function tidemark_private.next_wrapped_keys(place text, current_key text, after text, most integer)
  returns table (id text, integration_id uuid, version integer, key_id text, wrapped_key bytea)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  line public.credential_openings;
  first constant uuid := '00000000-0000-0000-0000-000000000000';
  page constant integer := least(most, 500);
begin
  case place
    when 'integration_credentials' then
      for id, integration_id, version, key_id, wrapped_key in
        select c.integration_id::text, c.integration_id, c.version, c.key_id, c.wrapped_key
        from public.integration_credentials c
        where c.key_id <> current_key
          and c.integration_id > coalesce(after::uuid, first)
        order by c.integration_id
        limit page
      loop
        line.integration_id := integration_id;
        line.reason := 'rotation';
        line.key_id := key_id;
        line.version := version;
        perform tidemark_private.append_opening(line);
        return next;
      end loop;
    when 'oauth_apps' then
      return query
        select a.platform_id, null::uuid, a.version, a.key_id, a.wrapped_key
        from public.oauth_apps a
        where a.key_id <> current_key
          and a.platform_id > coalesce(after, '')
        order by a.platform_id
        limit page;
    when 'sync_quarantine' then
      return query
        select q.id::text, q.integration_id, q.version, q.key_id, q.wrapped_key
        from public.sync_quarantine q
        where q.key_id <> current_key
          and q.id > coalesce(after::uuid, first)
        order by q.id
        limit page;
  end case;
end
$$;

-- Puts data keys under `new_key` where the wrapped key is still the one that was read; answers how many rows that was. Whoever
-- sealed something new meanwhile has won, and a row that somebody holds at the moment is left for a later pass.
create function tidemark_private.replace_wrapped_keys(
  place text, ids text[], old_wrapped bytea[], new_wrapped bytea[], new_key text
) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  replaced integer;
begin
  if cardinality(ids) > 500 then
    raise exception 'expected at most 500 keys, got %', cardinality(ids) using errcode = '22023';
  end if;
  case place
    when 'integration_credentials' then
      with free as (
        select c.integration_id as id, k.new_wrapped
        from public.integration_credentials c
        join unnest(ids, old_wrapped, new_wrapped) as k (id, old_wrapped, new_wrapped)
          on c.integration_id = k.id::uuid and c.wrapped_key = k.old_wrapped
        for update of c skip locked
      )
      update public.integration_credentials c
      set wrapped_key = free.new_wrapped, key_id = new_key
      from free
      where c.integration_id = free.id;
    when 'oauth_apps' then
      with free as (
        select a.platform_id as id, k.new_wrapped
        from public.oauth_apps a
        join unnest(ids, old_wrapped, new_wrapped) as k (id, old_wrapped, new_wrapped)
          on a.platform_id = k.id and a.wrapped_key = k.old_wrapped
        for update of a skip locked
      )
      update public.oauth_apps a
      set wrapped_key = free.new_wrapped, key_id = new_key
      from free
      where a.platform_id = free.id;
    when 'sync_quarantine' then
      with free as (
        select q.id, k.new_wrapped
        from public.sync_quarantine q
        join unnest(ids, old_wrapped, new_wrapped) as k (id, old_wrapped, new_wrapped)
          on q.id = k.id::uuid and q.wrapped_key = k.old_wrapped
        for update of q skip locked
      )
      update public.sync_quarantine q
      set wrapped_key = free.new_wrapped, key_id = new_key
      from free
      where q.id = free.id;
  end case;
  get diagnostics replaced = row_count;
  return replaced;
end
$$;

-- How many rows of which table each key seals.
create function tidemark_private.key_usage() returns table (place text, key_id text, row_count bigint)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
  select 'integration_credentials', c.key_id, count(*) from public.integration_credentials c group by c.key_id
  union all
  select 'oauth_apps', a.key_id, count(*) from public.oauth_apps a group by a.key_id
  union all
  select 'sync_quarantine', q.key_id, count(*) from public.sync_quarantine q group by q.key_id
$$;

create function tidemark_private.retired_key_ids() returns table (key_id text, retired_at timestamptz)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
  select r.key_id, r.retired_at from tidemark_private.retired_keys r order by r.retired_at, r.key_id
$$;

-- Retires a key that no row uses; otherwise answers which rows do, and changes nothing. Writers of the three tables wait for the
-- moment it takes: one that has sealed and not committed yet would be missed.
create function tidemark_private.retire_key(retired text) returns table (place text, row_count bigint)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '5s'
as $$
begin
  lock table public.integration_credentials, public.oauth_apps, public.sync_quarantine in share mode;
  return query select u.place, u.row_count from tidemark_private.key_usage() u where u.key_id = retired order by 1;
  if not found then
    insert into tidemark_private.retired_keys (key_id) values (retired) on conflict do nothing;
  end if;
end
$$;

revoke execute on function tidemark_private.next_wrapped_keys(text, text, text, integer),
  tidemark_private.replace_wrapped_keys(text, text[], bytea[], bytea[], text), tidemark_private.key_usage(),
  tidemark_private.retired_key_ids(), tidemark_private.retire_key(text) from public;
grant execute on function tidemark_private.next_wrapped_keys(text, text, text, integer),
  tidemark_private.replace_wrapped_keys(text, text[], bytea[], bytea[], text), tidemark_private.key_usage(),
  tidemark_private.retired_key_ids(), tidemark_private.retire_key(text) to tidemark_worker;

-- Down Migration

drop function tidemark_private.retire_key(text);
drop function tidemark_private.retired_key_ids();
drop function tidemark_private.key_usage();
drop function tidemark_private.replace_wrapped_keys(text, text[], bytea[], bytea[], text);
drop function tidemark_private.next_wrapped_keys(text, text, text, integer);
drop policy definer_rewraps on sync_quarantine;
drop policy definer_reads on sync_quarantine;
drop policy definer_rewraps on integration_credentials;
drop policy definer_reads on integration_credentials;
drop index sync_quarantine_key;
drop trigger refuse_retired_key on sync_quarantine;
drop trigger refuse_retired_key on oauth_apps;
drop trigger refuse_retired_key on integration_credentials;
drop function tidemark_private.refuse_retired_key();
drop table tidemark_private.retired_keys;
alter table workers drop column seals_to, drop column key_ids;
