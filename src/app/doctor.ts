// What a person wants checked before he trusts an installation. Each check says what it found and, when that is not good,
// what to do.

import type { Config } from '../config/config.ts';
import { toAppError } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import { migrationStatus } from '../db/migrate.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Check, Finding } from './check.ts';
import { checkEngine } from './check-engine.ts';
import { heldSecretKeys, loadPublicKeys } from './keys.ts';
import type { DatabaseSession } from './session.ts';

async function checkDatabase({ api }: DatabaseSession): Promise<Finding> {
  const { rows } = await api.query<{ version: string; major: number }>(
    `select current_setting('server_version') as version, current_setting('server_version_num')::int / 10000 as major`,
  );
  const { version = '', major = 0 } = rows[0] ?? {};
  if (major >= 15) return { status: 'ok', finding: `PostgreSQL ${version}` };
  return { status: 'failed', finding: `PostgreSQL ${version}`, advice: 'Tidemark needs PostgreSQL 15 or later' };
}

async function checkSchema({ api }: DatabaseSession): Promise<Finding> {
  const { pending, unknown, applied } = await migrationStatus(api);
  if (pending.length > 0)
    return { status: 'failed', finding: `${pending.length} migrations are pending`, advice: 'run tidemark migrate up' };
  if (unknown.length > 0)
    return {
      status: 'weak',
      finding: `${unknown.length} migrations are newer than this code`,
      advice: 'update Tidemark',
    };
  return { status: 'ok', finding: `${applied.length} migrations applied` };
}

async function loginOf(api: Database): Promise<{ readonly login: string; readonly privileged: boolean }> {
  const { rows } = await api.query<{ login: string; privileged: boolean }>(
    `select rolname::text as login, rolsuper or rolbypassrls as privileged from pg_roles where rolname = session_user`,
  );
  return rows[0] ?? { login: 'unknown', privileged: true };
}

async function checkLogin({ api }: DatabaseSession): Promise<Finding> {
  const { login, privileged } = await loginOf(api);
  if (privileged) {
    return {
      status: 'weak',
      finding: `${login} is a superuser or bypasses row level security`,
      advice: 'policies hold after set role only; create the logins with deploy/roles.sql',
    };
  }
  if (login !== api.role) {
    return {
      status: 'weak',
      finding: `one login (${login}) takes each role with set local role`,
      advice: 'give each process its own login: deploy/roles.sql',
    };
  }
  return { status: 'ok', finding: `own login (${login}), no superuser, policies enforced` };
}

async function checkPolicies({ api }: DatabaseSession): Promise<Finding> {
  const { rows } = await api.query<{ name: string }>(`
    select c.relname::text as name
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace
      and c.relkind in ('r', 'p')
      -- Turn numbers, and tokens, which are looked at before anybody knows whose they are.
      and c.relname not in ('fair_shares', 'api_tokens')
      and not (c.relrowsecurity and c.relforcerowsecurity)`);
  if (rows.length === 0) return { status: 'ok', finding: 'row level security is forced on every table with a user' };
  return {
    status: 'failed',
    finding: `not protected: ${rows.map(({ name }) => name).join(', ')}`,
    advice: 'run tidemark migrate up; somebody changed these tables',
  };
}

async function checkKeys(config: Config): Promise<Finding> {
  const { keys } = await loadPublicKeys(config);
  const held = await heldSecretKeys(config);
  if (held === undefined)
    return { status: 'ok', finding: `public keys: ${keys.length}, no secret keys here (right for api and scheduler)` };
  const missing = keys.filter(({ id }) => !held.has(id));
  if (missing.length > 0)
    return {
      status: 'weak',
      finding: `cannot open ${missing.map(({ id }) => id).join(', ')}`,
      advice: 'workers need the secret keys of all public keys',
    };
  return { status: 'ok', finding: `public keys: ${keys.length}, all can be opened here (right for a worker)` };
}

async function checkWorkers({ api }: DatabaseSession): Promise<Finding> {
  const { rows } = await api.query<{ alive: number }>(
    `select count(*)::int as alive from workers where status = 'alive' and heartbeat_at > clock_timestamp() - interval '10 seconds'`,
  );
  const alive = rows[0]?.alive ?? 0;
  return alive > 0
    ? { status: 'ok', finding: `${alive} alive` }
    : { status: 'weak', finding: 'none alive', advice: 'run tidemark start' };
}

/** Runs every check; one that throws is a failed one with its error's sentence. */
export async function runChecks(
  config: Config,
  _log: EventLog,
  open: () => Promise<DatabaseSession>,
): Promise<readonly Check[]> {
  const named: readonly (readonly [string, () => Promise<Finding>])[] = [
    ['database', async () => await checkDatabase(await open())],
    ['schema', async () => await checkSchema(await open())],
    ['login', async () => await checkLogin(await open())],
    ['row level security', async () => await checkPolicies(await open())],
    ['vault keys', () => checkKeys(config)],
    ['queue engine', async () => await checkEngine(config, await open())],
    ['workers', async () => await checkWorkers(await open())],
  ];
  const checks: Check[] = [];
  for (const [name, check] of named) {
    try {
      checks.push({ name, ...(await check()) });
    } catch (error) {
      const { message, code } = toAppError(error);
      checks.push({ name, status: 'failed', finding: `${message} [${code}]` });
    }
  }
  return checks;
}
