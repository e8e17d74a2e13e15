// PgBouncer in front of a test's PostgreSQL, in transaction mode unless a test asks otherwise: few connections to the server,
// shared by whoever has a transaction open.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findServerUser, serverEnvironment } from '../../src/embedded-postgres/server-user.ts';
import { ROLES } from './cluster.ts';
import { ask } from './embedded-postgres.ts';
import { freePort } from './free-port.ts';
import { waitFor } from './wait.ts';

export const NEEDS_PGBOUNCER = 'needs pgbouncer on the PATH';

export interface PgBouncerOptions {
  /** Of the server behind it, as superuser; its other logins have the password of the test cluster. */
  readonly superuserUrl: string;
  readonly mode?: 'transaction' | 'session';
  /** Connections to the server for each login and database; default 2. */
  readonly poolSize?: number;
}

export interface PgBouncer {
  /** The same login and database, through the pooler. */
  through(url: string): string;
  stop(): Promise<void>;
}

/** Debian puts it beside the system's daemons. */
function findPgBouncer(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders
    .map((folder) => path.join(folder, 'pgbouncer'))
    .find((place) => {
      try {
        accessSync(place, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** No `ignore_startup_parameters`: what our connections ask for at their start must be what PgBouncer knows. */
function settings(
  folder: string,
  port: number,
  { superuserUrl, mode = 'transaction', poolSize = 2 }: PgBouncerOptions,
): string {
  const { hostname, port: serverPort } = new URL(superuserUrl);
  return `
[databases]
* = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${folder}/users.txt
pool_mode = ${mode}
default_pool_size = ${poolSize}
max_client_conn = 200
query_wait_timeout = 20
`;
}

/** Started for the caller, who stops it; undefined where the program is missing. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer | undefined> {
  const program = findPgBouncer();
  if (program === undefined) return undefined;
  const folder = await mkdtemp(path.join(tmpdir(), 'tm-pgbouncer-'));
  const port = await freePort();
  const superuser = new URL(options.superuserUrl);
  const users = [
    ...ROLES.map((role) => `"${role}" "test-password"`),
    `"${superuser.username}" "${superuser.password}"`,
  ];
  await writeFile(path.join(folder, 'users.txt'), `${users.join('\n')}\n`);
  await writeFile(path.join(folder, 'pgbouncer.ini'), settings(folder, port, options));
  // It refuses to run as root, as PostgreSQL does.
  const user = findServerUser();
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
  const child = spawn(program, ['-q', path.join(folder, 'pgbouncer.ini')], {
    ...user,
    cwd: '/',
    env: serverEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const through = (url: string): string => {
    const pooled = new URL(url);
    pooled.host = `127.0.0.1:${port}`;
    return pooled.href;
  };
  await waitFor(() => ask(through(options.superuserUrl), 'select 1'), {
    get what() {
      return `pgbouncer to answer:\n${said}`;
    },
  });
  return {
    through,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
