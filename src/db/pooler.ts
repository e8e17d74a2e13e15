// Whether a connection pooler stands before the server, and whether it keeps a session together. A pooler has its clients
// talk to connections of its own, so the process that the greeting names is not the one that answers.

import { Client } from 'pg';
import type { Secret } from '../core/secret.ts';
import { toDatabaseError } from './errors.ts';

/** `session`: as far as could be seen, this client alone is served by one connection until it leaves. */
export type PoolerMode = 'none' | 'session' | 'transaction';

/** Poolers prefer the connection that was used last; with others at work it may take some tries to meet. */
const TRIES = 5;

async function backendPid(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]!.pid;
}

/** True when what answers is not what greeted. */
export async function isPooled(client: Client): Promise<boolean> {
  // Named `processID` in the driver, and not in its types.
  const { processID: greeted } = client as Client & { readonly processID?: number | null };
  return (await backendPid(client)) !== greeted;
}

/** A second client in a transaction either gets the first one's connection, or makes the first one change its own. */
async function sharesConnections(first: Client, second: Client): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = await backendPid(first);
    await second.query('begin');
    const other = await backendPid(second);
    if (other === before || (await backendPid(first)) !== before) return true;
    await second.query('rollback');
  }
  return false;
}

/** Looks at one address with two connections that are closed again. Throws `db.*`. */
export async function findPooler(url: Secret): Promise<PoolerMode> {
  const clients = [1, 2].map(
    () =>
      new Client({
        connectionString: url.reveal(),
        application_name: 'tidemark_doctor',
        connectionTimeoutMillis: 10_000,
      }),
  );
  const [first, second] = clients as [Client, Client];
  try {
    for (const client of clients) client.on('error', () => undefined);
    await first.connect();
    if (!(await isPooled(first))) return 'none';
    await second.connect();
    return (await sharesConnections(first, second)) ? 'transaction' : 'session';
  } catch (error) {
    throw toDatabaseError(error);
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  }
}
