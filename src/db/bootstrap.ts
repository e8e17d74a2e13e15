// Makes a bare PostgreSQL server ours: the logins of every role and the database, owned by the owner role. Run with a
// superuser's URL, for servers that we start ourselves; on a managed server `deploy/roles.sql` does the same.

import { Client } from 'pg';
import type { Secret } from '../core/secret.ts';
import type { DatabaseRole } from './database.ts';
import { toDatabaseError } from './errors.ts';
import { ident, sql } from './sql.ts';

export interface BootstrapOptions {
  readonly superuserUrl: Secret;
  readonly database: string;
  readonly passwords: Readonly<Record<DatabaseRole, Secret>>;
}

const LOCK_KEY = 7_204_119;

async function ensureRole(client: Client, role: string, password: Secret): Promise<void> {
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role]);
  const verb = rowCount === 0 ? 'create' : 'alter';
  // The owner writes to schema public as a member of pg_database_owner; before PostgreSQL 16 only an inheriting role can.
  const inherit = role === 'tidemark_owner' ? 'inherit' : 'noinherit';
  await client.query(
    `${verb} role ${ident(role)} login ${inherit} nosuperuser nobypassrls password ${client.escapeLiteral(password.reveal())}`,
  );
}

/** Services that enqueue by SQL are members of this role, under logins of their own. */
async function ensureProducers(client: Client): Promise<void> {
  const { rowCount } = await client.query(`select from pg_roles where rolname = 'tidemark_producer'`);
  if (rowCount === 0) await client.query('create role tidemark_producer nologin nosuperuser nobypassrls');
}

/** Idempotent: roles get the given passwords, the database is created when it is missing. */
export async function bootstrapCluster({ superuserUrl, database, passwords }: BootstrapOptions): Promise<void> {
  const client = new Client({ connectionString: superuserUrl.reveal() });
  client.on('error', () => undefined);
  try {
    await client.connect();
    // Processes that start together all come here; the lock ends with this connection.
    await client.query('select pg_advisory_lock($1)', [LOCK_KEY]);
    for (const [role, password] of Object.entries(passwords)) await ensureRole(client, role, password);
    await ensureProducers(client);
    const { rowCount } = await client.query(
      sql`
      select
      from pg_database
      where datname = $1`,
      [database],
    );
    if (rowCount === 0) await client.query(`create database ${ident(database)} owner tidemark_owner`);
  } catch (error) {
    throw toDatabaseError(error);
  } finally {
    await client.end();
  }
}
