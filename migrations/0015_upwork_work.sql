-- What a freelancer or an agency does on Upwork: contracts, hours, money, offers and talks. Conversations are the same for
-- every platform. Rules as in 0004: natural keys per integration, content hash, removal is `deleted_at`.
-- Locks `integrations` and `jobs` for a moment: new foreign keys point at them. Creates new objects otherwise.

-- Up Migration

create table contracts (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  upwork_contract_id text not null,
  upwork_job_id text,
  job_id uuid,
  upwork_offer_id text,
  client_id text,
  client_name text,
  title text,
  contract_type text check (contract_type in ('fixed', 'hourly')),
  hourly_rate numeric(20, 6),
  hourly_rate_currency text check (hourly_rate_currency ~ '^[A-Z]{3}$'),
  fixed_amount numeric(20, 6),
  fixed_amount_currency text check (fixed_amount_currency ~ '^[A-Z]{3}$'),
  weekly_limit_hours numeric(8, 2),
  status text not null check (status in ('active', 'paused', 'closed')),
  platform_status text not null,
  closing_reason text,
  start_date timestamptz,
  end_date timestamptz,
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, upwork_contract_id),
  unique (user_id, id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  foreign key (user_id, job_id) references jobs (user_id, id) on delete set null (job_id)
);
create index contracts_user_start on contracts (user_id, start_date desc);
create index contracts_job on contracts (user_id, job_id) where job_id is not null;

-- Hours by contract and day. The platform gives them no id: `entry_key` is made of what tells them apart. `work_date` is
-- the platform's day, which is UTC.
create table time_entries (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  entry_key text not null,
  upwork_contract_id text not null,
  contract_id uuid,
  term_id text,
  work_date date not null,
  task text,
  memo text,
  hours numeric(12, 4) not null,
  online_hours numeric(12, 4),
  manual_hours numeric(12, 4),
  amount numeric(20, 6),
  currency text check (currency ~ '^[A-Z]{3}$'),
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, entry_key),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  foreign key (user_id, contract_id) references contracts (user_id, id) on delete set null (contract_id)
);
create index time_entries_user_date on time_entries (user_id, work_date);
create index time_entries_contract on time_entries (user_id, contract_id) where contract_id is not null;

-- Money that came or went, with its sign as the account holder sees it.
create table payments (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  platform_payment_id text not null,
  kind text not null check (kind in ('earning', 'bonus', 'fee', 'tax', 'refund', 'withdrawal', 'adjustment', 'other')),
  platform_kind text,
  upwork_contract_id text,
  contract_id uuid,
  amount numeric(20, 6) not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  status text not null check (status in ('pending', 'completed', 'failed', 'refunded')),
  platform_status text,
  description text,
  client_name text,
  related_payment_id text,
  occurred_at timestamptz not null,
  due_at timestamptz,
  payment_date timestamptz,
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, platform_payment_id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  foreign key (user_id, contract_id) references contracts (user_id, id) on delete set null (contract_id)
);
create index payments_user_occurred on payments (user_id, occurred_at);
create index payments_contract on payments (user_id, contract_id) where contract_id is not null;

create table offers (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  upwork_offer_id text not null,
  upwork_job_id text,
  job_id uuid,
  client_id text,
  client_name text,
  title text not null,
  description text,
  message text,
  offer_type text check (offer_type in ('fixed', 'hourly')),
  hourly_rate numeric(20, 6),
  fixed_amount numeric(20, 6),
  currency text check (currency ~ '^[A-Z]{3}$'),
  weekly_limit_hours numeric(8, 2),
  status text not null check (status in ('pending', 'accepted', 'rejected', 'withdrawn', 'expired')),
  platform_status text not null,
  expected_start timestamptz,
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, upwork_offer_id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  foreign key (user_id, job_id) references jobs (user_id, id) on delete set null (job_id)
);
create index offers_user on offers (user_id, created_at desc);
create index offers_job on offers (user_id, job_id) where job_id is not null;

-- A talk with somebody on any platform. `chat_key` is the platform's id of it, unique inside an account.
create table conversations (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  chat_key text not null,
  kind text not null check (kind in ('direct', 'group', 'interview', 'channel')),
  title text,
  topic text,
  participants jsonb not null default '[]',
  upwork_contract_id text,
  contract_id uuid,
  unread_count integer,
  is_hidden boolean not null default false,
  last_message_at timestamptz,
  last_read_at timestamptz,
  started_at timestamptz,
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, chat_key),
  unique (user_id, id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  foreign key (user_id, contract_id) references contracts (user_id, id) on delete set null (contract_id)
);
create index conversations_user_last on conversations (user_id, last_message_at desc);
create index conversations_contract on conversations (user_id, contract_id) where contract_id is not null;

call tidemark_private.protect('contracts', 'domain');
call tidemark_private.protect('time_entries', 'domain');
call tidemark_private.protect('payments', 'domain');
call tidemark_private.protect('offers', 'domain');
call tidemark_private.protect('conversations', 'domain');
grant select, insert, update, delete on contracts, time_entries, payments, offers, conversations to tidemark_worker;
grant select on contracts, time_entries, payments, offers, conversations to tidemark_api;

-- Down Migration

drop table conversations;
drop table offers;
drop table payments;
drop table time_entries;
drop table contracts;
