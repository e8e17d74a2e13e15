-- Domain rows of Upwork. Every row belongs to one user and one integration; natural keys are unique per integration;
-- a stream's content hash tells whether a record changed; removal is `deleted_at`.
-- Locks nothing: creates new objects only.

-- Up Migration

create table upwork_profiles (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  upwork_id text not null,
  username text,
  full_name text,
  title text,
  description text,
  hourly_rate numeric(20, 6),
  hourly_rate_currency text check (hourly_rate_currency ~ '^[A-Z]{3}$'),
  total_earnings numeric(20, 6),
  total_earnings_currency text check (total_earnings_currency ~ '^[A-Z]{3}$'),
  total_hours numeric(12, 2),
  total_jobs integer,
  success_rate numeric(5, 2),
  skills text[] not null default '{}',
  location text,
  profile_url text,
  member_since date,
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, upwork_id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);

-- Postings found by the user's saved searches. `is_favorite` belongs to the user and is never written by a sync.
create table jobs (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  upwork_job_id text not null,
  ciphertext text,
  title text not null,
  description text,
  job_type text check (job_type in ('fixed', 'hourly')),
  budget_min numeric(20, 6),
  budget_max numeric(20, 6),
  hourly_rate_min numeric(20, 6),
  hourly_rate_max numeric(20, 6),
  currency text check (currency ~ '^[A-Z]{3}$'),
  experience_level text check (experience_level in ('entry', 'intermediate', 'expert')),
  duration text,
  workload text,
  category text,
  subcategory text,
  skills text[] not null default '{}',
  country text,
  client_id text,
  client_name text,
  client_rating numeric(5, 2),
  client_total_spent numeric(20, 6),
  client_total_spent_currency text check (client_total_spent_currency ~ '^[A-Z]{3}$'),
  client_info jsonb not null default '{}',
  proposals_count integer,
  interview_count integer,
  hired_count integer,
  freelancers_to_hire integer,
  status text not null default 'active' check (status in ('active', 'archived', 'deleted')),
  is_active boolean not null generated always as (status = 'active') stored,
  is_favorite boolean not null default false,
  posted_date timestamptz,
  renewed_at timestamptz,
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, upwork_job_id),
  unique (user_id, id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade
);
create index jobs_user_posted on jobs (user_id, posted_date desc);

create table proposals (
  id uuid primary key default tidemark_uuidv7(),
  user_id uuid not null,
  integration_id uuid not null,
  upwork_proposal_id text not null,
  upwork_job_id text,
  job_id uuid,
  cover_letter text,
  bid_amount numeric(20, 6),
  bid_currency text check (bid_currency ~ '^[A-Z]{3}$'),
  bid_type text check (bid_type in ('fixed', 'hourly')),
  delivery_time text,
  status text not null check (status in
    ('draft', 'submitted', 'viewed', 'interviewed', 'hired', 'rejected', 'accepted', 'withdrawn', 'archived')),
  platform_status text not null,
  submitted_at timestamptz,
  viewed_at timestamptz,
  interviewed_at timestamptz,
  hired_at timestamptz,
  rejected_at timestamptz,
  rejection_reason text,
  source_updated_at timestamptz,
  content_hash bytea not null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (integration_id, upwork_proposal_id),
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  -- Composite, so that a proposal can never point at another user's posting; only the job is unset, never the user.
  foreign key (user_id, job_id) references jobs (user_id, id) on delete set null (job_id)
);
create index proposals_user_submitted on proposals (user_id, submitted_at);
create index proposals_user_interviewed on proposals (user_id, interviewed_at) where interviewed_at is not null;
create index proposals_user_viewed on proposals (user_id, viewed_at) where viewed_at is not null;
create index proposals_user_hired on proposals (user_id, hired_at) where hired_at is not null;
create index proposals_job on proposals (user_id, job_id) where job_id is not null;

call tidemark_private.protect('upwork_profiles', 'domain');
call tidemark_private.protect('jobs', 'domain');
call tidemark_private.protect('proposals', 'domain');
grant select, insert, update, delete on upwork_profiles, jobs, proposals to tidemark_worker;
grant select on upwork_profiles, jobs, proposals to tidemark_api;
grant update (is_favorite, updated_at) on jobs to tidemark_api;

-- Down Migration

drop table proposals;
drop table jobs;
drop table upwork_profiles;
