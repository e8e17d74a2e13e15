-- What the HTTP doors need: the answers that a repeated request gets again, browser sessions, and who did what.
-- Locks nothing: creates new objects only.

-- Up Migration

-- The first answer to a request with an `Idempotency-Key`, for a day. Written in the transaction of what the request did,
-- so there is an answer exactly when there is an effect; a second request with the key waits for the first.
create table idempotency_keys (
  token_id uuid not null references api_tokens (id) on delete cascade,
  key text not null check (length(key) between 1 and 255),
  -- Operation, parameters and body: another request under the same key is refused.
  request_hash bytea not null,
  status smallint,
  answer jsonb,
  created_at timestamptz not null,
  primary key (token_id, key)
);
create index idempotency_keys_created on idempotency_keys (created_at);

-- Somebody signed in with a token in a browser. The cookie holds the secret, the table its hash; the token's own end
-- (revoked, expired) ends the session.
create table console_sessions (
  id uuid primary key default tidemark_uuidv7(),
  session_hash bytea not null unique,
  token_id uuid not null references api_tokens (id) on delete cascade,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null
);
create index console_sessions_token on console_sessions (token_id);
create index console_sessions_expiry on console_sessions (expires_at);

-- Who did what, never with a secret value; insert only. A row is either an action that somebody asked for (`createUser`,
-- `board.retry`, with its outcome), or a changed row of the control plane, written by a trigger (`users.update`, 0011).
create table audit_logs (
  id uuid not null default tidemark_uuidv7(),
  at timestamptz not null,
  -- Who, as the process says: the token stays named after it is gone, a command line names its Unix user.
  token_id uuid,
  token_name text,
  -- Who, as the database knows it: the role of the transaction.
  login text not null default current_user,
  action text not null check (length(action) between 1 and 100),
  -- Why a row changed: the operation, the command or the job that did it.
  reason text check (length(reason) <= 200),
  target text check (length(target) <= 500),
  details jsonb not null default '{}',
  outcome text not null check (outcome in ('done', 'refused', 'failed')),
  primary key (at, id)
) partition by range (at);
create table audit_logs_default partition of audit_logs default;
create index audit_logs_target on audit_logs (target, at desc);

grant select, insert, update, delete on idempotency_keys, console_sessions to tidemark_api;
grant select, delete on idempotency_keys, console_sessions to tidemark_scheduler;
grant select, insert on audit_logs to tidemark_api;
grant select on audit_logs to tidemark_backup;

-- Down Migration

drop table audit_logs;
drop table console_sessions;
drop table idempotency_keys;
