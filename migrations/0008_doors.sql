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

-- Who did what: one row per action of a person or a service, never with a secret value. Insert only.
create table audit_logs (
  id uuid primary key default tidemark_uuidv7(),
  at timestamptz not null,
  -- The token stays named after it is gone.
  token_id uuid,
  token_name text,
  -- `board.retry`, `createUser`: the operation, or the verb of a page.
  action text not null check (length(action) between 1 and 100),
  target text check (length(target) <= 500),
  details jsonb not null default '{}',
  outcome text not null check (outcome in ('done', 'refused', 'failed'))
);
create index audit_logs_at on audit_logs (at desc, id desc);
create index audit_logs_target on audit_logs (target, at desc);

grant select, insert, update, delete on idempotency_keys, console_sessions to tidemark_api;
grant select, delete on idempotency_keys, console_sessions to tidemark_scheduler;
grant select, insert on audit_logs to tidemark_api;
grant select on audit_logs to tidemark_backup;

-- Down Migration

drop table audit_logs;
drop table console_sessions;
drop table idempotency_keys;
