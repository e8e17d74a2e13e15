-- Who a platform's notification is about. Locks `integrations` for a moment, to add a policy.

-- Up Migration

-- A definer function runs as the owner, and forced row level security holds for the owner too.
create policy definer_reads on integrations for select to current_user using (true);
create policy definer_reads on users for select to current_user using (true);

-- The user of an integration that is of this platform, connected, and known there as `account`; null: no account was named. No
-- row for anything else, so that a wrong id, a wrong account and a disconnected integration cannot be told apart.
create function tidemark_private.push_target(integration uuid, platform text, account text)
  returns table (user_id uuid, can_run boolean)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
  select i.user_id, i.status = 'connected' and i.paused_at is null and u.is_active
  from public.integrations i
  join public.users u on u.id = i.user_id
  where i.id = integration
    and i.platform_id = platform
    and i.status <> 'disconnected'
    and (account is null or i.external_account_id = account)
$$;
revoke execute on function tidemark_private.push_target(uuid, text, text) from public;
grant execute on function tidemark_private.push_target(uuid, text, text) to tidemark_api;

-- Down Migration

drop function tidemark_private.push_target(uuid, text, text);
drop policy definer_reads on users;
drop policy definer_reads on integrations;
