-- What platforms tell of their own accord on its way in, and messages on their way out.
-- Locks `credential_openings` and `integrations` for a moment: a wider check, new columns. Creates new objects otherwise.

-- Up Migration

-- Whose account an integration says it is, it says itself: events of an account go to those alone whose credentials have opened it.
-- Null: not proven, or not since settings or credentials changed.
alter table integrations
  add column account_proven_at timestamptz,
  add column account_tried_at timestamptz;

create function tidemark_private.forget_account_proof() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  new.account_proven_at := null;
  new.account_tried_at := null;
  return new;
end
$$;
create trigger forget_account_proof before update of settings, external_account_id on integrations
  for each row when (old.account_proven_at is not null
    and (old.settings is distinct from new.settings
      or old.external_account_id is not null and old.external_account_id is distinct from new.external_account_id))
  execute function tidemark_private.forget_account_proof();
create index integrations_unproven on integrations (account_tried_at nulls first)
  where status = 'connected' and account_proven_at is null;

-- Accounts that are listened to, one row for all tenants that connected one: a platform has one queue of updates for an account,
-- or one webhook. Made and removed with the integrations that name them.
create table event_receivers (
  platform_id text not null references platforms (id),
  -- The platform's id of the account.
  account_key text not null check (length(account_key) between 1 and 200),
  -- How the platform was told last; null: not yet.
  mode text check (mode in ('poll', 'webhook')),
  -- Where the next question goes on. Committed with the events before it.
  position bigint,
  -- SHA-256 of the secret that the platform repeats when it calls us.
  secret_hash bytea,
  -- Who asks. The fence only grows: a batch that brings an older one is refused.
  worker_id uuid,
  fence bigint not null default 0,
  -- Stands for the job that a lease wants: its holder opens the credential under it.
  lease_job uuid not null default gen_random_uuid(),
  -- Refusals of the credential in a row; one alone may be the platform's hiccup.
  refusals integer not null default 0,
  next_try_at timestamptz not null default now(),
  error_code text,
  received_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (platform_id, account_key)
);
create index event_receivers_worker on event_receivers (worker_id);

-- Events as they came, one row for each integration of the account; stored before anybody looks into them.
--
--   waiting ──processed──► done            unrouted ──an integration of the account──► waiting
--      └──cannot be read──► dead ──replay──► waiting
create table webhook_inbox (
  id uuid primary key default tidemark_uuidv7(),
  -- The order in which they came.
  seq bigint generated always as identity,
  user_id uuid,
  integration_id uuid,
  platform_id text not null references platforms (id),
  account_key text not null,
  event_key text not null check (length(event_key) between 1 and 500),
  -- Events of one lane are processed in their order.
  lane text not null check (length(lane) between 1 and 200),
  kind text not null,
  -- Not jsonb, which refuses what platforms send (NUL) and does not keep what they wrote.
  body json not null,
  state text not null default 'waiting' check (state in ('waiting', 'done', 'dead', 'unrouted')),
  error jsonb,
  received_at timestamptz not null default clock_timestamp(),
  processed_at timestamptz,
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  check ((state = 'unrouted') = (user_id is null)),
  check (user_id is not null or integration_id is null),
  check ((state = 'dead') = (error is not null))
) with (autovacuum_vacuum_scale_factor = 0.02);
create unique index webhook_inbox_event on webhook_inbox (platform_id, account_key, event_key, integration_id) nulls not distinct;
create index webhook_inbox_waiting on webhook_inbox (integration_id, lane, seq) where state = 'waiting';
create index webhook_inbox_unrouted on webhook_inbox (platform_id, account_key) where state = 'unrouted';
create index webhook_inbox_user on webhook_inbox (user_id, seq desc);
create index webhook_inbox_age on webhook_inbox (received_at);

-- Messages that somebody asked us to send.
--
--   queued ──claimed──► sending ──answer──► sent
--     ▲                   │ ├──refused──► failed
--     └── never left ─────┘ └──no answer, or the worker died──► unknown   (queued again only where repeating is allowed)
create table outbound_messages (
  id uuid primary key default tidemark_uuidv7(),
  -- The order in which they were queued; messages of one chat leave in it.
  seq bigint generated always as identity,
  user_id uuid not null,
  integration_id uuid not null,
  chat_key text not null check (chat_key ~ '^\S{1,200}$'),
  message jsonb not null,
  status text not null default 'queued' check (status in ('queued', 'sending', 'sent', 'failed', 'unknown', 'cancelled')),
  -- A send whose answer was lost may be repeated: better twice than never.
  allow_repeat boolean not null default false,
  -- A second one with the same key is the first one.
  dedupe_key text check (length(dedupe_key) between 1 and 500),
  not_before timestamptz,
  attempts integer not null default 0,
  worker_id uuid,
  platform_message_id text,
  error jsonb,
  sending_at timestamptz,
  settled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, dedupe_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  check ((status in ('failed', 'unknown')) = (error is not null)),
  check (status <> 'sent' or platform_message_id is not null),
  check ((status in ('queued', 'sending')) = (settled_at is null))
);
create index outbound_messages_lane on outbound_messages (integration_id, chat_key, seq) where status in ('queued', 'sending');
create index outbound_messages_user on outbound_messages (user_id, seq desc);

-- Our apps at platforms that sign what they send. The secret is sealed to a key that only the process of the webhooks holds, not
-- to the vault's: the columns do not bear the names by which the vault's rotation finds what it seals.
create table webhook_apps (
  platform_id text not null references platforms (id),
  app_id text not null check (app_id ~ '^[A-Za-z0-9_-]{1,100}$'),
  sealed_secret bytea not null,
  sealed_data_key bytea not null,
  webhook_key_id text not null,
  -- SHA-256 of what the platform repeats when it asks whether we are the ones it was told of.
  verify_token_hash bytea not null,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (platform_id, app_id)
);

call tidemark_private.protect('webhook_inbox', 'domain');
call tidemark_private.protect('outbound_messages', 'domain');
-- A definer function runs as the owner, and forced row level security holds for the owner too.
create policy definer on webhook_inbox to current_user using (true) with check (true);
grant select, update on webhook_inbox to tidemark_worker;
grant select, update (state, error, processed_at) on webhook_inbox to tidemark_api;
grant select, update on outbound_messages to tidemark_worker;
grant select, insert, update (status, settled_at, updated_at) on outbound_messages to tidemark_api;
grant select, update on event_receivers to tidemark_worker;
grant select (platform_id, account_key, mode, secret_hash, worker_id, refusals, next_try_at, error_code, received_at)
  on event_receivers to tidemark_api;
grant select on event_receivers to tidemark_scheduler, tidemark_readonly, tidemark_backup;
grant select, insert, update, delete on webhook_apps to tidemark_api;
grant select on webhook_apps to tidemark_backup;

alter table credential_openings drop constraint credential_openings_reason_check;
alter table credential_openings add constraint credential_openings_reason_check
  check (reason in ('sync', 'test', 'refresh', 'oauth_app', 'rotation', 'exchange', 'receive', 'send'));

insert into tidemark_private.job_kinds (kind, queues, max_attempts, derived) values
  ('webhook.process', '{webhooks}', 5, true),
  ('message.send', '{send-messages}', 8, false);

-- Integrations that an account's events belong to. A business of WhatsApp is an account too, by its own id in the settings.
create function tidemark_private.integrations_of(platform text, account text)
  returns table (integration_id uuid, user_id uuid)
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select i.id, i.user_id
  from public.integrations i
  where i.platform_id = platform
    and i.status <> 'disconnected'
    and i.account_proven_at is not null
    and (i.external_account_id = account or 'waba:' || (i.settings ->> 'waba_id') = account)
$$;
create index integrations_platform_account on integrations (platform_id, external_account_id);

-- Stores events once for each integration of their account, or for nobody yet; answers those that are new and somebody's.
create function tidemark_private.receive_events(
  platform text, accounts text[], event_keys text[], lanes text[], kinds text[], bodies text[]
)
  returns table (id uuid, integration_id uuid, user_id uuid, lane text)
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
  insert into public.webhook_inbox as w
    (user_id, integration_id, platform_id, account_key, event_key, lane, kind, body, state)
  select o.user_id, o.integration_id, platform, e.account, e.event_key, e.lane, e.kind, e.body::json,
    case when o.integration_id is null then 'unrouted' else 'waiting' end
  from unnest(accounts, event_keys, lanes, kinds, bodies) with ordinality as e (account, event_key, lane, kind, body, place)
  left join lateral tidemark_private.integrations_of(platform, e.account) o on true
  order by e.place
  on conflict (platform_id, account_key, event_key, integration_id) do nothing
  returning w.id, w.integration_id, w.user_id, w.lane
$$;

-- A batch of a queue of updates with the position after it: both, or neither. No row at all where the fence moved.
create function tidemark_private.store_batch(
  platform text, account text, worker uuid, held_fence bigint, next_position bigint,
  event_keys text[], lanes text[], kinds text[], bodies text[]
)
  returns table (id uuid, integration_id uuid, user_id uuid, lane text)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  update public.event_receivers r
  set position = next_position, received_at = clock_timestamp(), refusals = 0, error_code = null
  where r.platform_id = platform
    and r.account_key = account
    and r.worker_id = worker
    and r.fence = held_fence;
  if not found then
    raise exception 'the account is listened to by somebody else' using errcode = 'TM002';
  end if;
  return query
    select n.*
    from tidemark_private.receive_events(
      platform, array_fill(account, array[cardinality(event_keys)]), event_keys, lanes, kinds, bodies) n
    where n.integration_id is not null;
end
$$;

-- The accounts that `worker` listens to from now on: those it holds, and free ones up to its share of all. For each the
-- integration whose credential opens it: the oldest one that is connected. Accounts that nobody connected any more are let go.
create function tidemark_private.hold_receivers(worker uuid, platforms text[], most integer)
  returns table (
    platform_id text, account_key text, fence bigint, mode text, wanted text, "position" bigint, refusals integer,
    lease_job uuid, integration_id uuid, user_id uuid, settings jsonb, credential_version integer
  )
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  share integer;
  held integer;
begin
  if not exists (select from public.workers w where w.id = worker and w.status = 'alive') then
    return;
  end if;
  insert into public.event_receivers (platform_id, account_key)
  select distinct i.platform_id, i.external_account_id
  from public.integrations i
  where i.platform_id = any (platforms)
    and i.status = 'connected'
    and i.account_proven_at is not null
    and not exists (
      select from public.event_receivers r
      where r.platform_id = i.platform_id and r.account_key = i.external_account_id
    )
  on conflict do nothing;
  delete from public.event_receivers r
  where r.platform_id = any (platforms)
    and not exists (
      select from public.integrations i
      where i.platform_id = r.platform_id
        and i.external_account_id = r.account_key
        and i.status <> 'disconnected'
    );

  select least(most, ceil(count(*)::numeric / greatest(1, (select count(*) from public.workers w where w.status = 'alive'))))
  into share
  from public.event_receivers r
  where r.platform_id = any (platforms);
  -- More than its share since another worker came: what is too much is free for that one.
  update public.event_receivers r
  set worker_id = null, fence = r.fence + 1
  where (r.platform_id, r.account_key) in (
    select o.platform_id, o.account_key
    from public.event_receivers o
    where o.worker_id = worker
    order by o.account_key
    offset share
  );
  select count(*) into held from public.event_receivers r where r.worker_id = worker;
  update public.event_receivers r
  set worker_id = worker, fence = r.fence + 1, updated_at = clock_timestamp()
  where (r.platform_id, r.account_key) in (
    select f.platform_id, f.account_key
    from public.event_receivers f
    where f.platform_id = any (platforms)
      and (f.worker_id is null
        or not exists (select from public.workers w where w.id = f.worker_id and w.status = 'alive'))
    order by f.next_try_at
    limit greatest(0, share - held)
    for update skip locked
  );

  return query
    select r.platform_id, r.account_key, r.fence, r.mode, coalesce(i.settings ->> 'receive', 'poll'), r.position, r.refusals,
      r.lease_job, i.id, i.user_id, i.settings, c.version
    from public.event_receivers r
    cross join lateral (
      select n.id, n.user_id, n.settings
      from public.integrations n
      join public.users u on u.id = n.user_id and u.is_active
      where n.platform_id = r.platform_id
        and n.external_account_id = r.account_key
        and n.status = 'connected'
        and n.account_proven_at is not null
        and n.paused_at is null
      order by n.created_at, n.id
      limit 1
    ) i
    join public.integration_credentials c on c.integration_id = i.id
    where r.worker_id = worker
      and r.next_try_at <= clock_timestamp();
end
$$;

-- A lease for the user of one of the account's integrations, for who listens to it. Null: no longer.
create function tidemark_private.acquire_receiver_lease(platform text, account text, worker uuid, held_fence bigint, integration uuid)
  returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  leased_user uuid;
  job uuid;
  new_token uuid := gen_random_uuid();
begin
  select i.user_id, r.lease_job into leased_user, job
  from public.event_receivers r
  join public.workers w on w.id = r.worker_id and w.status = 'alive'
  join public.integrations i on i.platform_id = r.platform_id and i.external_account_id = r.account_key
  where r.platform_id = platform
    and r.account_key = account
    and r.worker_id = worker
    and r.fence = held_fence
    and i.id = integration
    and i.status = 'connected'
    and i.account_proven_at is not null;
  if leased_user is null then
    return null;
  end if;
  insert into tidemark_private.leases (token, user_id, worker_id, job_id)
  values (new_token, leased_user, worker, job)
  on conflict (job_id) do update
    set token = excluded.token, user_id = excluded.user_id, worker_id = excluded.worker_id, acquired_at = clock_timestamp();
  return new_token;
end
$$;

-- The right to process what waits behind an event. Such a job need not be in the ledger: its truth is the event.
create function acquire_inbox_lease(job uuid, worker uuid, event uuid) returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  leased_user uuid;
  new_token uuid := gen_random_uuid();
begin
  select e.user_id into leased_user
  from public.webhook_inbox e
  join public.integrations i on i.id = e.integration_id and i.paused_at is null
  where e.id = event
    and e.state = 'waiting'
    and exists (select from public.workers w where w.id = worker and w.status = 'alive');
  if leased_user is null then
    return null;
  end if;
  insert into tidemark_private.leases (token, user_id, worker_id, job_id)
  values (new_token, leased_user, worker, job)
  on conflict (job_id) do update
    set token = excluded.token, user_id = excluded.user_id, worker_id = excluded.worker_id, acquired_at = clock_timestamp();
  return new_token;
end
$$;

-- The oldest event of each lane that waits since before `since`: whoever should have processed it has died. Gives events that
-- nobody had connected yet to whom has now.
create function tidemark_private.waiting_lanes(since timestamptz, most integer)
  returns table (id uuid, user_id uuid, integration_id uuid, lane text)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  with lost as (
    select w.id
    from public.webhook_inbox w
    where w.state = 'unrouted'
      and exists (select from tidemark_private.integrations_of(w.platform_id, w.account_key))
    limit most
    for update skip locked
  ), found as (
    delete from public.webhook_inbox w using lost where w.id = lost.id returning w.*
  )
  -- Each in its old place, before what came later.
  insert into public.webhook_inbox
    (seq, user_id, integration_id, platform_id, account_key, event_key, lane, kind, body, received_at)
  overriding system value
  select f.seq, o.user_id, o.integration_id, f.platform_id, f.account_key, f.event_key, f.lane, f.kind, f.body, f.received_at
  from found f
  cross join lateral tidemark_private.integrations_of(f.platform_id, f.account_key) o
  order by f.seq
  on conflict do nothing;
  return query
    select distinct on (w.integration_id, w.lane) w.id, w.user_id, w.integration_id, w.lane
    from public.webhook_inbox w
    join public.integrations i on i.id = w.integration_id and i.paused_at is null
    where w.state = 'waiting'
      and w.received_at < since
    order by w.integration_id, w.lane, w.seq
    limit most;
end
$$;

-- Forgets events, oldest first: done ones, and those of nobody, when the platform does not repeat them any more; others much later.
create function tidemark_private.prune_inbox(done_before timestamptz, others_before timestamptz, most integer) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
  with old as (
    select w.id
    from public.webhook_inbox w
    where w.received_at < done_before
      and (w.state in ('done', 'unrouted') or w.received_at < others_before)
    order by w.received_at
    limit most
    for update skip locked
  ), gone as (
    delete from public.webhook_inbox w using old where w.id = old.id returning 1
  )
  select count(*)::integer from gone
$$;


revoke execute on function tidemark_private.integrations_of(text, text),
  tidemark_private.receive_events(text, text[], text[], text[], text[], text[]),
  tidemark_private.store_batch(text, text, uuid, bigint, bigint, text[], text[], text[], text[]),
  tidemark_private.hold_receivers(uuid, text[], integer),
  tidemark_private.acquire_receiver_lease(text, text, uuid, bigint, uuid),
  acquire_inbox_lease(uuid, uuid, uuid),
  tidemark_private.waiting_lanes(timestamptz, integer),
  tidemark_private.prune_inbox(timestamptz, timestamptz, integer) from public;
grant execute on function tidemark_private.receive_events(text, text[], text[], text[], text[], text[]) to tidemark_api;
grant execute on function tidemark_private.store_batch(text, text, uuid, bigint, bigint, text[], text[], text[], text[]),
  tidemark_private.hold_receivers(uuid, text[], integer),
  tidemark_private.acquire_receiver_lease(text, text, uuid, bigint, uuid),
  acquire_inbox_lease(uuid, uuid, uuid) to tidemark_worker;
grant execute on function tidemark_private.waiting_lanes(timestamptz, integer),
  tidemark_private.prune_inbox(timestamptz, timestamptz, integer) to tidemark_scheduler;

-- The door for services that share this database: queues a message in the caller's own transaction and answers its id.
--
-- options: allow_repeat (boolean), unique_key (text), not_before (instant with its zone)
--
-- A message that the platform does not take ends as `failed` with the reason.
create function tidemark_send(integration uuid, message jsonb, options jsonb default '{}') returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  owner_id uuid;
  chat text := message ->> 'chat';
  key text;
  due timestamptz;
  queued uuid;
  unheard text;
begin
  select i.user_id into owner_id
  from public.integrations i
  join public.platforms p on p.id = i.platform_id and 'sending' = any (p.capabilities)
  where i.id = integration
    and i.status <> 'disconnected';
  if owner_id is null then
    perform tidemark_private.refuse('an integration that can send', integration::text);
  end if;
  if jsonb_typeof(message) is distinct from 'object' or octet_length(message::text) > 65536 then
    perform tidemark_private.refuse('a message as a JSON object of at most 64 kB', jsonb_typeof(message));
  end if;
  if chat is null or chat !~ '^\S{1,200}$' then
    perform tidemark_private.refuse('chat in the message: a key of 1 to 200 characters without spaces', chat);
  end if;
  select name into unheard
  from jsonb_object_keys(options) as name
  where name <> all (array['allow_repeat', 'unique_key', 'not_before'])
  limit 1;
  if unheard is not null then
    perform tidemark_private.refuse('options of allow_repeat, unique_key, not_before', unheard);
  end if;
  if jsonb_typeof(coalesce(options -> 'allow_repeat', 'false')) <> 'boolean' then
    perform tidemark_private.refuse('true or false as allow_repeat', (options -> 'allow_repeat')::text);
  end if;
  key := tidemark_private.text_option(options, 'unique_key', 500);
  due := tidemark_private.instant_option(options, 'not_before');

  insert into public.outbound_messages (user_id, integration_id, chat_key, message, allow_repeat, dedupe_key, not_before)
  values (owner_id, integration, chat, message, coalesce((options ->> 'allow_repeat')::boolean, false), key, due)
  on conflict (integration_id, dedupe_key) do nothing
  returning id into queued;
  if queued is null then
    return (select m.id from public.outbound_messages m where m.integration_id = integration and m.dedupe_key = key);
  end if;
  perform public.tidemark_enqueue('message.send', jsonb_build_object('messageId', queued),
    jsonb_build_object('user_id', owner_id, 'class', 'interactive')
      || case when due is null then '{}' else jsonb_build_object('run_at', to_char(due at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) end);
  return queued;
end
$$;
create policy definer on outbound_messages to current_user using (true) with check (true);

-- Whose message it is, for who speaks for all users.
create function tidemark_private.outbound_owner(wanted uuid) returns uuid
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
  select m.user_id from public.outbound_messages m where m.id = wanted
$$;
revoke execute on function tidemark_private.outbound_owner(uuid) from public;
grant execute on function tidemark_private.outbound_owner(uuid) to tidemark_api;
revoke execute on function tidemark_send(uuid, jsonb, jsonb) from public;
grant execute on function tidemark_send(uuid, jsonb, jsonb) to tidemark_producer;

-- Down Migration

drop function tidemark_private.outbound_owner(uuid);
drop function tidemark_send(uuid, jsonb, jsonb);
drop function tidemark_private.prune_inbox(timestamptz, timestamptz, integer);
drop function tidemark_private.waiting_lanes(timestamptz, integer);
drop function acquire_inbox_lease(uuid, uuid, uuid);
drop function tidemark_private.acquire_receiver_lease(text, text, uuid, bigint, uuid);
drop function tidemark_private.hold_receivers(uuid, text[], integer);
drop function tidemark_private.store_batch(text, text, uuid, bigint, bigint, text[], text[], text[], text[]);
drop function tidemark_private.receive_events(text, text[], text[], text[], text[], text[]);
drop index integrations_platform_account;
drop function tidemark_private.integrations_of(text, text);
delete from tidemark_private.job_kinds where kind in ('webhook.process', 'message.send');
alter table credential_openings drop constraint credential_openings_reason_check;
alter table credential_openings add constraint credential_openings_reason_check
  check (reason in ('sync', 'test', 'refresh', 'oauth_app', 'rotation', 'exchange'));
drop table webhook_apps;
drop table outbound_messages;
drop table webhook_inbox;
drop table event_receivers;
drop index integrations_unproven;
drop trigger forget_account_proof on integrations;
drop function tidemark_private.forget_account_proof();
alter table integrations drop column account_tried_at, drop column account_proven_at;
