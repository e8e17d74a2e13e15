// Migrations: up, down, status, and the question that every process asks at its start: is this schema one that I know?
// One migrator works at a time; what a failing migration had done is rolled back, and the ones before it stay.

import { Client } from 'pg';
import { runner } from 'node-pg-migrate';
import { sleep } from '../core/async.ts';
import { AppError, isAbort } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Queryable } from './database.ts';
import { toDatabaseError } from './errors.ts';
import { MIGRATIONS_FOLDER, migrationFiles } from './migration-files.ts';
import { sql } from './sql.ts';

const TABLE = 'pgmigrations';
/** Key of the advisory lock that a migrator holds. */
const LOCK_KEY = 7_204_118;
const LOCK_POLL_MS = 200;

export interface MigrateOptions {
  /** Login that owns the schema. */
  readonly url: Secret;
  readonly log: EventLog;
  readonly signal: AbortSignal;
  /** Default: the project's own. */
  readonly folder?: string;
  /** How long to wait for another migrator, in milliseconds; default 60 s. */
  readonly lockWaitMs?: number;
}

export interface MigrationStatus {
  readonly applied: readonly { readonly name: string; readonly at: Date }[];
  readonly pending: readonly string[];
  /** In the database and not in this code. */
  readonly unknown: readonly { readonly name: string; readonly breaking: boolean }[];
}

async function takeLock(client: Client, signal: AbortSignal, waitMs: number): Promise<void> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [LOCK_KEY]);
    if (rows[0]?.locked) return;
    if (performance.now() > deadline) {
      throw new AppError(
        'migration.locked',
        `another migrator has been at work for more than ${Math.round(waitMs / 1_000)} s`,
      );
    }
    await sleep(LOCK_POLL_MS, signal);
  }
}

/** Runs `work` on a connection of the owner that holds the migrators' lock. */
async function locked<T>(
  { url, signal, lockWaitMs = 60_000 }: MigrateOptions,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ connectionString: url.reveal(), application_name: 'tidemark-migrate' });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await takeLock(client, signal, lockWaitMs);
    return await work(client);
  } catch (error) {
    throw error instanceof AppError || isAbort(error) ? error : toDatabaseError(error);
  } finally {
    await client.end();
  }
}

const LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** The library does not say which migration failed: going up the first that is missing, going down the newest. */
async function nameFailed(client: Client, folder: string | undefined, direction: 'up' | 'down'): Promise<string> {
  const applied = (await appliedMigrations(client)).map(({ name }) => name);
  const pending = (await migrationFiles(folder)).find(({ name }) => !applied.includes(name))?.name;
  return (direction === 'up' ? pending : applied.at(-1)) ?? '(unknown)';
}

async function run(
  client: Client,
  options: MigrateOptions,
  direction: 'up' | 'down',
  count: number,
): Promise<readonly string[]> {
  try {
    const done = await runner({
      dbClient: client,
      dir: options.folder ?? MIGRATIONS_FOLDER,
      migrationsTable: TABLE,
      direction,
      count,
      noLock: true,
      checkOrder: true,
      singleTransaction: false,
      logger: LOG,
    });
    return done.map(({ name }) => name);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // The library leaves the failed transaction open.
    await client.query('rollback');
    const name = await nameFailed(client, options.folder, direction);
    throw new AppError('migration.failed', `migration ${name} failed and was rolled back: ${message}`, {
      cause: error,
    });
  }
}

/**
 * Adds to the list of migrations that break older code, for older code to ask; what newer code noted stays. Before the
 * first migration there is no place for it.
 */
async function noteBreaking(client: Client, folder: string | undefined): Promise<void> {
  const { rows } = await client.query<{ place: string | null }>(`select to_regclass('public.settings') as place`);
  if (rows[0]?.place == null) return;
  const breaking = (await migrationFiles(folder)).filter((file) => file.breaking).map(({ name }) => name);
  await client.query(
    sql`
    insert into settings (key, value)
    values ('breaking_migrations', $1::jsonb)
    on conflict (key) do update
      set value = (select coalesce(jsonb_agg(distinct name), '[]') from jsonb_array_elements(settings.value || excluded.value) name),
        updated_at = now()`,
    [JSON.stringify(breaking)],
  );
}

/** Applies every pending migration; names of those applied, oldest first. */
export async function migrateUp(options: MigrateOptions): Promise<readonly string[]> {
  return await locked(options, async (client) => {
    try {
      const applied = await run(client, options, 'up', Infinity);
      if (applied.length > 0) options.log.emit('db.migrated', { applied });
      return applied;
    } finally {
      // Also after a failure: the migrations before it stay.
      await noteBreaking(client, options.folder);
    }
  });
}

/** Takes back the newest `count` migrations; their names, newest first. */
export async function migrateDown(options: MigrateOptions, count: number): Promise<readonly string[]> {
  return await locked(options, (client) => run(client, options, 'down', count));
}

async function appliedMigrations(db: Queryable): Promise<readonly { name: string; run_on: Date }[]> {
  const { rows: found } = await db.query<{ present: boolean }>(
    `select to_regclass('public.${TABLE}') is not null as present`,
  );
  if (!found[0]?.present) return [];
  const { rows } = await db.query<{ name: string; run_on: Date }>(`select name, run_on from ${TABLE} order by id`);
  return rows;
}

export async function migrationStatus(db: Queryable, folder?: string): Promise<MigrationStatus> {
  const files = await migrationFiles(folder);
  const known = new Set(files.map(({ name }) => name));
  const applied = await appliedMigrations(db);
  const names = new Set(applied.map(({ name }) => name));
  const strangers = applied.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  let breaking: string[] = [];
  if (strangers.length > 0) {
    const { rows } = await db.query<{ value: string[] }>(
      `select value from settings where key = 'breaking_migrations'`,
    );
    breaking = rows[0]?.value ?? [];
  }
  return {
    applied: applied.map(({ name, run_on: at }) => ({ name, at })),
    pending: files.filter(({ name }) => !names.has(name)).map(({ name }) => name),
    unknown: strangers.map((name) => ({ name, breaking: breaking.includes(name) })),
  };
}

/** Throws `migration.pending` or `migration.newer_schema`: this code must not run against this schema. */
export async function assertSchemaKnown(db: Queryable): Promise<void> {
  const { pending, unknown } = await migrationStatus(db);
  const newer = unknown.filter(({ breaking }) => breaking).map(({ name }) => name);
  if (newer.length > 0) {
    throw new AppError(
      'migration.newer_schema',
      `the database has migrations that this version must not run with: ${newer.join(', ')}. Update Tidemark`,
    );
  }
  if (pending.length > 0) {
    throw new AppError(
      'migration.pending',
      `${pending.length} migrations are missing (${pending[0]} …): run \`tidemark migrate up\``,
    );
  }
}
