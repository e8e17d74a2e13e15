-- The logins of Tidemark on a PostgreSQL server of your own or a managed one. Run it in the database that Tidemark will use,
-- as a superuser, or as a login that may create roles and owns the database, as the master login of a managed server does;
-- with the six passwords in the environment, where no list of processes shows them:
--
--   export OWNER_PASSWORD=… API_PASSWORD=… SCHEDULER_PASSWORD=… WORKER_PASSWORD=… READONLY_PASSWORD=… BACKUP_PASSWORD=…
--   psql "$ADMIN_URL" -f deploy/roles.sql
--
-- They may also be given as variables of psql: -v owner_password=… and so on.
--
-- Running it again sets the passwords and changes nothing else. Where a server logs statements, switch that off for this
-- session: the passwords are part of them.
--
-- Then: OWNER_DATABASE_URL for `tidemark migrate`, and each process its own DATABASE_URL. None of these roles is a
-- superuser, none bypasses row level security. To remove them later: `drop owned by <role>; drop role <role>;`.

\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv api_password API_PASSWORD
\getenv scheduler_password SCHEDULER_PASSWORD
\getenv worker_password WORKER_PASSWORD
\getenv readonly_password READONLY_PASSWORD
\getenv backup_password BACKUP_PASSWORD

-- What is missing is made; roles that are there already, as after running everything on one login, only get their login
-- and password, so that this file may run again to change passwords.
select format('create role %I nosuperuser nobypassrls', wanted)
from unnest(array['tidemark_owner', 'tidemark_api', 'tidemark_scheduler', 'tidemark_worker', 'tidemark_readonly',
                  'tidemark_backup', 'tidemark_producer']) as wanted
where not exists (select from pg_roles where rolname = wanted) \gexec

-- Only a superuser could take these rights away, so that nobody else is told that all is well.
do $$
declare
  names text;
begin
  select string_agg(rolname, ', ' order by rolname) into names
  from pg_roles
  where rolname in ('tidemark_owner', 'tidemark_api', 'tidemark_scheduler', 'tidemark_worker', 'tidemark_readonly',
                    'tidemark_backup', 'tidemark_producer')
    and (rolsuper or rolbypassrls or rolcreaterole);
  if names is not null then
    raise exception 'expected roles without rights over others, but % may pass by row level security', names
      using hint = 'as a superuser: alter role … nosuperuser nobypassrls nocreaterole';
  end if;
end
$$;

-- The owner inherits: on PostgreSQL 15 the rights of a database's owner come by membership.
alter role tidemark_owner login inherit password :'owner_password';
alter role tidemark_api login noinherit password :'api_password';
alter role tidemark_scheduler login noinherit password :'scheduler_password';
alter role tidemark_worker login noinherit password :'worker_password';
alter role tidemark_readonly login noinherit password :'readonly_password';
alter role tidemark_backup login noinherit password :'backup_password';

-- Services that enqueue jobs by SQL get logins of their own, as members of this one:
--   create role billing login password '…';
--   grant tidemark_producer to billing;
alter role tidemark_producer nologin;

-- The owner makes the schema; the others only connect. Nobody else makes objects beside those of Tidemark.
select format('grant connect, create on database %I to tidemark_owner', current_database()) \gexec
select format('grant connect on database %I to tidemark_api, tidemark_scheduler, tidemark_worker, tidemark_readonly, tidemark_backup, tidemark_producer', current_database()) \gexec
grant usage, create on schema public to tidemark_owner;
grant usage on schema public to tidemark_api, tidemark_scheduler, tidemark_worker, tidemark_readonly, tidemark_backup, tidemark_producer;
revoke create on schema public from public;

-- Who grants what is not his to give is only warned.
do $$
begin
  if not has_database_privilege('tidemark_owner', current_database(), 'create')
    or not has_schema_privilege('tidemark_owner', 'public', 'create') then
    raise exception 'expected to own the database %, whose rights % cannot give', current_database(), current_user
      using hint = 'run this as its owner, or in a database that this login has created';
  end if;
end
$$;
