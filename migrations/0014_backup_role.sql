-- What a dump by `tidemark_backup` needs beside the tables that it reads already: every table of ours, those of later
-- migrations included, and the sequences. It reads all and writes nothing.
-- Locks `tidemark_private.leases` for a moment.

-- Up Migration

-- Leases are rights of the moment, worth stealing and worth nothing after a restore: the backup sees their table empty. The
-- functions that read and write it run as its owner, whom row level security does not hold here.
alter table tidemark_private.leases enable row level security;
create policy backup on tidemark_private.leases for select to tidemark_backup using (false);

grant select on all tables in schema public, tidemark_private to tidemark_backup;
grant select on all sequences in schema public, tidemark_private to tidemark_backup;
alter default privileges in schema public grant select on tables to tidemark_backup;
alter default privileges in schema public grant select on sequences to tidemark_backup;
alter default privileges in schema tidemark_private grant select on tables to tidemark_backup;
alter default privileges in schema tidemark_private grant select on sequences to tidemark_backup;

-- Down Migration

alter default privileges in schema tidemark_private revoke select on sequences from tidemark_backup;
alter default privileges in schema tidemark_private revoke select on tables from tidemark_backup;
alter default privileges in schema public revoke select on sequences from tidemark_backup;
alter default privileges in schema public revoke select on tables from tidemark_backup;
revoke select on all sequences in schema public, tidemark_private from tidemark_backup;
revoke select on all tables in schema tidemark_private from tidemark_backup;
revoke select on idempotency_keys, console_sessions, door_guesses, queue_history_writers, security_logs_default
  from tidemark_backup;
drop policy backup on tidemark_private.leases;
alter table tidemark_private.leases disable row level security;
