-- What the sync runner needs beside the rows it stores: who is a member of a snapshot, whether a lease still lives, one
-- quarantine row per bad record, and the proposals that wait for their posting.
-- Locks `integration_streams`, `sync_quarantine` and `proposals` for a moment.

-- Up Migration

-- Members of a scope (a snapshot, a whole day): which record was last seen in which generation. Closing a generation
-- removes the members it did not contain. The empty record key says that a record without a key was among them, so
-- nobody can tell what is missing.
create table stream_generations (
  integration_id uuid not null,
  user_id uuid not null,
  stream text not null,
  scope_key text not null,
  record_key text not null,
  generation text not null,
  primary key (integration_id, stream, scope_key, record_key),
  foreign key (integration_id, stream) references integration_streams (integration_id, stream) on delete cascade
);
call tidemark_private.protect('stream_generations', 'domain');
grant select, insert, update, delete on stream_generations to tidemark_worker;

-- A person's word that the next close may remove more than the brake allows; spent by that close.
alter table integration_streams add column allow_mass_delete boolean not null default false;

-- True while the holder of this token may still be at work: its worker lives and still has the job. A token whose job
-- was settled or claimed anew holds nothing back.
create function lease_is_live(held uuid) returns boolean
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
    from tidemark_private.leases l
    join public.workers w on w.id = l.worker_id and w.status = 'alive'
    join public.job_ledger j on j.id = l.job_id and j.state = 'active' and j.worker_id = l.worker_id
    where l.token = held
  )
$$;
revoke execute on function lease_is_live(uuid) from public;
grant execute on function lease_is_live(uuid) to tidemark_worker;

-- A record that stays bad is kept once, not once per run.
create unique index sync_quarantine_record on sync_quarantine (integration_id, stream, record_key)
  where record_key is not null and replayed_at is null;

-- Proposals whose posting has not arrived yet.
create index proposals_unlinked on proposals (integration_id, upwork_job_id)
  where job_id is null and upwork_job_id is not null;

-- Down Migration

drop index proposals_unlinked;
drop index sync_quarantine_record;
drop function lease_is_live(uuid);
alter table integration_streams drop column allow_mass_delete;
drop table stream_generations;
