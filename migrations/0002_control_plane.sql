-- Users, platforms, and what connects them: integrations, their credentials and their streams.
-- Locks nothing: creates new objects only.

-- Up Migration

create table users (
  id uuid primary key default tidemark_uuidv7(),
  email text not null check (email like '%_@_%' and length(email) <= 320),
  name text not null check (length(name) between 1 and 255),
  username text unique,
  phone text,
  avatar_url text,
  timezone text not null default 'UTC',
  language_code text not null default 'en',
  reporting_currency text not null default 'USD' check (reporting_currency ~ '^[A-Z]{3}$'),
  plan text not null default 'free',
  is_active boolean not null default true,
  is_verified boolean not null default false,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index users_email on users (lower(email));

-- A zone must be one that the server knows; a check constraint may not read a view, so a trigger asks.
create function tidemark_private.check_timezone() returns trigger
  language plpgsql
as $$
begin
  if not exists (select from pg_timezone_names where name = new.timezone) then
    raise exception 'expected an IANA time zone, got %', new.timezone using errcode = '23514', constraint = 'timezone_is_iana';
  end if;
  return new;
end
$$;
create trigger users_timezone before insert or update of timezone on users
  for each row execute function tidemark_private.check_timezone();

create table platforms (
  id text primary key check (id ~ '^[a-z][a-z0-9_]*$'),
  name text not null,
  display_name text not null,
  type text not null check (type in ('ecommerce', 'messaging', 'voice', 'analytics', 'freelance', 'profile')),
  region text not null check (region in ('russia', 'international', 'global', 'china')),
  capabilities text[] not null default '{}',
  required_credentials text[] not null default '{}',
  is_active boolean not null default true,
  configuration jsonb not null default '{}',
  created_at timestamptz not null default now()
);
insert into platforms (id, name, display_name, type, region, capabilities, required_credentials) values
  ('upwork', 'Upwork', 'Upwork', 'freelance', 'global',
   '{profile,jobs,proposals}', '{access_token,refresh_token,expires_at}');
grant select on platforms to tidemark_api, tidemark_scheduler, tidemark_worker, tidemark_readonly, tidemark_backup;

create table integrations (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null references users (id) on delete cascade,
  platform_id text not null references platforms (id),
  external_account_id text,
  display_name text,
  settings jsonb not null default '{}',
  status text not null default 'pending' check (status in ('pending', 'connected', 'error', 'disconnected')),
  status_code text,
  status_message text,
  paused_at timestamptz,
  sync_interval_minutes integer check (sync_interval_minutes between 1 and 44640),
  cron text,
  timezone text,
  last_sync_at timestamptz,
  next_sync_at timestamptz,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, id),
  check (cron is null or timezone is not null),
  check (cron is null or sync_interval_minutes is null)
);
create unique index integrations_account on integrations (user_id, platform_id, external_account_id)
  where external_account_id is not null;
create index integrations_platform on integrations (platform_id);

-- Sealed credentials. The key id is not part of the associated data, so rotation rewraps the data key only. The api may
-- write these columns and never read them: see the column grants.
create table integration_credentials (
  integration_id uuid primary key,
  user_id uuid not null,
  ciphertext bytea not null,
  wrapped_key bytea not null,
  key_id text not null,
  version integer not null default 1 check (version > 0),
  expires_at timestamptz,
  -- Write-ahead intent of an OAuth refresh: the version about to be spent, by whom, since when.
  refresh_intent_version integer,
  refresh_intent_by uuid,
  refresh_intent_at timestamptz,
  refresh_failed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index integration_credentials_key on integration_credentials (key_id);
create index integration_credentials_expiry on integration_credentials (expires_at) where expires_at is not null;

-- App credentials (client id and secret) of platforms with OAuth; one row per platform, not a tenant's.
create table oauth_apps (
  platform_id text primary key references platforms (id),
  client_id text not null,
  ciphertext bytea not null,
  wrapped_key bytea not null,
  key_id text not null,
  version integer not null default 1,
  redirect_uri text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table integration_streams (
  integration_id uuid not null,
  user_id uuid not null,
  stream text not null,
  enabled boolean not null default true,
  status text not null default 'active' check (status in ('active', 'parked', 'gone')),
  status_code text,
  status_message text,
  interval_minutes integer check (interval_minutes between 1 and 44640),
  cron text,
  timezone text,
  spread_seconds integer not null default 0,
  next_sync_at timestamptz,
  cursor jsonb,
  cursor_version bigint not null default 0,
  coverage tstzmultirange not null default '{}',
  last_full_at timestamptz,
  last_success_at timestamptz,
  -- The fence only grows: every lease takes the next number, and a write that brings an older one is refused.
  fence bigint not null default 0,
  lease_worker uuid,
  lease_token uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (integration_id, stream),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  check (cron is null or timezone is not null),
  check (cron is null or interval_minutes is null),
  check ((lease_worker is null) = (lease_token is null))
);
-- The scheduler's tick: one indexed read when nothing is due.
create index integration_streams_due on integration_streams (next_sync_at)
  where enabled and status = 'active' and next_sync_at is not null;
create index integration_streams_lease on integration_streams (lease_worker) where lease_worker is not null;

create table api_tokens (
  id uuid primary key default tidemark_uuidv7(),
  -- Whose token it is: it opens this user's rows and no others. Null: the installation's.
  user_id uuid references users (id) on delete cascade,
  name text not null check (length(name) between 1 and 255),
  token_hash bytea not null unique,
  scopes text[] not null check (scopes <@ array['read', 'enqueue', 'operate', 'admin']),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now()
);
create index api_tokens_user on api_tokens (user_id) where user_id is not null;

call tidemark_private.protect('users', 'control', 'id');
call tidemark_private.protect('integrations', 'control');
call tidemark_private.protect('integration_credentials', 'control');
call tidemark_private.protect('integration_streams', 'control');

grant select, insert, update, delete on users, integrations, integration_streams to tidemark_api;
grant select, update on users, integrations, integration_streams to tidemark_scheduler;
grant select, update on integrations, integration_streams to tidemark_worker;
grant select on users to tidemark_worker;

-- Write-only outside the worker: no grant below lets api, scheduler or readonly select the sealed columns.
revoke select on integration_credentials from tidemark_readonly;
grant insert, delete on integration_credentials to tidemark_api;
grant update (ciphertext, wrapped_key, key_id, version, expires_at, refresh_intent_version, refresh_intent_by,
              refresh_intent_at, refresh_failed_at, updated_at) on integration_credentials to tidemark_api;
grant select (integration_id, user_id, key_id, version, expires_at, refresh_failed_at, created_at, updated_at)
  on integration_credentials to tidemark_api, tidemark_scheduler, tidemark_readonly;
grant select, update on integration_credentials to tidemark_worker;

grant insert, delete, update (client_id, ciphertext, wrapped_key, key_id, version, redirect_uri, updated_at)
  on oauth_apps to tidemark_api;
grant select (platform_id, client_id, key_id, version, redirect_uri, created_at, updated_at)
  on oauth_apps to tidemark_api, tidemark_scheduler;
grant select on oauth_apps to tidemark_worker, tidemark_backup;

grant select, insert, update on api_tokens to tidemark_api;
grant select on api_tokens to tidemark_backup;

-- Down Migration

drop table api_tokens;
drop table integration_streams;
drop table oauth_apps;
drop table integration_credentials;
drop table integrations;
drop table platforms;
drop table users;
drop function tidemark_private.check_timezone();
