-- Retention: when an unchanged copy was last seen, whose copies were looked through when, and the right to erase them.
-- Locks `jobs` against writes while its index is built, the other tables against writes for as long as theirs take.

-- Up Migration

-- A sync does not write what has not changed; with a limit on its age it notes here, now and then, that it came again.
alter table jobs add column seen_at timestamptz;
-- Oldest copies first, so that a look that finds none ends at once.
create index jobs_age on jobs (integration_id, greatest(updated_at, seen_at));
-- Whether anything of the user names a posting by the platform's id.
create index proposals_posting on proposals (user_id, upwork_job_id) where upwork_job_id is not null;
create index offers_posting on offers (user_id, upwork_job_id) where upwork_job_id is not null;
create index contracts_posting on contracts (user_id, upwork_job_id) where upwork_job_id is not null;

-- When the copies of a user were last looked through to their end; no row: never.
create table retention_passes (
  user_id uuid primary key references users (id) on delete cascade,
  passed_at timestamptz not null
);
call tidemark_private.protect('retention_passes', 'control');
grant select, insert, update on retention_passes to tidemark_worker;
grant select on retention_passes to tidemark_api, tidemark_scheduler;

-- The worker may delete postings since 0004; sealed raw records are copies too. It reaches those of its leased user only.
grant delete on sync_quarantine to tidemark_worker;

insert into tidemark_private.job_kinds (kind, queues, max_attempts, derived) values
  ('maintenance.retention', '{maintenance}', 5, false);

-- Down Migration

delete from tidemark_private.job_kinds where kind = 'maintenance.retention';
revoke delete on sync_quarantine from tidemark_worker;
drop table retention_passes;
drop index contracts_posting;
drop index offers_posting;
drop index proposals_posting;
drop index jobs_age;
alter table jobs drop column seen_at;
