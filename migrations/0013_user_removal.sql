-- What the removal of a user does not reach by foreign keys: marks, jobs, what jobs said, turn numbers, leases.
-- Locks nothing but for the moment of adding policies and the trigger.

-- Up Migration

-- A definer function runs as the owner, and forced row level security holds for the owner too.
create policy definer_reads on dirty_days for select to current_user using (true);
create policy definer_removes on dirty_days for delete to current_user using (true);
create policy definer_reads on job_ledger for select to current_user using (true);
create policy definer_removes on job_ledger for delete to current_user using (true);
create policy definer_reads on job_logs for select to current_user using (true);
create policy definer_removes on job_logs for delete to current_user using (true);
create index job_logs_user on job_logs (user_id) where user_id is not null;

create function tidemark_private.forget_user() returns trigger
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from tidemark_private.leases l where l.user_id = old.id;
  delete from public.dirty_days d where d.user_id = old.id;
  delete from public.job_logs g where g.user_id = old.id;
  delete from public.job_ledger j where j.user_id = old.id;
  delete from public.fair_shares s where s.user_id = old.id;
  return null;
end
$$;
revoke execute on function tidemark_private.forget_user() from public;
create trigger forget_user after delete on users for each row execute function tidemark_private.forget_user();

-- Down Migration

drop trigger forget_user on users;
drop function tidemark_private.forget_user();
drop index job_logs_user;
drop policy definer_removes on job_logs;
drop policy definer_reads on job_logs;
drop policy definer_removes on job_ledger;
drop policy definer_reads on job_ledger;
drop policy definer_removes on dirty_days;
drop policy definer_reads on dirty_days;
