// What a person wants checked before he trusts an installation. Each check says what it found and, when that is not good,
// what to do.

import type { Config } from '../config/config.ts';
import { toAppError } from '../core/errors.ts';
import { openDatabase, type DatabaseRole } from '../db/database.ts';
import { migrationStatus } from '../db/migrate.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Check, Finding } from './check.ts';
import { checkEngine } from './check-engine.ts';
import { checkPooler, checkTls } from './check-connection.ts';
import { checkLogin, checkPolicies, checkRoles, checkSealed } from './check-logins.ts';
import { checkCoreDumps, checkKeys } from './check-process.ts';
import { checkBloat, checkMonths, checkReplica } from './check-storage.ts';
import { checkRetention } from './check-retention.ts';
import { CONNECTORS } from './connectors.ts';
import { loginRole, openDatabaseSession, type DatabaseSession, type SessionOptions } from './session.ts';

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

async function checkWorkers({ api }: DatabaseSession): Promise<Finding> {
  const { rows } = await api.query<{ alive: number }>(
    `select count(*)::int as alive from workers where status = 'alive' and heartbeat_at > clock_timestamp() - interval '10 seconds'`,
  );
  const alive = rows[0]?.alive ?? 0;
  return alive > 0
    ? { status: 'ok', finding: `${alive} alive` }
    : { status: 'weak', finding: 'none alive', advice: 'run tidemark start' };
}

/**
 * The database as this process has it: in the role of its own login, so that one may ask beside a scheduler or a worker too;
 * in the api's with one login for everything. Throws `migration.*`, `db.*`.
 */
export async function openDoctorSession(options: SessionOptions): Promise<DatabaseSession> {
  const { url } = options.config.database;
  if (url === undefined) return await openDatabaseSession(options);
  const login = openDatabase({ url, role: 'tidemark_owner', poolSize: 1, applicationName: 'tidemark_doctor' });
  let role: DatabaseRole | null;
  try {
    role = await loginRole(login);
  } finally {
    await login.close();
  }
  return await openDatabaseSession({ ...options, role: role ?? 'tidemark_api' });
}

/** The role whose login this process has to itself; undefined where one login or one machine has all of them. */
async function ownLogin(config: Config, open: () => Promise<DatabaseSession>): Promise<string | undefined> {
  if (config.database.mode === 'embedded') return undefined;
  const { api } = await open();
  return (await loginRole(api)) === null ? undefined : api.role;
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
    ['login', async () => await checkLogin((await open()).api)],
    ['logins of all roles', async () => await checkRoles((await open()).api)],
    ['row level security', async () => await checkPolicies((await open()).api)],
    ['sealed columns', async () => await checkSealed((await open()).api)],
    ['vault keys', async () => await checkKeys(config, await ownLogin(config, open))],
    ['connection pooler', () => checkPooler(config)],
    ['database TLS', () => checkTls(config)],
    ['core dumps', async () => await checkCoreDumps((await open()).api)],
    ['queue engine', async () => await checkEngine(config, await open())],
    ['retention', () => Promise.resolve(checkRetention(config, CONNECTORS.values()))],
    ['partitions', async () => await checkMonths((await open()).api, new Date())],
    ['bloat', async () => await checkBloat((await open()).api)],
    ['read replica', async () => await checkReplica(config, (await open()).api)],
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
