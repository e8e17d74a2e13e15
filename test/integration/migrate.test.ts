import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { bootstrapCluster } from '../../src/db/bootstrap.ts';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { assertSchemaKnown, migrateDown, migrateUp, migrationStatus } from '../../src/db/migrate.ts';
import { MIGRATIONS_FOLDER } from '../../src/db/migration-files.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { ROLES, urlOf } from '../support/cluster.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startPrivateCluster, systemPostgres15 } from '../support/system-postgres.ts';
import { skipUnless } from '../support/skip.ts';

const SETTINGS_TABLE = `create table settings (key text primary key, value jsonb not null, updated_at timestamptz);
grant select on settings, pgmigrations to tidemark_worker;`;

const { superuserUrl } = inject('cluster');
const database = await createTestDatabase();

type Passwords = Parameters<typeof bootstrapCluster>[0]['passwords'];

/** Rows of one statement as superuser in a database of a server. */
async function onServer(server: string, database: string, text: string): Promise<{ name: string }[]> {
  const url = new URL(server);
  url.pathname = `/${database}`;
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    return (await client.query<{ name: string }>(text)).rows;
  } finally {
    await client.end();
  }
}

const asSuperuser = (text: string): Promise<unknown> => onServer(superuserUrl, 'postgres', text);

/** A migration file: `up` and `down` are its sections. */
async function write(folder: string, name: string, up: string, down = 'select 1;'): Promise<void> {
  await writeFile(path.join(folder, `${name}.sql`), `-- Up Migration\n${up}\n-- Down Migration\n${down}\n`);
}

describe('a schema of our own', () => {
  let folder: string;
  let name: string;
  let owner: Database;
  let worker: Database;
  const options = (): Parameters<typeof migrateUp>[0] => ({
    url: new Secret(urlOf(superuserUrl, 'tidemark_owner', name)),
    log: silentLog,
    signal: AbortSignal.timeout(20_000),
    folder,
  });
  const open = (role: 'tidemark_owner' | 'tidemark_worker'): Database =>
    openDatabase({ url: new Secret(urlOf(superuserUrl, role, name)), role, poolSize: 1 });

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tm-migrations-'));
    name = `m_${randomBytes(6).toString('hex')}`;
    await asSuperuser(`create database ${name} owner tidemark_owner`);
    owner = open('tidemark_owner');
    worker = open('tidemark_worker');
    await write(folder, '0001_settings', SETTINGS_TABLE, 'drop table settings;');
    await write(folder, '0002_pets', 'create table pets (name text);', 'drop table pets;');
  });

  afterEach(async () => {
    await Promise.all([owner.close(), worker.close()]);
    await asSuperuser(`drop database if exists ${name} with (force)`);
    await rm(folder, { recursive: true, force: true });
  });

  test('up applies in order, down takes back the newest, status knows both', async () => {
    const before = Date.now();
    expect(await migrateUp(options())).toEqual(['0001_settings', '0002_pets']);
    expect(await migrateUp(options())).toEqual([]);
    expect(await migrateDown(options(), 1)).toEqual(['0002_pets']);
    const { applied, pending, unknown } = await migrationStatus(owner, folder);
    expect([applied.map((one) => one.name), pending, unknown]).toEqual([['0001_settings'], ['0002_pets'], []]);
    expect(Math.abs(applied[0]!.at.getTime() - before)).toBeLessThan(60_000);
    expect(await migrateDown(options(), 9)).toEqual(['0001_settings']);
  });

  test('a failing migration names its file and the error, and leaves those before it applied', async () => {
    await write(folder, '0003_bad', 'create table half (n int); select * from nowhere;');
    await write(folder, '0004_later', 'create table later (n int);');
    await expect(migrateUp(options())).rejects.toMatchObject({
      code: 'migration.failed',
      message: expect.stringMatching(/0003_bad\.sql .* relation "nowhere" does not exist \(SQLSTATE 42P01\)/) as string,
    });
    const { applied, pending } = await migrationStatus(owner, folder);
    expect([applied.map((one) => one.name), pending]).toEqual([
      ['0001_settings', '0002_pets'],
      ['0003_bad', '0004_later'],
    ]);
    const { rows } = await owner.query(`select to_regclass('half') as half, to_regclass('pets')::text as pets`);
    expect(rows).toEqual([{ half: null, pets: 'pets' }]);
  });

  test('a file that is not SQL is left alone', async () => {
    await writeFile(path.join(folder, '0002_pets.sql.orig'), 'nonsense');
    await writeFile(path.join(folder, 'README.md'), '# nonsense');
    expect(await migrateUp(options())).toEqual(['0001_settings', '0002_pets']);
  });

  test('many migrators at once apply each migration once', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => migrateUp(options())));
    expect(all.flat()).toEqual(['0001_settings', '0002_pets']);
  });

  test('a migrator that waits too long says that another one is at work', async () => {
    const hold = Promise.withResolvers<void>();
    const holds = Promise.withResolvers<void>();
    const after = async (): Promise<void> => {
      holds.resolve();
      await hold.promise;
    };
    const first = migrateUp({ ...options(), after });
    await holds.promise;
    await expect(migrateUp({ ...options(), lockWaitMs: 1 })).rejects.toMatchObject({ code: 'migration.locked' });
    hold.resolve();
    await first;
  });

  test('a waiting migrator that is aborted reports the abort, not a database error', async () => {
    const hold = Promise.withResolvers<void>();
    const holds = Promise.withResolvers<void>();
    const after = async (): Promise<void> => {
      holds.resolve();
      await hold.promise;
    };
    const first = migrateUp({ ...options(), after });
    await holds.promise;
    const stop = new AbortController();
    const second = migrateUp({ ...options(), signal: stop.signal });
    stop.abort();
    await expect(second).rejects.toMatchObject({ name: 'AbortError' });
    hold.resolve();
    await first;
  });

  test('what follows the migrations runs each time, and its failure is not mistaken for theirs', async () => {
    let calls = 0;
    const count = (): Promise<void> => Promise.resolve(void calls++);
    await migrateUp({ ...options(), after: count });
    await migrateUp({ ...options(), after: count });
    expect(calls).toBe(2);
    const fails = migrateUp({ ...options(), after: () => Promise.reject(new Error('no queue')) });
    await expect(fails).rejects.toThrow(/the migrations are applied, but what follows them failed: no queue/);
  });

  test('code refuses a schema that is behind it', async () => {
    await expect(assertSchemaKnown(worker, folder)).rejects.toMatchObject({ code: 'migration.pending' });
    await migrateUp(options());
    await assertSchemaKnown(worker, folder);
    await write(folder, '0003_more', 'select 1;');
    await expect(assertSchemaKnown(worker, folder)).rejects.toMatchObject({ code: 'migration.pending' });
  });

  test('older code accepts a newer schema unless it is marked as breaking', async () => {
    await write(folder, '0003_gentle', 'select 1;');
    await write(folder, '0004_breaking', '-- breaking: yes\nselect 1;');
    await migrateUp(options());
    await rm(path.join(folder, '0004_breaking.sql'));
    await expect(assertSchemaKnown(worker, folder)).rejects.toMatchObject({
      code: 'migration.newer_schema',
      message: expect.stringContaining('0004_breaking') as string,
    });
    await write(folder, '0004_breaking', '-- breaking: yes\nselect 1;');
    await migrateDown(options(), 1);
    await rm(path.join(folder, '0004_breaking.sql'));
    await rm(path.join(folder, '0003_gentle.sql'));
    await assertSchemaKnown(worker, folder);
  });
});

/** Names of everything that migrations may leave behind. */
const REMAINS = `
  select relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where nspname in ('public', 'tidemark_private') and relkind in ('r', 'p', 'v', 'm') and relname <> 'pgmigrations'
  union all
  select proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace where nspname in ('public', 'tidemark_private')
  order by 1`;

async function downAndUp(url: string, asks: (text: string) => Promise<readonly { name: string }[]>): Promise<void> {
  const count = (await readdir(MIGRATIONS_FOLDER)).filter((file) => file.endsWith('.sql')).length;
  const options = { url: new Secret(url), log: silentLog, signal: AbortSignal.timeout(30_000) };
  const before = await asks(REMAINS);
  expect(await migrateDown(options, count)).toHaveLength(count);
  expect(await asks(REMAINS)).toEqual([]);
  expect(await migrateUp(options)).toHaveLength(count);
  expect(await asks(REMAINS)).toEqual(before);
}

test('every migration goes down and up again on PostgreSQL 18', async () => {
  await downAndUp(database.urlOf('tidemark_owner'), (text) => database.asSuperuser<{ name: string }>(text));
});

test('every migration goes up, down and up again on PostgreSQL 15', async (context) => {
  const found = systemPostgres15();
  skipUnless(context, found, 'needs a system PostgreSQL 15');
  const cluster = await startPrivateCluster(found);
  try {
    const { superuserUrl } = cluster;
    const passwords = Object.fromEntries(ROLES.map((role) => [role, new Secret('test-password')])) as Passwords;
    await bootstrapCluster({ superuserUrl, database: 'older', passwords });
    const asks = (text: string): Promise<{ name: string }[]> => onServer(superuserUrl.reveal(), 'older', text);
    // Before 16 a role without `inherit` has not even the rights on `public` that owning the database gives.
    await asks('alter role tidemark_owner inherit');
    const url = urlOf(superuserUrl.reveal(), 'tidemark_owner', 'older');
    await migrateUp({ url: new Secret(url), log: silentLog, signal: AbortSignal.timeout(30_000) });
    await downAndUp(url, asks);
  } finally {
    await cluster.stop();
  }
});
