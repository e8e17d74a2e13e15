import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, copyFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { MIGRATIONS_FOLDER, migrationFiles } from '../../src/db/migration-files.ts';
import {
  assertSchemaKnown,
  migrateDown,
  migrateUp,
  migrationStatus,
  type MigrateOptions,
} from '../../src/db/migrate.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { urlOf } from '../support/cluster.ts';
import { NEEDS_POSTGRES_15, startPostgres15 } from '../support/postgres15.ts';

const NAMES = (await migrationFiles()).map(({ name }) => name);
const older = await startPostgres15();

/** An empty database of the owner's, dropped with the test. */
async function createEmpty(superuserUrl: string): Promise<{ readonly url: string; readonly db: Database }> {
  const name = `m_${randomBytes(6).toString('hex')}`;
  const run = async (text: string): Promise<void> => {
    const client = new Client({ connectionString: superuserUrl });
    await client.connect();
    try {
      await client.query(text);
    } finally {
      await client.end();
    }
  };
  await run(`create database ${name} owner tidemark_owner`);
  const url = urlOf(superuserUrl, 'tidemark_owner', name);
  const db = openDatabase({ url: new Secret(url), role: 'tidemark_owner', poolSize: 2 });
  onTestFinished(async () => {
    await db.close();
    await run(`drop database ${name} with (force)`);
  });
  return { url, db };
}

function optionsFor(url: string, more: Partial<MigrateOptions> = {}): MigrateOptions {
  return { url: new Secret(url), log: silentLog, signal: new AbortController().signal, ...more };
}

/** Everything that a migration can make, as text: tables, columns, constraints, indexes, policies, functions, grants. */
async function catalogOf(db: Database): Promise<readonly string[]> {
  const { rows } = await db.query<{ line: string }>(`
    with ours as (
      select oid, nspname, nspacl from pg_namespace where nspname in ('public', 'tidemark_private')
    )
    select format('schema %s %s', nspname, nspacl) as line from ours
    union all
    select format('relation %s.%s %s %s %s %s %s', o.nspname, c.relname, c.relkind, c.relrowsecurity,
      c.relforcerowsecurity, c.reloptions, (select string_agg(a::text, ',' order by a::text) from unnest(c.relacl) a))
      from pg_class c join ours o on o.oid = c.relnamespace where c.relname not like 'pgmigrations%'
    union all
    select format('column %s.%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
      pg_get_expr(d.adbin, d.adrelid), a.attacl)
      from pg_attribute a join pg_class c on c.oid = a.attrelid join ours o on o.oid = c.relnamespace
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attnum > 0 and not a.attisdropped and c.relname not like 'pgmigrations%'
    union all
    select format('constraint %s %s %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
      from pg_constraint k join ours o on o.oid = k.connamespace where k.conrelid::regclass::text <> 'pgmigrations'
    union all
    select format('index %s', indexdef) from pg_indexes where schemaname in (select nspname from ours)
      and tablename <> 'pgmigrations'
    union all
    select format('policy %s %s %s %s %s %s', tablename, policyname, roles, cmd, qual, with_check) from pg_policies
    union all
    select format('function %s %s %s', p.oid::regprocedure, p.proacl, md5(p.prosrc))
      from pg_proc p join ours o on o.oid = p.pronamespace
    union all
    select format('trigger %s', pg_get_triggerdef(t.oid)) from pg_trigger t where not t.tgisinternal
    order by 1`);
  return rows.map(({ line }) => line);
}

/** The project's migrations and more, in a folder that the test may change. */
async function folderWith(more: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-migrations-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const file of await readdir(MIGRATIONS_FOLDER))
    await copyFile(path.join(MIGRATIONS_FOLDER, file), path.join(folder, file));
  for (const [name, text] of Object.entries(more)) await writeFile(path.join(folder, `${name}.sql`), text);
  return folder;
}

function upAndDown(table: string, header = ''): string {
  return `${header}\n-- Up Migration\ncreate table ${table} (id integer);\n-- Down Migration\ndrop table ${table};\n`;
}

function proveMigrations(superuserUrl: string): void {
  test('up, down to nothing and up again leaves the same catalog', async () => {
    const { url, db } = await createEmpty(superuserUrl);
    const bare = await catalogOf(db);
    const up = await migrateUp(optionsFor(url));
    const first = await catalogOf(db);
    const down = await migrateDown(optionsFor(url), NAMES.length);
    const empty = await catalogOf(db);
    await migrateUp(optionsFor(url));
    expect([up, down]).toEqual([NAMES, NAMES.toReversed()]);
    expect(first.length).toBeGreaterThan(200);
    expect(await catalogOf(db)).toEqual(first);
    expect(empty.filter((line) => !line.startsWith('schema public'))).toEqual(
      bare.filter((line) => !line.startsWith('schema public')),
    );
  });

  test('each migration can be taken back and applied again by itself', async () => {
    const { url, db } = await createEmpty(superuserUrl);
    const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-migrations-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const name of NAMES) {
      await copyFile(path.join(MIGRATIONS_FOLDER, `${name}.sql`), path.join(folder, `${name}.sql`));
      const options = { ...optionsFor(url), folder };
      expect(await migrateUp(options)).toEqual([name]);
      const applied = await catalogOf(db);
      expect(await migrateDown(options, 1)).toEqual([name]);
      expect(await migrateUp(options)).toEqual([name]);
      expect(await catalogOf(db)).toEqual(applied);
    }
  });

  test('of two migrators at once one works and the other waits and finds nothing to do', async () => {
    const { url } = await createEmpty(superuserUrl);
    const done = await Promise.all([migrateUp(optionsFor(url)), migrateUp(optionsFor(url))]);
    expect(done.toSorted((a, b) => a.length - b.length)).toEqual([[], NAMES]);
  });
}

describe('on PostgreSQL 18', () => proveMigrations(inject('cluster').superuserUrl));

describe('on PostgreSQL 15', () => {
  if (older === null) test('migrations go up and down', (context) => context.skip(NEEDS_POSTGRES_15));
  else proveMigrations(older.superuserUrl);
});

describe('the migrator', () => {
  const { superuserUrl } = inject('cluster');

  test('tells what is applied and what is pending', async () => {
    const { url, db } = await createEmpty(superuserUrl);
    expect(await migrationStatus(db)).toEqual({ applied: [], pending: NAMES, unknown: [] });
    await migrateUp(optionsFor(url));
    const after = await migrationStatus(db);
    expect(after).toMatchObject({ applied: NAMES.map((name) => ({ name })), pending: [], unknown: [] });
    await migrateDown(optionsFor(url), 1);
    expect((await migrationStatus(db)).pending).toEqual(NAMES.slice(-1));
  });

  test('gives up with migration.locked when another one takes too long', async () => {
    const { url, db } = await createEmpty(superuserUrl);
    await db.tx({ kind: 'none' }, async (tx) => {
      await tx.query('select pg_advisory_xact_lock(7204118)');
      await expect(migrateUp(optionsFor(url, { lockWaitMs: 1 }))).rejects.toMatchObject({ code: 'migration.locked' });
    });
    expect(await migrateUp(optionsFor(url, { lockWaitMs: 1 }))).toEqual(NAMES);
  });

  test('stops waiting for the lock when it is aborted', async () => {
    const { url, db } = await createEmpty(superuserUrl);
    const stop = new AbortController();
    await db.tx({ kind: 'none' }, async (tx) => {
      await tx.query('select pg_advisory_xact_lock(7204118)');
      const waiting = migrateUp(optionsFor(url, { signal: stop.signal }));
      stop.abort();
      await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    });
  });

  test('keeps what was applied before a failing migration, nothing of the failing one, and names the problem', async () => {
    const { url, db } = await createEmpty(superuserUrl);
    const broken =
      '-- Up Migration\ncreate table half (id integer);\nselect 1 from no_such_table;\n-- Down Migration\n';
    const folder = await folderWith({ '9000_good': upAndDown('good'), '9001_broken': broken });
    const failure = await migrateUp(optionsFor(url, { folder })).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'migration.failed' });
    expect(String(failure)).toContain('no_such_table');
    expect(String(failure)).toContain('9001_broken');
    const { applied, pending } = await migrationStatus(db, folder);
    expect(applied.map(({ name }) => name)).toEqual([...NAMES, '9000_good']);
    expect(pending).toEqual(['9001_broken']);
    const { rows } = await db.query(`select to_regclass('public.half') as half, to_regclass('public.good') as good`);
    expect(rows).toEqual([{ half: null, good: 'good' }]);
  });

  test('a breaking migration counts even when a later one failed', async () => {
    const { url, db } = await createEmpty(superuserUrl);
    const folder = await folderWith({
      '9000_breaking': upAndDown('newer', '-- breaking: yes'),
      '9001_broken': '-- Up Migration\nselect 1 from no_such_table;\n-- Down Migration\n',
    });
    await expect(migrateUp(optionsFor(url, { folder }))).rejects.toMatchObject({ code: 'migration.failed' });
    await expect(assertSchemaKnown(db)).rejects.toMatchObject({ code: 'migration.newer_schema' });
  });

  test('explains a database that cannot be reached', async () => {
    const url = 'postgresql://tidemark_owner:x@127.0.0.1:1/nowhere';
    await expect(migrateUp(optionsFor(url))).rejects.toMatchObject({ code: 'db.unavailable' });
  });
});

describe('a process at its start', () => {
  const { superuserUrl } = inject('cluster');

  test('refuses a schema that lacks migrations, an empty one included', async () => {
    const { url, db } = await createEmpty(superuserUrl);
    await expect(assertSchemaKnown(db)).rejects.toMatchObject({ code: 'migration.pending' });
    await migrateUp(optionsFor(url));
    await assertSchemaKnown(db);
    await migrateDown(optionsFor(url), 1);
    await expect(assertSchemaKnown(db)).rejects.toMatchObject({ code: 'migration.pending' });
  });

  test('tolerates an unknown migration that breaks nothing, and refuses one that does', async () => {
    const { url, db } = await createEmpty(superuserUrl);
    await migrateUp(optionsFor(url, { folder: await folderWith({ '9000_quiet': upAndDown('quiet') }) }));
    await assertSchemaKnown(db);
    const newer = { '9000_quiet': upAndDown('quiet'), '9001_newer': upAndDown('newer', '-- breaking: yes') };
    await migrateUp(optionsFor(url, { folder: await folderWith(newer) }));
    const refusal = await assertSchemaKnown(db).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'migration.newer_schema' });
    expect(String(refusal)).toContain('9001_newer');
    expect(String(refusal)).not.toContain('9000_quiet');
    await migrateUp(optionsFor(url)).catch(() => undefined);
    await expect(assertSchemaKnown(db)).rejects.toMatchObject({ code: 'migration.newer_schema' });
  });

  test('may ask as any runtime role', async () => {
    const { url } = await createEmpty(superuserUrl);
    await migrateUp(optionsFor(url));
    for (const role of ['tidemark_api', 'tidemark_worker', 'tidemark_scheduler'] as const) {
      const db = openDatabase({
        url: new Secret(urlOf(superuserUrl, role, new URL(url).pathname.slice(1))),
        role,
        poolSize: 1,
      });
      onTestFinished(() => db.close());
      await assertSchemaKnown(db);
    }
  });
});
