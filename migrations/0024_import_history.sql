-- Files of a user's own past, imported beside what an integration receives: what came of each, and the right of whoever imports
-- one to write for its user. Creates new objects only.

-- Up Migration

-- An import, from its beginning until its file was read or gave out. `running` also of one whose process died; the next import of
-- the integration ends it.
--
--   running ──► success | partial | failed | cancelled
--       └── another import begins ──► failed
create table import_history (
  id uuid primary key,
  user_id uuid not null,
  integration_id uuid not null,
  -- Which kind of file it is.
  source text not null,
  -- Without its folders.
  file_name text not null,
  status text not null default 'running' check (status in ('running', 'success', 'partial', 'failed', 'cancelled')),
  error_code text,
  counts jsonb not null default '{}',
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  foreign key (user_id, integration_id) references integrations (user_id, id) on delete cascade,
  check ((status = 'running') = (ended_at is null))
);
create unique index import_history_one_running on import_history (integration_id) where status = 'running';
create index import_history_user on import_history (user_id, started_at desc);

call tidemark_private.protect('import_history', 'control');
-- A definer function runs as the owner, and forced row level security holds for the owner too.
create policy definer on import_history to current_user using (true) with check (true);
grant select on import_history to tidemark_api, tidemark_scheduler;
-- Rows are made by `begin_import` alone: what says for whom a worker may write is nothing that it can write.
grant select, update (status, error_code, counts, ended_at) on import_history to tidemark_worker;

-- What an import must know before it begins. No row: no such integration, another platform's, or a disconnected one.
create function tidemark_private.import_target(integration uuid, platform text)
  returns table (user_id uuid, account text, timezone text)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
  select i.user_id, i.external_account_id, u.timezone
  from public.integrations i
  join public.users u on u.id = i.user_id
  where i.id = integration
    and i.platform_id = platform
    and i.status <> 'disconnected'
$$;

-- A lease for the integration's user under the import's id, in the place of whatever import of it ran before: that one's token
-- opens nothing any more. Null: see `import_target`.
create function tidemark_private.begin_import(import uuid, integration uuid, platform text, source text, file_name text)
  returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  owner uuid;
  new_token uuid := gen_random_uuid();
begin
  select t.user_id into owner from tidemark_private.import_target(integration, platform) t;
  if owner is null then
    return null;
  end if;
  -- Two that begin at once come here one after the other.
  perform pg_advisory_xact_lock(hashtextextended('tidemark import ' || integration, 0));
  with ended as (
    update public.import_history h
    set status = 'failed', error_code = 'import.taken_over', ended_at = clock_timestamp()
    where h.integration_id = integration
      and h.status = 'running'
    returning h.id
  )
  delete from tidemark_private.leases l
  using ended
  where l.job_id = ended.id;
  insert into public.import_history (id, user_id, integration_id, source, file_name)
  values (import, owner, integration, source, file_name);
  insert into tidemark_private.leases (token, user_id, worker_id, job_id)
  values (new_token, owner, import, import);
  return new_token;
end
$$;

revoke execute on function tidemark_private.import_target(uuid, text),
  tidemark_private.begin_import(uuid, uuid, text, text, text) from public;
grant execute on function tidemark_private.import_target(uuid, text),
  tidemark_private.begin_import(uuid, uuid, text, text, text) to tidemark_worker;

-- Down Migration

drop function tidemark_private.begin_import(uuid, uuid, text, text, text);
drop function tidemark_private.import_target(uuid, text);
drop table import_history;
