-- What was said in conversations, on every platform. Millions of rows of which mostly the newest are read: by month of
-- `sent_at`. A partitioned table cannot promise that a message is stored once whatever its month, so `message_keys` does:
-- one row a message with where it lies, what it held last and whether it was removed.
-- Locks `integrations` and `conversations` for a moment: new foreign keys point at them. Creates new objects otherwise.

-- Up Migration

create table message_keys (
  integration_id uuid not null,
  user_id uuid not null,
  -- The platform's id of the conversation and of the message in it. Without white space in the first, both together are
  -- one text that can be taken apart again.
  chat_key text not null check (chat_key ~ '^\S+$'),
  platform_message_id text not null check (platform_message_id <> ''),
  message_id uuid not null default tidemark_uuidv7(),
  sent_at timestamptz not null,
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (integration_id, chat_key, platform_message_id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);

create table messages (
  id uuid not null,
  user_id uuid not null,
  integration_id uuid not null,
  chat_key text not null,
  platform_message_id text not null,
  conversation_id uuid,
  -- As the account holder sees it.
  direction text check (direction in ('inbound', 'outbound')),
  role text check (role in ('user', 'assistant', 'system')),
  sender_type text check (sender_type in ('client', 'freelancer', 'system')),
  sender_id text,
  sender_name text,
  content text,
  attachments jsonb not null default '[]',
  status text not null
    check (status in ('received', 'queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'unknown')),
  sent_at timestamptz not null,
  edited_at timestamptz,
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (id, sent_at),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  foreign key (user_id, conversation_id) references conversations (user_id, id) on delete set null (conversation_id)
) partition by range (sent_at);
create index messages_chat on messages (integration_id, chat_key, sent_at desc);
create index messages_user_sent on messages (user_id, sent_at desc);
create index messages_conversation on messages (user_id, conversation_id) where conversation_id is not null;

call tidemark_private.protect('message_keys', 'domain');
call tidemark_private.protect('messages', 'domain');
grant select, insert, update, delete on message_keys, messages to tidemark_worker;
grant select on messages to tidemark_api;

-- Makes the partition of a month; what it would hold must not lie in the default partition yet. Rights and policies are
-- asked of `messages`; those of the partition are only for whoever could name it.
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

create table messages_default partition of messages default;
call tidemark_private.protect('messages_default', 'domain');

-- What is read most; older messages lie in the default partition.
do $$
begin
  for month in -2 .. 3 loop
    call tidemark_private.make_message_partition((date_trunc('month', now() at time zone 'UTC') + month * interval '1 month')::date);
  end loop;
end
$$;

-- Down Migration

drop table messages;
drop procedure tidemark_private.make_message_partition(date);
drop table message_keys;
