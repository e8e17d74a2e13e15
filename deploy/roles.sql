-- The logins of Tidemark on a PostgreSQL server of your own. Run once as a role that may create roles, in the database
-- that Tidemark will use:
--
--   psql "$ADMIN_URL" -v owner_password=… -v api_password=… -v scheduler_password=… -v worker_password=… \
--        -v readonly_password=… -v backup_password=… -f deploy/roles.sql
--
-- Then: OWNER_DATABASE_URL for `tidemark migrate`, and each process its own DATABASE_URL. None of these roles is a
-- superuser, none bypasses row level security. To remove them later: `drop owned by <role>; drop role <role>;`.

-- The owner inherits: on PostgreSQL 15 the rights of a database's owner come by membership.
create role tidemark_owner login inherit nosuperuser nobypassrls password :'owner_password';
create role tidemark_api login noinherit nosuperuser nobypassrls password :'api_password';
create role tidemark_scheduler login noinherit nosuperuser nobypassrls password :'scheduler_password';
create role tidemark_worker login noinherit nosuperuser nobypassrls password :'worker_password';
create role tidemark_readonly login noinherit nosuperuser nobypassrls password :'readonly_password';
create role tidemark_backup login noinherit nosuperuser nobypassrls password :'backup_password';

-- The owner makes the schema; the others only connect.
select format('grant connect, create on database %I to tidemark_owner', current_database()) \gexec
select format('grant connect on database %I to tidemark_api, tidemark_scheduler, tidemark_worker, tidemark_readonly, tidemark_backup', current_database()) \gexec
grant usage, create on schema public to tidemark_owner;
