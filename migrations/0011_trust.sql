-- What makes trust checkable: changes of the control plane written down by triggers, events that concern security, each use
-- of a credential as a line of a chain, and addresses that guess. Locks nothing but for the moment of adding triggers.

-- Up Migration

-- Writes a changed row of the control plane to `audit_logs`. Arguments: the columns that name the row, those whose values may
-- be shown, those of which only the change is told (names and settings of people, whatever is sealed). An update of other
-- columns is no event. Who and why come from the transaction: `app.actor` as the process says, the lease of a worker's job.
create function tidemark_private.audit_row() returns trigger
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) else '{}' end;
  after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) else '{}' end;
  named jsonb := case when tg_op = 'DELETE' then before else after end;
  actor jsonb := coalesce(nullif(current_setting('app.actor', true), '')::jsonb, '{}');
  changes jsonb;
  lease record;
begin
  select coalesce(jsonb_object_agg(c.name, case
    when c.shown then jsonb_build_array(before -> c.name, after -> c.name)
    else '"changed"'
  end), '{}')
  into changes
  from (
    select unnest(string_to_array(tg_argv[1], ',')) as name, true as shown
    union all
    select unnest(string_to_array(tg_argv[2], ',')), false
  ) c
  where coalesce(before -> c.name, 'null') is distinct from coalesce(after -> c.name, 'null');
  if tg_op = 'UPDATE' and changes = '{}' then
    return null;
  end if;
  select l.job_id, l.worker_id into lease
  from tidemark_private.leases l
  where l.token = nullif(current_setting('app.lease_token', true), '')::uuid;
  insert into public.audit_logs (at, token_id, token_name, login, action, reason, target, details, outcome)
  values (
    date_trunc('milliseconds', clock_timestamp()), (actor ->> 'tokenId')::uuid, actor ->> 'name',
    coalesce(nullif(current_setting('role', true), 'none'), session_user),
    tg_table_name || '.' || lower(tg_op),
    left(coalesce(actor ->> 'action', 'job ' || lease.job_id), 200),
    (select tg_table_name || '/' || string_agg(named ->> k.name, '/' order by k.position)
     from unnest(string_to_array(tg_argv[0], ',')) with ordinality k (name, position)),
    jsonb_strip_nulls(jsonb_build_object('changes', changes, 'workerId', lease.worker_id)), 'done'
  );
  return null;
end
$$;

-- `update of` keeps the hot paths free: a page that moves a cursor never comes here.
create trigger audit_row after insert or delete or update on users
  for each row execute function tidemark_private.audit_row(
    'id', 'timezone,language_code,reporting_currency,plan,is_active,is_verified', 'email,name,username,phone,avatar_url,metadata');
create trigger audit_row after insert or delete
    or update of external_account_id, settings, status, status_code, paused_at, sync_interval_minutes, cron, timezone on integrations
  for each row execute function tidemark_private.audit_row(
    'id', 'user_id,platform_id,status,status_code,paused_at,sync_interval_minutes,cron,timezone',
    'external_account_id,display_name,settings');
create trigger audit_row after insert or delete or update of key_id, version, user_id, integration_id on integration_credentials
  for each row execute function tidemark_private.audit_row('integration_id', 'user_id,key_id,version,expires_at', 'ciphertext');
create trigger audit_row after update of enabled, status, status_code, interval_minutes, cron, timezone on integration_streams
  for each row execute function tidemark_private.audit_row(
    'integration_id,stream', 'enabled,status,status_code,interval_minutes,cron,timezone', '');
create trigger audit_row after insert or delete or update on oauth_apps
  for each row execute function tidemark_private.audit_row(
    'platform_id', 'client_id,key_id,version,redirect_uri', 'ciphertext');
create trigger audit_row after insert or delete or update of name, scopes, expires_at, revoked_at, token_hash on api_tokens
  for each row execute function tidemark_private.audit_row('id', 'name,scopes,expires_at,revoked_at', 'token_hash');
create trigger audit_row after insert or delete or update on settings
  for each row execute function tidemark_private.audit_row('key', '', 'value');
create trigger audit_row after insert or delete or update of paused_at, concurrency, rate_max, rate_per_ms on queue_controls
  for each row execute function tidemark_private.audit_row('queue', 'paused_at,concurrency,rate_max,rate_per_ms', '');

-- What concerns security: sign-ins, refused tokens, addresses locked out, tokens and keys made and ended, sealed values that
-- did not open. Insert only; names and ids, never a value.
create table security_logs (
  id uuid not null default tidemark_uuidv7(),
  at timestamptz not null,
  event text not null check (length(event) between 1 and 100),
  severity text not null check (severity in ('info', 'warning', 'alarm')),
  token_id uuid,
  token_name text,
  address text check (length(address) <= 100),
  login text not null default current_user,
  details jsonb not null default '{}',
  primary key (at, id)
) partition by range (at);
create table security_logs_default partition of security_logs default;
create index security_logs_event on security_logs (event, at desc);

-- Whoever makes or ends a token, by whatever way, is written down.
create function tidemark_private.note_token() returns trigger
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  actor jsonb := coalesce(nullif(current_setting('app.actor', true), '')::jsonb, '{}');
  subject public.api_tokens := case when tg_op = 'DELETE' then old else new end;
begin
  insert into public.security_logs (at, event, severity, token_id, token_name, login, details)
  values (
    date_trunc('milliseconds', clock_timestamp()),
    case
      when tg_op = 'INSERT' then 'token.created'
      when tg_op = 'DELETE' then 'token.removed'
      when old.revoked_at is null and new.revoked_at is not null then 'token.revoked'
      else 'token.changed'
    end,
    'info', subject.id, subject.name, coalesce(nullif(current_setting('role', true), 'none'), session_user),
    jsonb_strip_nulls(jsonb_build_object('scopes', to_jsonb(subject.scopes), 'expiresAt', subject.expires_at,
      'by', actor ->> 'name', 'byTokenId', actor ->> 'tokenId'))
  );
  return null;
end
$$;
create trigger note_token after insert or delete or update of name, scopes, expires_at, revoked_at, token_hash on api_tokens
  for each row execute function tidemark_private.note_token();

-- Each use of a credential, before it is used: which run or job, why, under which key. Chained per integration: a line's hash
-- covers the line and the hash before it, and the newest hash is kept apart, so a line that is changed, put in between or
-- taken away is found. Lines outlive their integration: they hold ids only.
create table credential_openings (
  integration_id uuid not null,
  seq bigint not null check (seq > 0),
  at timestamptz not null,
  run_id uuid,
  job_id uuid,
  worker_id uuid,
  reason text not null check (reason in ('sync', 'test', 'refresh', 'oauth_app', 'rotation')),
  key_id text not null,
  version integer not null,
  hash bytea not null,
  primary key (integration_id, seq)
);
create table tidemark_private.opening_heads (
  integration_id uuid primary key,
  seq bigint not null,
  hash bytea not null
) with (fillfactor = 80);

-- SHA-256 over the hash before and the line; '' stands for what is null.
create function tidemark_private.opening_hash(previous bytea, line credential_openings) returns bytea
  language sql immutable
  set search_path = pg_catalog, pg_temp
as $$
  select sha256(previous || convert_to(concat_ws('|', line.integration_id, line.seq,
    (extract(epoch from line.at) * 1000000)::bigint, coalesce(line.run_id::text, ''), coalesce(line.job_id::text, ''),
    coalesce(line.worker_id::text, ''), line.reason, line.key_id, line.version), 'UTF8'))
$$;

create function tidemark_private.append_opening(line credential_openings) returns bigint
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  head tidemark_private.opening_heads;
begin
  insert into tidemark_private.opening_heads (integration_id, seq, hash) values (line.integration_id, 0, '')
  on conflict (integration_id) do nothing;
  select * into head from tidemark_private.opening_heads h where h.integration_id = line.integration_id for update;
  line.seq := head.seq + 1;
  line.at := clock_timestamp();
  line.hash := tidemark_private.opening_hash(head.hash, line);
  insert into public.credential_openings select line.*;
  update tidemark_private.opening_heads h set seq = line.seq, hash = line.hash where h.integration_id = line.integration_id;
  return line.seq;
end
$$;

-- Writes down that the job of this transaction's lease is about to open a credential. Null without a valid lease: then nothing
-- may be opened.
create function note_opening(integration uuid, run uuid, reason text, key_id text, version integer) returns bigint
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  lease tidemark_private.leases;
  line public.credential_openings;
begin
  select * into lease from tidemark_private.leases l
  where l.token = nullif(current_setting('app.lease_token', true), '')::uuid;
  if lease.token is null then
    return null;
  end if;
  line.integration_id := integration;
  line.run_id := run;
  line.job_id := lease.job_id;
  line.worker_id := lease.worker_id;
  line.reason := reason;
  line.key_id := key_id;
  line.version := version;
  return tidemark_private.append_opening(line);
end
$$;
revoke execute on function note_opening(uuid, uuid, text, text, integer) from public;
grant execute on function note_opening(uuid, uuid, text, text, integer) to tidemark_worker;

-- Reads the chain of one integration again: how many lines it has, and where it is broken first (null: nowhere). A chain whose
-- newest lines are gone is broken behind the last one that is left.
create function verify_openings(integration uuid) returns table (lines bigint, broken_at bigint)
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  line public.credential_openings;
  expected bigint := 0;
  previous bytea := '';
  head tidemark_private.opening_heads;
begin
  lines := 0;
  for line in select * from public.credential_openings o where o.integration_id = integration order by o.seq loop
    expected := expected + 1;
    if broken_at is null and (line.seq <> expected or line.hash <> tidemark_private.opening_hash(previous, line)) then
      broken_at := expected;
    end if;
    previous := line.hash;
    lines := lines + 1;
  end loop;
  select * into head from tidemark_private.opening_heads h where h.integration_id = integration;
  if broken_at is null and (coalesce(head.seq, 0) <> expected or coalesce(head.hash, '') <> previous) then
    broken_at := expected + 1;
  end if;
  return next;
end
$$;
revoke execute on function verify_openings(uuid) from public;
grant execute on function verify_openings(uuid) to tidemark_api, tidemark_readonly, tidemark_backup;

-- Addresses that brought wrong tokens; every api process counts here.
create table door_guesses (
  address text primary key check (length(address) <= 100),
  wrong integer not null,
  since timestamptz not null,
  locks integer not null default 0,
  locked_until timestamptz
);
create index door_guesses_since on door_guesses (since);

grant select, insert on security_logs to tidemark_api;
grant insert on security_logs to tidemark_scheduler, tidemark_worker;
grant select on credential_openings to tidemark_api;
grant select on security_logs, credential_openings to tidemark_backup;
grant select, insert, update on door_guesses to tidemark_api;
grant select, delete on door_guesses to tidemark_scheduler;

-- Down Migration

drop table door_guesses;
drop function verify_openings(uuid);
drop function note_opening(uuid, uuid, text, text, integer);
drop function tidemark_private.append_opening(credential_openings);
drop function tidemark_private.opening_hash(bytea, credential_openings);
drop table tidemark_private.opening_heads;
drop table credential_openings;
drop trigger note_token on api_tokens;
drop function tidemark_private.note_token();
drop table security_logs;
drop trigger audit_row on queue_controls;
drop trigger audit_row on settings;
drop trigger audit_row on api_tokens;
drop trigger audit_row on oauth_apps;
drop trigger audit_row on integration_streams;
drop trigger audit_row on integration_credentials;
drop trigger audit_row on integrations;
drop trigger audit_row on users;
drop function tidemark_private.audit_row();
