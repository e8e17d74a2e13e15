// Migrations: up, down, status, and the question that every process asks at its start: is this schema one that I know?
// One migrator works at a time; what a failing migration had done is rolled back, and the ones before it stay.

import { Client } from 'pg';
import { runner } from 'node-pg-migrate';
import { AppError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Queryable, QueryResult } from './database.ts';
import { sqlState, toDatabaseError } from './errors.ts';
import { MIGRATIONS_FOLDER, migrationFiles } from './migration-files.ts';
import { takeMigratorLock } from './migrator-lock.ts';
import { sql } from './sql.ts';

const TABLE = 'pgmigrations';
const BREAKING_KEY = 'breaking_migrations';

export interface MigrateOptions {
  /** Login that owns the schema. */
  readonly url: Secret;
  readonly log: EventLog;
  readonly signal: AbortSignal;
  /** Default: the project's own. */
  readonly folder?: string;
  /** How long to wait for another migrator, in milliseconds; default 60 s. */
  readonly lockWaitMs?: number;
  /** Runs under the same lock after the migrations, each time; must be idempotent. For schemas that others bring. */
  readonly after?: (url: Secret) => Promise<void>;
}

export interface MigrationStatus {
  readonly applied: readonly { readonly name: string; readonly at: Date }[];
  readonly pending: readonly string[];
  /** In the database and not in this code. */
  readonly unknown: readonly { readonly name: string; readonly breaking: boolean }[];
}

/**
 * Runs `work` on a connection of the owner while a second one holds the migrators' lock in an open transaction: a lock of the
 * session would not hold behind a pooler, and would stay there. `stillLocked` throws when the second one was lost.
 */
async function locked<T>(
  { url, signal, lockWaitMs = 60_000 }: MigrateOptions,
  work: (client: Client, stillLocked: () => Promise<unknown>) => Promise<T>,
): Promise<T> {
  const open = (): Client => new Client({ connectionString: url.reveal(), application_name: 'tidemark-migrate' });
  const [client, holder] = [open(), open()];
  try {
    for (const each of [holder, client]) each.on('error', () => undefined);
    await holder.connect();
    await takeMigratorLock(holder, signal, lockWaitMs);
    await client.connect();
    // The table of migrations keeps instants without a zone. A pooler keeps this one setting per client.
    await client.query(`set timezone to 'UTC'`);
    return await work(client, () => holder.query('select 1'));
  } catch (error) {
    throw error instanceof AppError || signal.aborted ? error : toDatabaseError(error);
  } finally {
    await Promise.all([client.end(), holder.end()]);
  }
}

/** The migrator's connection, for the questions that every process may ask. */
function asQueryable(client: Client): Queryable {
  return {
    async query<R>(text: string, values: readonly unknown[] = []): Promise<QueryResult<R>> {
      const { rows, rowCount } = await client.query(text, [...values]);
      return { rows: rows as R[], rowCount };
    },
  };
}

const LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Runs the one migration that is next in this direction, in its own transaction. */
async function runNext(
  client: Client,
  { folder }: MigrateOptions,
  direction: 'up' | 'down',
  name: string,
): Promise<void> {
  try {
    const done = await runner({
      dbClient: client,
      dir: folder ?? MIGRATIONS_FOLDER,
      // Editors leave drafts and backups beside the files.
      ignorePattern: String.raw`(?![^.].*\.sql$).*`,
      migrationsTable: TABLE,
      direction,
      count: 1,
      noLock: true,
      checkOrder: true,
      singleTransaction: false,
      logger: LOG,
    });
    if (done[0]?.name !== name) throw new Error(`expected it to be next, got ${done[0]?.name ?? 'nothing to do'}`);
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    const message = error instanceof Error ? error.message : String(error);
    const state = sqlState(error);
    throw new AppError(
      'migration.failed',
      `migration ${name}.sql (${direction}) failed and was rolled back, those before it stay: ${message}` +
        (state === undefined ? '' : ` (SQLSTATE ${state})`),
      { cause: error, details: { migration: name, direction } },
    );
  }
}

/** Remembers which migrations break older code, so that older code can ask. Forgets none that only newer code knows. */
async function noteBreaking(client: Client, folder: string | undefined): Promise<void> {
  const breaking = (await migrationFiles(folder)).filter((file) => file.breaking).map(({ name }) => name);
  await client.query(
    sql`
    insert into settings (key, value)
    values ($2, $1::jsonb)
    on conflict (key) do update set
      value = (
        select coalesce(jsonb_agg(distinct name), '[]')
        from jsonb_array_elements(settings.value || excluded.value) as name
      ),
      updated_at = now()`,
    [JSON.stringify(breaking), BREAKING_KEY],
  );
}

async function runAfter(after: MigrateOptions['after'], url: Secret): Promise<void> {
  try {
    await after?.(url);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new AppError('migration.failed', `the migrations are applied, but what follows them failed: ${message}`, {
      cause: error,
    });
  }
}

/** Applies every pending migration; names of those applied, oldest first. Throws `migration.failed`, `migration.locked`. */
export async function migrateUp(options: MigrateOptions): Promise<readonly string[]> {
  const { url, signal, folder, log, after } = options;
  return await locked(options, async (client, stillLocked) => {
    const { pending } = await migrationStatus(asQueryable(client), folder);
    const applied: string[] = [];
    try {
      for (const name of pending) {
        signal.throwIfAborted();
        await stillLocked();
        await runNext(client, options, 'up', name);
        applied.push(name);
      }
    } finally {
      if (applied.length > 0) {
        await noteBreaking(client, folder);
        log.emit('db.migrated', { applied });
      }
    }
    await runAfter(after, url);
    return applied;
  });
}

/** Takes back the newest `count` migrations; their names, newest first. */
export async function migrateDown(options: MigrateOptions, count: number): Promise<readonly string[]> {
  return await locked(options, async (client, stillLocked) => {
    const { applied } = await migrationStatus(asQueryable(client), options.folder);
    const newest = applied.slice(Math.max(0, applied.length - count)).map(({ name }) => name);
    newest.reverse();
    for (const name of newest) {
      options.signal.throwIfAborted();
      await stillLocked();
      await runNext(client, options, 'down', name);
    }
    return newest;
  });
}

async function appliedMigrations(db: Queryable): Promise<readonly { name: string; at: Date }[]> {
  const { rows: found } = await db.query<{ present: boolean }>(sql`select to_regclass($1) is not null as present`, [
    `public.${TABLE}`,
  ]);
  if (!found[0]?.present) return [];
  const { rows } = await db.query<{ name: string; at: Date }>(sql`
    select name, run_on at time zone 'UTC' as at
    from pgmigrations
    order by id`);
  return rows;
}

async function breakingNames(db: Queryable): Promise<readonly string[]> {
  const { rows } = await db.query<{ value: string[] }>(
    sql`
    select value
    from settings
    where key = $1`,
    [BREAKING_KEY],
  );
  return rows[0]?.value ?? [];
}

/** Compares the database with the files of this code. */
export async function migrationStatus(db: Queryable, folder?: string): Promise<MigrationStatus> {
  const known = (await migrationFiles(folder)).map(({ name }) => name);
  const applied = await appliedMigrations(db);
  const names = new Set(applied.map(({ name }) => name));
  const strangers = [...names].filter((name) => !known.includes(name));
  const breaking = strangers.length === 0 ? [] : await breakingNames(db);
  return {
    applied,
    pending: known.filter((name) => !names.has(name)),
    unknown: strangers.map((name) => ({ name, breaking: breaking.includes(name) })),
  };
}

/** Throws `migration.pending` or `migration.newer_schema`: this code must not run against this schema. */
export async function assertSchemaKnown(db: Queryable, folder?: string): Promise<void> {
  const { pending, unknown } = await migrationStatus(db, folder);
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
