// A dump by the backup's login, which owns nothing and writes nothing: every row of every tenant is in it, and what the
// owner restores from it into an empty database is the same, row by row.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { ident } from '../../src/db/sql.ts';
import { urlOf } from '../support/cluster.ts';
import { ask } from '../support/embedded-postgres.ts';
import { insertFor, readTables, userColumnOf } from '../support/matrix.ts';
import { NEEDS_POSTGRES_15, startPostgres15 } from '../support/postgres15.ts';
import { seedPartitions } from '../support/partitions.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { skipUnless } from '../support/skip.ts';
import { systemPostgres15 } from '../support/system-postgres.ts';

const run = promisify(execFile);

const A = '01890000-0000-7000-8000-00000000000a';
const B = '01890000-0000-7000-8000-00000000000b';
const USER_SCHEMAS = `('public', 'tidemark_private', 'pgboss')`;

const cluster = await startPostgres15();
const database = cluster === null ? null : await createTestDatabase(cluster.superuserUrl);
const folder = await mkdtemp(path.join(tmpdir(), 'tm-backup-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A program of the server's own version: an older one refuses to dump, a newer one writes for newer servers. */
function program(name: 'pg_dump' | 'pg_restore'): string | undefined {
  const place = path.join(systemPostgres15()?.binDir ?? '', name);
  return existsSync(place) ? place : undefined;
}

function prepared(context: TestContext): TestDatabase {
  skipUnless(context, database, NEEDS_POSTGRES_15);
  skipUnless(context, program('pg_dump') !== undefined, 'needs pg_dump of PostgreSQL 15');
  return database;
}

interface ForeignKey {
  readonly child: string;
  readonly parent: string;
  readonly columns: readonly string[];
  readonly referred: readonly string[];
  readonly ofOneUser: boolean;
}

/** Lets what the rows refer to exist: a restore checks it. Three rounds, for references to what refers to something. */
async function connect(source: TestDatabase): Promise<void> {
  const keys = await source.asSuperuser<ForeignKey>(`
    select k.conrelid::regclass::text as child, k.confrelid::regclass::text as parent,
      (select array_agg(a.attname::text order by n) from unnest(k.conkey) with ordinality u (c, n)
       join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.c) as columns,
      (select array_agg(a.attname::text order by n) from unnest(k.confkey) with ordinality u (c, n)
       join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.c) as referred,
      (select count(*) = 2 from pg_attribute a where a.attname = 'user_id' and a.attrelid in (k.conrelid, k.confrelid)) as "ofOneUser"
    from pg_constraint k
    where k.contype = 'f' and k.conparentid = 0 and k.connamespace = 'public'::regnamespace`);
  const statements = keys.flatMap(({ child, parent, columns, referred, ofOneUser }) =>
    columns.flatMap((column, index) => {
      if (column === 'user_id') return [];
      const owned = ofOneUser ? 'where p.user_id = c.user_id' : '';
      const found = `(select p.${ident(referred[index]!)} from ${parent} p ${owned} order by 1 limit 1)`;
      return [`update ${child} c set ${ident(column)} = ${found} where ${ident(column)} is not null`];
    }),
  );
  for (let round = 0; round < 3; round++) for (const text of statements) await source.asSuperuser(text);
}

/** Rows in each table of the catalog, of two tenants where it has any; and what the schemas beside it hold. */
async function fill(source: TestDatabase): Promise<void> {
  await source.asSuperuser(`alter role postgres in database ${source.name} set session_replication_role = replica`);
  for (const table of await readTables(source)) {
    if (table.parent !== null || ['pgmigrations', 'settings', 'platforms'].includes(table.name)) continue;
    for (const user of userColumnOf(table) === null ? [A] : [A, B]) {
      const { text, values } = insertFor(table, user);
      await source.asSuperuser(`${text} on conflict do nothing`, values);
    }
  }
  await seedPartitions(source, [A, B]);
  await connect(source);
  for (const [id, state] of [
    [randomUUID(), 'created'],
    [randomUUID(), 'completed'],
  ])
    await source.asSuperuser(
      `insert into pgboss.job (id, name, state, data) values ($1, 'maintenance', $2, '{"n": 1}')`,
      [id, state],
    );
  await source.asSuperuser(
    `insert into tidemark_private.opening_heads (integration_id, seq, hash) values ($1, 3, '\\x01')`,
    [randomUUID()],
  );
  await source.asSuperuser(
    `insert into tidemark_private.leases (token, user_id, worker_id, job_id) values ($1, $2, $3, $4)`,
    [randomUUID(), A, randomUUID(), randomUUID()],
  );
}

beforeAll(async () => {
  if (database !== null) await fill(database);
});

const inDatabase = (name: string): string => {
  const url = new URL(cluster!.superuserUrl);
  url.pathname = `/${name}`;
  return url.href;
};

interface Content {
  readonly rows: number;
  readonly sum: string;
}

/** Number and checksum of the rows of each table, and where each sequence stands; as superuser, past every policy. */
async function contentOf(name: string): Promise<Readonly<Record<string, Content>>> {
  const url = inDatabase(name);
  const tables = await ask(
    url,
    `select schemaname as schema, tablename as name from pg_tables where schemaname in ${USER_SCHEMAS} order by 1, 2`,
  );
  const content: Record<string, Content> = {};
  for (const { schema, name: table } of tables) {
    const [found] = await ask(
      url,
      `select count(*)::int as rows, coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as sum
       from ${ident(String(schema))}.${ident(String(table))} t`,
    );
    content[`${String(schema)}.${String(table)}`] = found as unknown as Content;
  }
  const sequences = await ask(
    url,
    `select schemaname || '.' || sequencename as name, coalesce(last_value, 0)::text as sum from pg_sequences`,
  );
  for (const { name: sequence, sum } of sequences) content[String(sequence)] = { rows: 1, sum: String(sum) };
  return content;
}

async function dump(source: TestDatabase, flags: readonly string[], file: string): Promise<void> {
  const url = urlOf(cluster!.superuserUrl, 'tidemark_backup', source.name);
  await run(program('pg_dump')!, ['--format=custom', ...flags, `--file=${path.join(folder, file)}`, url]);
}

test('what the backup’s login dumps and the owner restores is the same, table by table', async (context) => {
  const source = prepared(context);
  const target = `${source.name}_restored`;
  await dump(source, ['--enable-row-security'], 'whole.dump');
  // As deploy/roles.sql leaves an empty database that somebody else owns.
  await ask(cluster!.superuserUrl, `create database ${target}`);
  await ask(cluster!.superuserUrl, `grant connect, create on database ${target} to tidemark_owner`);
  await ask(inDatabase(target), 'grant usage, create on schema public to tidemark_owner');
  const owner = urlOf(cluster!.superuserUrl, 'tidemark_owner', target);
  const restored = await run(program('pg_restore')!, [
    '--exit-on-error',
    `--dbname=${owner}`,
    path.join(folder, 'whole.dump'),
  ]);
  // Rights on schema public are its owner's to give.
  expect(restored.stderr.replaceAll(/.*no privileges (were granted|could be revoked) for "public"\n/g, '')).toBe('');
  const before = await contentOf(source.name);
  // Rights of the moment are not in a backup.
  expect(before['tidemark_private.leases']).toMatchObject({ rows: 1 });
  expect(await contentOf(target)).toEqual({ ...before, 'tidemark_private.leases': { rows: 0, sum: '' } });
  const empty = Object.entries(before).filter(([name, { rows }]) => rows === 0 && name.startsWith('public.'));
  expect(
    empty.map(([name]) => name),
    'tables that this test forgot',
  ).toEqual([]);
  const protectedTables = (name: string): Promise<unknown> =>
    ask(
      inDatabase(name),
      `select relname, relrowsecurity, relforcerowsecurity, relacl::text,
         (select array_agg(polname || pg_get_expr(polqual, polrelid) order by polname) from pg_policy where polrelid = c.oid) as rules
       from pg_class c where relnamespace::regnamespace::text in ${USER_SCHEMAS} and relkind in ('r', 'p') order by 1`,
    );
  expect(await protectedTables(target), 'rights and policies').toEqual(await protectedTables(source.name));
});

test('a dump that forgets to ask for row level security fails instead of leaving rows out', async (context) => {
  const source = prepared(context);
  await expect(dump(source, [], 'partial.dump')).rejects.toThrow(/row-level security/);
});

test('the backup’s login writes nothing anywhere', async (context) => {
  const source = prepared(context);
  const rights = await source.asSuperuser(
    `select c.oid::regclass::text as name, p as privilege
     from pg_class c, unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
     where c.relnamespace::regnamespace::text in ${USER_SCHEMAS} and c.relkind in ('r', 'p', 'v')
       and has_table_privilege('tidemark_backup', c.oid, p)
     union all
     select c.oid::regclass::text, 'usage' from pg_class c
     where c.relkind = 'S' and (has_sequence_privilege('tidemark_backup', c.oid, 'usage') or has_sequence_privilege('tidemark_backup', c.oid, 'update'))
     union all
     select nspname, 'create' from pg_namespace where has_schema_privilege('tidemark_backup', oid, 'create')
     union all
     select p.oid::regprocedure::text, 'execute' from pg_proc p
     where p.prosecdef and p.provolatile = 'v' and p.prorettype <> 'trigger'::regtype
       and has_function_privilege('tidemark_backup', p.oid, 'execute')`,
  );
  expect(rights).toEqual([]);
  const backup = source.open('tidemark_backup');
  for (const text of [
    `update settings set value = '1'`,
    `delete from jobs`,
    `insert into audit_logs (at, action, outcome) values (now(), 'x', 'done')`,
    `delete from pgboss.job`,
    'create table public.mine ()',
    `select nextval('dirty_days_id_seq')`,
  ])
    await expect(backup.query(text), text).rejects.toMatchObject({ code: 'db.forbidden' });
});
