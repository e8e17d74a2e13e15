// Migrations of the configured database, the queue engine's schema included. Run as the owner.

import type { Config } from '../config/config.ts';
import type { Secret } from '../core/secret.ts';
import { openDatabase, type Database } from '../db/database.ts';
import { migrateDown, migrateUp, migrationStatus, type MigrationStatus } from '../db/migrate.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { openDatabaseUrls, type DatabaseUrls } from './database-urls.ts';

async function withUrls<T>(config: Config, log: EventLog, work: (urls: DatabaseUrls) => Promise<T>): Promise<T> {
  const urls = await openDatabaseUrls(config, log);
  try {
    return await work(urls);
  } finally {
    await urls.server?.stop();
  }
}

/** Applies what is pending on a database whose addresses are known; names of what was applied. */
export async function migrateAt(urls: DatabaseUrls, log: EventLog, signal: AbortSignal): Promise<readonly string[]> {
  const url = urls.of('tidemark_owner');
  const after = async (owner: Secret): Promise<void> => {
    // Whoever migrates nothing need not load the engine.
    const { installPgBoss } = await import('../../queues/drivers/pgboss/install.ts');
    await installPgBoss(owner.reveal());
  };
  return await migrateUp({ url, log, signal, after });
}

export async function migrateDatabase(config: Config, log: EventLog, signal: AbortSignal): Promise<readonly string[]> {
  return await withUrls(config, log, (urls) => migrateAt(urls, log, signal));
}

export async function undoMigrations(
  config: Config,
  log: EventLog,
  { signal, count }: { readonly signal: AbortSignal; readonly count: number },
): Promise<readonly string[]> {
  return await withUrls(config, log, (urls) => migrateDown({ url: urls.of('tidemark_owner'), log, signal }, count));
}

export async function statusOfDatabase(config: Config, log: EventLog): Promise<MigrationStatus> {
  return await withUrls(config, log, async (urls) => {
    const owner: Database = openDatabase({ url: urls.of('tidemark_owner'), role: 'tidemark_owner', poolSize: 1 });
    try {
      return await migrationStatus(owner);
    } finally {
      await owner.close();
    }
  });
}
