-- The door for services that share this database: one function that enqueues a job in the caller's own transaction. Whoever
-- is a member of `tidemark_producer` may call it, and may do nothing else here.
-- Locks nothing: creates new objects only.

-- Up Migration

-- What enqueueing needs to know of each kind, as `queues/catalog.ts` has it; a test compares the two. A new kind is a new
-- row, brought by a migration of its own.
create table tidemark_private.job_kinds (
  kind text primary key,
  -- Where its jobs may go, the usual queue first.
  queues text[] not null check (cardinality(queues) > 0),
  max_attempts integer not null check (max_attempts > 0),
  -- Derived from rows of other tables: nobody enqueues those in a transaction.
  derived boolean not null
);
insert into tidemark_private.job_kinds (kind, queues, max_attempts, derived) values
  ('sync.run', '{sync-upwork,sync-marketplace,sync-messaging,sync-profiles}', 8, false),
  ('credential.refresh', '{maintenance}', 5, false),
  ('credential.test', '{maintenance}', 5, false),
  ('metrics.rollup', '{metrics}', 5, true);

grant usage on schema public to tidemark_producer;

create function tidemark_private.refuse(expected text, came text, advice text default null) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- The server's log gets this message too: what looks drawn by lot may be a secret in the wrong place.
  if came ~ '[[:alnum:]_+/=-]{20,}' and came !~ '^[0-9a-fA-F-]{36}$' then
    came := format('a text of %s characters', length(came));
  end if;
  raise exception 'tidemark_enqueue: expected %, got %', expected, left(coalesce(came, 'null'), 200)
    using errcode = '22023', hint = coalesce(advice, '');
end
$$;

-- A number in a range out of the options; the default where it is absent.
create function tidemark_private.number_option(options jsonb, name text, lowest numeric, highest numeric, otherwise numeric)
  returns numeric
  language plpgsql immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  given jsonb := options -> name;
begin
  if given is null or given = 'null' then
    return otherwise;
  end if;
  if jsonb_typeof(given) <> 'number' or (given #>> '{}')::numeric not between lowest and highest then
    perform tidemark_private.refuse(format('%s from %s to %s', name, lowest, highest), given::text);
  end if;
  return (given #>> '{}')::numeric;
end
$$;

create function tidemark_private.text_option(options jsonb, name text, longest integer) returns text
  language plpgsql immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  given jsonb := options -> name;
begin
  if given is null or given = 'null' then
    return null;
  end if;
  if jsonb_typeof(given) <> 'string' or length(given #>> '{}') not between 1 and longest then
    perform tidemark_private.refuse(format('%s of 1 to %s characters', name, longest), given::text);
  end if;
  return given #>> '{}';
end
$$;

-- An instant that means the same whatever the caller's time zone and date style: ISO 8601 with its zone. Null where absent.
create function tidemark_private.instant_option(options jsonb, name text) returns timestamptz
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  given text := tidemark_private.text_option(options, name, 50);
begin
  if given !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)? ?(Z|[+-]\d\d(:?\d\d)?)$' then
    raise exception using errcode = 'invalid_datetime_format';
  end if;
  return given::timestamptz;
exception
  when invalid_datetime_format or datetime_field_overflow or invalid_time_zone_displacement_value then
    perform tidemark_private.refuse(format('an instant with its zone as %s, like 2026-05-04T10:00:00Z', name), given);
end
$$;

-- Where a new job of this user stands among those that wait: where his last one ends, and never before the virtual time. Read
-- without a lock, because the caller's transaction may take long; of several at once some stand side by side.
create function tidemark_private.fair_place(of_user uuid) returns double precision
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select greatest(
    coalesce((select finish_tag from public.fair_shares where user_id = '00000000-0000-0000-0000-000000000000'), 0),
    coalesce((select finish_tag from public.fair_shares where user_id = of_user), 0),
    (
      select max(last.fair_tag + last.cost / coalesce((select weight from public.fair_shares where user_id = of_user), 1))
      from (values (0), (1), (2)) as c (class)
      cross join lateral (
        select fair_tag, cost
        from public.job_ledger
        where state = 'pending'
          and user_id = of_user
          and class = c.class
        order by fair_tag desc
        limit 1
      ) last
    )
  )
$$;

-- Enqueues a job and answers its id: with `unique_key` the id of the unfinished job that has the key, where there is one.
-- The job is there when the caller's transaction commits, and never when it rolls back.
--
-- options: queue, unique_key, user_id, class (interactive, incremental, backfill), priority, cost, run_at
--
-- What is wrong with kind or options is refused at once (SQLSTATE 22023). The payload is read through its kind's schema
-- before the job runs: one that does not fit ends in the dead letter with the reason.
create function tidemark_enqueue(kind text, payload jsonb, options jsonb default '{}') returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  wanted_kind alias for kind;
  wanted_payload alias for payload;
  spec tidemark_private.job_kinds;
  unheard text;
  chosen_queue text;
  key text;
  owner_id uuid;
  class_name text;
  class_rank smallint;
  chosen_priority numeric;
  due_at timestamptz := date_trunc('milliseconds', clock_timestamp());
  made_at timestamptz := due_at;
  job uuid;
begin
  select k.* into spec from tidemark_private.job_kinds k where k.kind = wanted_kind;
  if spec.kind is null then
    perform tidemark_private.refuse(
      'a kind of ' || (select string_agg(k.kind, ', ' order by k.kind) from tidemark_private.job_kinds k where not k.derived),
      wanted_kind);
  end if;
  if spec.derived then
    perform tidemark_private.refuse('a kind that is not derived from rows', wanted_kind, 'what it is derived from asks for it');
  end if;
  if jsonb_typeof(wanted_payload) is distinct from 'object' then
    perform tidemark_private.refuse('a JSON object as payload', wanted_payload::text);
  end if;
  if octet_length(wanted_payload::text) > 65536 then
    perform tidemark_private.refuse('a payload of at most 64 kB', octet_length(wanted_payload::text) || ' bytes',
      'payloads hold ids, not data');
  end if;
  -- Deeper ones exhaust the stack of whoever writes them as JSON again: one of them would keep everybody out of the engine.
  if jsonb_path_exists(wanted_payload, '$.**{21}') then
    perform tidemark_private.refuse('a payload of at most 20 levels', 'a deeper one', 'payloads hold ids, not data');
  end if;
  if jsonb_typeof(options) is distinct from 'object' then
    perform tidemark_private.refuse('a JSON object as options', options::text);
  end if;
  select name into unheard
  from jsonb_object_keys(options) as name
  where name <> all (array['queue', 'unique_key', 'user_id', 'class', 'priority', 'cost', 'run_at'])
  limit 1;
  if unheard is not null then
    perform tidemark_private.refuse('options of queue, unique_key, user_id, class, priority, cost, run_at', unheard);
  end if;

  chosen_queue := coalesce(tidemark_private.text_option(options, 'queue', 100), spec.queues[1]);
  if chosen_queue <> all (spec.queues) then
    perform tidemark_private.refuse(format('a queue of %s (%s)', wanted_kind, array_to_string(spec.queues, ', ')), chosen_queue);
  end if;
  key := tidemark_private.text_option(options, 'unique_key', 500);
  class_name := coalesce(tidemark_private.text_option(options, 'class', 20), 'incremental');
  class_rank := array_position(array['interactive', 'incremental', 'backfill'], class_name) - 1;
  if class_rank is null then
    perform tidemark_private.refuse('class interactive, incremental or backfill', class_name);
  end if;
  begin
    owner_id := tidemark_private.text_option(options, 'user_id', 36)::uuid;
  exception when invalid_text_representation then
    perform tidemark_private.refuse('a UUID as user_id', options ->> 'user_id');
  end;
  due_at := greatest(due_at, coalesce(tidemark_private.instant_option(options, 'run_at'), due_at));
  if due_at > made_at + interval '10 years' then
    perform tidemark_private.refuse('run_at within ten years', options ->> 'run_at');
  end if;
  chosen_priority := tidemark_private.number_option(options, 'priority', -100000, 100000, 0);
  if chosen_priority <> trunc(chosen_priority) then
    perform tidemark_private.refuse('a whole number as priority', chosen_priority::text);
  end if;

  -- The holder of a key may be settled between our insert and our look.
  for attempt in 1..5 loop
    insert into public.job_ledger
      (id, kind, queue, payload, unique_key, user_id, class, priority, cost, fair_tag, run_at, state, max_attempts, created_at)
    values
      (public.tidemark_uuidv7(), wanted_kind, chosen_queue, wanted_payload, key, owner_id, class_rank,
       chosen_priority::integer, tidemark_private.number_option(options, 'cost', 0.001, 1000000, 1),
       case when owner_id is null then 0 else tidemark_private.fair_place(owner_id) end,
       due_at, 'pending', spec.max_attempts, made_at)
    on conflict (kind, unique_key) where unique_key is not null and state <> 'dead' do nothing
    returning id into job;
    if job is null then
      select l.id into job
      from public.job_ledger l
      where l.kind = wanted_kind
        and l.unique_key = key
        and l.state <> 'dead';
    elsif due_at < made_at + interval '1 second'
      and not exists (select from public.settings s where s.key = 'queue.engine' and s.value = '"bullmq"') then
      -- Told when the transaction commits; many in one transaction are told once. Commits that tell something wait for one
      -- another, so nothing is said where nobody listens (with BullMQ), or to whom looks every half second anyway.
      perform pg_notify('tidemark_jobs', 'admission');
    end if;
    if job is not null then
      return job;
    end if;
  end loop;
  raise exception 'tidemark_enqueue: the unique key % stays taken by jobs that cannot be seen', key using errcode = '40001';
end
$$;

revoke execute on function tidemark_enqueue(text, jsonb, jsonb), tidemark_private.refuse(text, text, text),
  tidemark_private.number_option(jsonb, text, numeric, numeric, numeric),
  tidemark_private.text_option(jsonb, text, integer), tidemark_private.instant_option(jsonb, text),
  tidemark_private.fair_place(uuid) from public;
grant execute on function tidemark_enqueue(text, jsonb, jsonb) to tidemark_producer;

-- Down Migration

drop function tidemark_enqueue(text, jsonb, jsonb);
drop function tidemark_private.fair_place(uuid);
drop function tidemark_private.instant_option(jsonb, text);
drop function tidemark_private.text_option(jsonb, text, integer);
drop function tidemark_private.number_option(jsonb, text, numeric, numeric, numeric);
drop function tidemark_private.refuse(text, text, text);
drop table tidemark_private.job_kinds;
revoke usage on schema public from tidemark_producer;
