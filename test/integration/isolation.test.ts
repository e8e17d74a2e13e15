import { randomUUID } from 'node:crypto';
import { describe, expect, inject, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { Database, TxScope } from '../../src/db/database.ts';
import { ident } from '../../src/db/sql.ts';
import {
  classOf,
  expectedReach,
  insertFor,
  OPEN_TABLES,
  readTables,
  RUNTIME_ROLES,
  TENANT_TABLES,
  userColumnOf,
  WORKER_TABLES,
  type NamedScope,
  type Reach,
  type RuntimeRole,
  type Table,
} from '../support/matrix.ts';
import { seedPartitions } from '../support/partitions.ts';
import { NEEDS_POSTGRES_15, startPostgres15 } from '../support/postgres15.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const A = '01890000-0000-7000-8000-00000000000a';
const B = '01890000-0000-7000-8000-00000000000b';
const WORKER = '01890000-0000-7000-8000-0000000000f0';
const DEAD_WORKER = '01890000-0000-7000-8000-0000000000f1';

interface Seeded {
  readonly database: TestDatabase;
  readonly tables: readonly Table[];
  readonly scopes: readonly NamedScope[];
  readonly jobOfA: string;
  readonly roles: Readonly<Record<RuntimeRole, Database>>;
}

async function acquire(db: Database, job: string, worker: string): Promise<string | null> {
  const { rows } = await db.query<{ token: string | null }>('select acquire_lease($1, $2) as token', [job, worker]);
  return rows[0]?.token ?? null;
}

async function insertActiveJob(database: TestDatabase, userId: string, worker: string): Promise<string> {
  const id = randomUUID();
  await database.asSuperuser(
    `insert into job_ledger (id, kind, queue, user_id, run_at, state, worker_id, max_attempts, created_at)
     values ($1, 'sync.run', 'sync-upwork', $2, now(), 'active', $3, 1, now())`,
    [id, userId, worker],
  );
  return id;
}

async function seed(database: TestDatabase): Promise<Seeded> {
  // Rows need not be connected: what counts is whose they are.
  await database.asSuperuser(`alter role postgres in database ${database.name} set session_replication_role = replica`);
  const tables = await readTables(database);
  for (const table of tables) {
    if (userColumnOf(table) === null || table.parent !== null) continue;
    for (const user of [A, B]) {
      const { text, values } = insertFor(table, user);
      await database.asSuperuser(text, values);
    }
  }
  await seedPartitions(database, [A, B]);
  await database.asSuperuser(
    `insert into workers (id, hostname, pid, status, concurrency)
     values ($1, 'here', 1, 'alive', 1), ($2, 'there', 1, 'dead', 1)`,
    [WORKER, DEAD_WORKER],
  );
  const jobOfA = await insertActiveJob(database, A, WORKER);
  const roles = Object.fromEntries(RUNTIME_ROLES.map((role) => [role, database.open(role)])) as Seeded['roles'];
  const token = await acquire(roles.tidemark_worker, jobOfA, WORKER);
  if (token === null) throw new Error('expected a lease for user A');
  const scopes: readonly NamedScope[] = [
    { name: 'without a tenant', scope: { kind: 'none' }, genuine: true },
    { name: 'as user A', scope: { kind: 'user', userId: A }, genuine: true },
    { name: 'as operator', scope: { kind: 'ops' }, genuine: true },
    { name: 'with a lease for A', scope: { kind: 'lease', token }, genuine: true },
    { name: 'with a made-up lease', scope: { kind: 'lease', token: randomUUID() }, genuine: false },
  ];
  return { database, tables, scopes, jobOfA, roles };
}

class RolledBack extends Error {
  readonly count: number;

  constructor(count: number) {
    super();
    this.count = count;
  }
}

/** Rows that a statement touched, or `refused`; nothing of it stays. */
async function attempt(
  db: Database,
  scope: TxScope,
  text: string,
  values: readonly unknown[],
): Promise<number | 'refused'> {
  try {
    return await db.tx(scope, async (tx) => {
      const { rowCount } = await tx.query(text, values);
      throw new RolledBack(rowCount ?? 0);
    });
  } catch (error) {
    if (error instanceof RolledBack) return error.count;
    if (error instanceof AppError && error.code === 'db.forbidden') return 'refused';
    throw error;
  }
}

async function visibleUsers(db: Database, scope: TxScope, table: Table): Promise<readonly string[] | 'refused'> {
  const column = ident(userColumnOf(table)!);
  const text = `select distinct ${column}::text as owner from ${ident(table.name)} where ${column} = any($1) order by 1`;
  try {
    const { rows } = await db.tx(scope, (tx) => tx.query<{ owner: string }>(text, [[A, B]]));
    return rows.map(({ owner }) => owner);
  } catch (error) {
    if (error instanceof AppError && error.code === 'db.forbidden') return 'refused';
    throw error;
  }
}

const USERS_IN: Readonly<Record<Reach, readonly string[]>> = { nobody: [], own: [A], everybody: [A, B] };

/** Partitions are read through their parent; some tables are the worker's alone. */
function mayBeRefused(role: RuntimeRole, table: Table, reach: Reach): boolean {
  if (reach === 'nobody') return true;
  if (role === 'tidemark_backup' || role === 'tidemark_readonly') return false;
  return table.parent !== null || (role !== 'tidemark_worker' && WORKER_TABLES.has(table.name));
}

interface Cell {
  readonly where: string;
  readonly role: RuntimeRole;
  readonly table: Table;
  readonly scope: TxScope;
  readonly reach: Reach;
}

function cells({ tables, scopes }: Seeded): readonly Cell[] {
  return tables.flatMap((table) => {
    const tableClass = classOf(table);
    if (tableClass === undefined) return [];
    return RUNTIME_ROLES.flatMap((role) =>
      scopes.map((named) => ({
        where: `${role} ${named.name} on ${table.name}`,
        role,
        table,
        scope: named.scope,
        reach: expectedReach(role, tableClass, named),
      })),
    );
  });
}

async function updatableColumn(db: Database, table: Table): Promise<string | undefined> {
  const names = table.columns.filter(({ generated }) => !generated).map(({ name }) => name);
  const { rows } = await db.query<{ name: string }>(
    `select name from unnest($2::text[]) name where has_column_privilege($1, name, 'update')`,
    [table.name, names],
  );
  return rows[0]?.name;
}

/** What went wrong when `cell` tried to write to the rows of B, and to its own. */
async function writeProblems({ roles }: Seeded, cell: Cell): Promise<readonly string[]> {
  const { role, table, scope, reach, where } = cell;
  const db = roles[role];
  const name = ident(table.name);
  const owner = ident(userColumnOf(table)!);
  const insert = insertFor(table, B);
  const changed = await updatableColumn(db, table);
  const problems: string[] = [];
  const refuse = async (what: string, text: string, values: readonly unknown[]): Promise<void> => {
    const result = await attempt(db, scope, text, values);
    if (result !== 'refused' && result !== 0) problems.push(`${where} could ${what}`);
  };
  await refuse('insert a row of B', insert.text, insert.values);
  await refuse('delete rows of B', `delete from ${name} where ${owner} = $1`, [B]);
  await refuse('delete without a condition', `delete from ${name} where ${owner} <> $1`, [A]);
  if (changed === undefined) return problems;
  const same = `update ${name} set ${ident(changed)} = ${ident(changed)}`;
  await refuse('update rows of B', `${same} where ${owner} = $1`, [B]);
  const own = await attempt(db, scope, `${same} where ${owner} = $1`, [A]);
  if (reach === 'own' && own === 0) problems.push(`${where} could not update a row of its own`);
  if (reach === 'nobody' && own !== 'refused' && own !== 0) problems.push(`${where} could update rows of A`);
  if (reach === 'own') await refuse('give a row to B', `update ${name} set ${owner} = $1 where ${owner} = $2`, [B, A]);
  return problems;
}

function proveIsolation(seeded: Seeded): void {
  const { database, tables, roles, scopes, jobOfA } = seeded;

  test('every table is classified, and every table with a user column is under forced row level security', () => {
    const problems = tables.flatMap((table) => {
      const { name, secured, forced } = table;
      const known = classOf(table);
      const open = OPEN_TABLES[table.parent ?? name];
      if (known === undefined && open === undefined)
        return [`${name}: call tidemark_private.protect and add it to TENANT_TABLES, or give OPEN_TABLES a reason`];
      if (known !== undefined && open !== undefined) return [`${name} is in TENANT_TABLES and in OPEN_TABLES`];
      if (known !== undefined && !(secured && forced))
        return [`${name} holds tenants' rows without forced row level security: call tidemark_private.protect`];
      if (known !== undefined && userColumnOf(table) === null) return [`${name} has no user column`];
      return [];
    });
    const present = new Set(tables.map(({ name }) => name));
    const gone = [...Object.keys(TENANT_TABLES), ...Object.keys(OPEN_TABLES)].filter((name) => !present.has(name));
    expect([...problems, ...gone.map((name) => `${name} is listed and does not exist`)]).toEqual([]);
  });

  test('each role sees the rows that the matrix gives it, in every scope', async () => {
    const problems: string[] = [];
    for (const { role, table, scope, reach, where } of cells(seeded)) {
      const seen = await visibleUsers(roles[role], scope, table);
      if (seen === 'refused' && mayBeRefused(role, table, reach)) continue;
      if (String(seen) !== String(USERS_IN[reach])) problems.push(`${where} sees ${String(seen)}, expected ${reach}`);
    }
    expect(problems).toEqual([]);
  });

  test("no role writes another tenant's rows, nor gives its own away", async () => {
    const problems: string[] = [];
    for (const cell of cells(seeded)) {
      const readsOnly = cell.role === 'tidemark_backup' || cell.role === 'tidemark_readonly';
      if (cell.reach !== 'everybody' || readsOnly) problems.push(...(await writeProblems(seeded, cell)));
    }
    expect(problems).toEqual([]);
  });

  test('readonly and backup write nothing, and nobody truncates', async () => {
    const rows = await database.asSuperuser(
      `select r as role, c.relname as table, p as privilege
       from unnest($1::text[]) r, pg_class c, unnest(array['insert', 'update', 'delete', 'truncate', 'trigger']) p
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
         and (p in ('truncate', 'trigger') or r in ('tidemark_readonly', 'tidemark_backup'))
         and has_table_privilege(r, c.oid, p)`,
      [RUNTIME_ROLES],
    );
    expect(rows).toEqual([]);
  });

  test.for(['tidemark_api', 'tidemark_scheduler', 'tidemark_readonly'] as const)(
    '%s cannot select a sealed column',
    async (role) => {
      const sealed = tables.flatMap(({ name, columns }) =>
        columns
          .filter((column) => column.type === 'bytea' && /^(ciphertext|wrapped_key)$/.test(column.name))
          .map((column) => `select ${ident(column.name)} from ${ident(name)}`),
      );
      expect(sealed.length).toBeGreaterThanOrEqual(6);
      const results = await Promise.all(
        sealed.flatMap((text) => scopes.map(({ scope }) => attempt(roles[role], scope, text, []))),
      );
      expect(new Set(results)).toEqual(new Set(['refused']));
    },
  );

  test('a worker gets no lease for a job that it does not hold, nor when it was declared dead', async () => {
    const deadJob = await insertActiveJob(database, B, DEAD_WORKER);
    const worker = roles.tidemark_worker;
    const tokens = [
      await acquire(worker, jobOfA, DEAD_WORKER),
      await acquire(worker, deadJob, DEAD_WORKER),
      await acquire(worker, deadJob, WORKER),
      await acquire(worker, randomUUID(), WORKER),
    ];
    expect(tokens).toEqual([null, null, null, null]);
  });

  test('no runtime role reads a lease, and each lease function has its one caller', async () => {
    const table = 'select token from tidemark_private.leases';
    const reads = await Promise.all(RUNTIME_ROLES.map((role) => attempt(roles[role], { kind: 'none' }, table, [])));
    // A dump needs the table; its rows it does not get.
    const expected = RUNTIME_ROLES.map((role) => (role === 'tidemark_backup' ? 0 : 'refused'));
    expect(reads).toEqual(expected);
    const callers = await database.asSuperuser(
      `select p.proname as name, array_agg(r order by r) filter (where has_function_privilege(r, p.oid, 'execute')) as roles
       from pg_proc p, unnest($1::text[]) r
       where p.proname in ('acquire_lease', 'acquire_day_lease', 'release_lease', 'revoke_leases')
       group by p.proname order by p.proname`,
      [RUNTIME_ROLES],
    );
    expect(callers).toEqual([
      { name: 'acquire_day_lease', roles: ['tidemark_worker'] },
      { name: 'acquire_lease', roles: ['tidemark_worker'] },
      { name: 'release_lease', roles: ['tidemark_worker'] },
      { name: 'revoke_leases', roles: ['tidemark_scheduler'] },
    ]);
  });

  test('every definer function pins its search path', async () => {
    const rows = await database.asSuperuser(
      `select proname from pg_proc
       where prosecdef and pronamespace in ('public'::regnamespace, 'tidemark_private'::regnamespace)
         and not coalesce(array_to_string(proconfig, ',') like '%search_path=pg_catalog, pg_temp%', false)`,
    );
    expect(rows).toEqual([]);
  });

  test('a tenant does not survive its transaction on a pooled connection, even a failed one', async () => {
    const single = database.open('tidemark_api', 1);
    const own = () => single.query<{ id: string }>('select id from users');
    const inside = await single.tx({ kind: 'user', userId: A }, (tx) => tx.query('select id from users'));
    const after = await own();
    await expect(single.tx({ kind: 'ops' }, (tx) => tx.query('select 1 / 0'))).rejects.toThrow('division by zero');
    const afterFailure = await own();
    expect([inside.rows, after.rows, afterFailure.rows]).toEqual([[{ id: A }], [], []]);
  });

  test('a revoked lease opens nothing from then on', async () => {
    const job = await insertActiveJob(database, A, WORKER);
    const token = (await acquire(roles.tidemark_worker, job, WORKER))!;
    const read = () => visibleUsers(roles.tidemark_worker, { kind: 'lease', token }, tableNamed(tables, 'jobs'));
    const before = await read();
    await roles.tidemark_scheduler.query('select revoke_leases($1)', [WORKER]);
    expect([before, await read()]).toEqual([[A], []]);
  });
}

function tableNamed(tables: readonly Table[], name: string): Table {
  return tables.find((table) => table.name === name)!;
}

const older = await startPostgres15();
const embedded = await seed(await createTestDatabase(inject('cluster').superuserUrl));
const fifteen = older === null ? null : await seed(await createTestDatabase(older.superuserUrl));

describe('on PostgreSQL 18', () => proveIsolation(embedded));

describe('on PostgreSQL 15', () => {
  if (fifteen === null) test('the matrix holds', (context) => context.skip(NEEDS_POSTGRES_15));
  else proveIsolation(fifteen);
});
