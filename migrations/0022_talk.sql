-- What Telegram and WhatsApp know of talks beyond messages, and how far the messages that we send got.
-- Locks `conversations` and `messages` for a moment: new columns with constant defaults rewrite nothing.

-- Up Migration

alter table conversations
  add column details jsonb not null default '{}',
  -- The same talk under another key. Not told by the stream that tells the rest, so not hashed with it.
  add column migrated_to_chat_key text,
  add column migrated_from_chat_key text;

alter table messages
  add column message_type text,
  add column reply_to_id text,
  add column details jsonb not null default '{}';

-- Who is in a talk of several.
create table chat_members (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  chat_key text not null check (chat_key ~ '^\S+$'),
  member_id text not null,
  name text,
  username text,
  status text not null check (status in ('owner', 'administrator', 'member', 'restricted', 'left', 'banned')),
  is_bot boolean not null,
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, chat_key, member_id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index chat_members_user on chat_members (user_id, chat_key);

-- What a platform told that is no message, as it came: button presses, reactions, joins, reviews of templates.
create table platform_events (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  event_key text not null,
  kind text not null,
  chat_key text,
  actor_id text,
  occurred_at timestamptz not null,
  body jsonb not null,
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, event_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index platform_events_user on platform_events (user_id, occurred_at desc);

-- Numbers that a business sends from.
create table phone_numbers (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  phone_number_id text not null,
  display_phone_number text,
  verified_name text,
  status text,
  quality_rating text,
  details jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, phone_number_id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index phone_numbers_user on phone_numbers (user_id);

-- Texts that a platform approved for opening a talk; one name has a row for each language.
create table message_templates (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  platform_template_id text not null,
  name text not null,
  language text not null,
  status text not null,
  category text,
  components jsonb not null default '[]',
  details jsonb not null default '{}',
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, platform_template_id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index message_templates_user on message_templates (user_id, name);

-- Counts of a period as the platform reckons them. Money only beside its currency.
create table messaging_analytics (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  point_key text not null,
  report text not null check (report in ('messaging', 'conversation', 'pricing', 'template')),
  granularity text not null check (granularity in ('half_hour', 'day', 'month')),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  dimensions jsonb not null default '{}',
  counts jsonb not null default '{}',
  cost numeric(20, 6),
  currency text check (currency ~ '^[A-Z]{3}$'),
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, point_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index messaging_analytics_user on messaging_analytics (user_id, starts_at desc);

-- How far a message of ours got: each instant is the first one told, `rank` only grows. Told before the message itself is known,
-- it waits here.
create table message_statuses (
  integration_id uuid not null,
  user_id uuid not null,
  platform_message_id text not null,
  -- 1 sent, 2 delivered, 3 read, 4 failed.
  rank smallint not null check (rank between 1 and 4),
  sent_at timestamptz,
  delivered_at timestamptz,
  read_at timestamptz,
  failed_at timestamptz,
  recipient_id text,
  error jsonb,
  details jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (integration_id, platform_message_id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);

-- A status names the message only.
create index message_keys_message on message_keys (integration_id, platform_message_id);

call tidemark_private.protect('chat_members', 'domain');
call tidemark_private.protect('platform_events', 'domain');
call tidemark_private.protect('phone_numbers', 'domain');
call tidemark_private.protect('message_templates', 'domain');
call tidemark_private.protect('messaging_analytics', 'domain');
call tidemark_private.protect('message_statuses', 'domain');
grant select, insert, update, delete
  on chat_members, platform_events, phone_numbers, message_templates, messaging_analytics, message_statuses
  to tidemark_worker;
grant select on chat_members, platform_events, phone_numbers, message_templates, messaging_analytics, message_statuses
  to tidemark_api;

insert into platforms (id, name, display_name, type, region, capabilities, required_credentials) values
  ('telegram', 'telegram', 'Telegram', 'messaging', 'global', '{messages,members,files,sending,webhooks}', '{bot_token}'),
  ('whatsapp', 'whatsapp', 'WhatsApp', 'messaging', 'global', '{messages,statuses,templates,analytics,sending,webhooks}',
   '{access_token,phone_number_id}')
on conflict (id) do nothing;

-- Down Migration

delete from platforms where id in ('telegram', 'whatsapp');
drop index message_keys_message;
drop table message_statuses;
drop table messaging_analytics;
drop table message_templates;
drop table phone_numbers;
drop table platform_events;
drop table chat_members;
alter table messages drop column details, drop column reply_to_id, drop column message_type;
alter table conversations
  drop column migrated_from_chat_key,
  drop column migrated_to_chat_key,
  drop column details;
