// Whether the process of one role on this machine is up and at work: for health checks of containers, which run beside it.

import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import { SECOND_MS } from '../core/duration.ts';
import { AppError } from '../core/errors.ts';
import { openDatabase, type Database } from '../db/database.ts';
import type { Health } from '../lifecycle/service.ts';
import { hasFreshConnection, hasFreshWorker } from '../store/activity.ts';

export type CheckedRole = 'api' | 'scheduler' | 'worker';

/** Several ticks and heartbeats long. */
const FRESH_MS = 20 * SECOND_MS;
const ANSWER_MS = 5 * SECOND_MS;

/** Asks the server as anybody would. */
async function apiHealth({ http }: Config): Promise<Health> {
  const host = http.host === '0.0.0.0' || http.host === '::' ? '127.0.0.1' : http.host;
  try {
    const response = await fetch(`http://${host.includes(':') ? `[${host}]` : host}:${http.port}/readyz`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return response.ok ? { status: 'ok' } : { status: 'down', reason: await response.text() };
  } catch (error) {
    return { status: 'down', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** As the login itself, in no role: of others' connections a role sees nothing. */
async function withDatabase(config: Config, ask: (db: Database) => Promise<boolean>) {
  const { url } = config.database;
  if (url === undefined)
    throw new AppError('config.invalid', 'expected DATABASE_URL, as the process of this role has it');
  const db = openDatabase({ url, role: 'tidemark_owner', poolSize: 1, applicationName: 'tidemark_health' });
  try {
    return await ask(db);
  } finally {
    await db.close();
  }
}

/** Throws `config.invalid`, `db.*`. */
export async function checkHealth(config: Config, role: CheckedRole): Promise<Health> {
  if (role === 'api') return await apiHealth(config);
  const isFresh =
    role === 'worker'
      ? await withDatabase(config, (db) => hasFreshWorker(db, hostname(), FRESH_MS))
      : await withDatabase(config, (db) => hasFreshConnection(db, 'tidemark_scheduler', FRESH_MS));
  return isFresh
    ? { status: 'ok' }
    : { status: 'down', reason: `no ${role} of this machine did anything in the last ${FRESH_MS / SECOND_MS} seconds` };
}
