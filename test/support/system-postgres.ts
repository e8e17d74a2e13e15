// A PostgreSQL that the machine brings, older than the embedded one: found, and run as a private cluster in a temporary
// folder, so that tests prove what must hold on both.

import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Secret } from '../../src/core/secret.ts';
import { findServerUser, serverEnvironment } from '../../src/embedded-postgres/server-user.ts';

export interface SystemPostgres {
  readonly binDir: string;
}

/** Where distributions put PostgreSQL 15: Debian, Red Hat, Homebrew. */
const PLACES = ['/usr/lib/postgresql/15/bin', '/usr/pgsql-15/bin', '/opt/homebrew/opt/postgresql@15/bin'];
const START_LIMIT_MS = 30_000;

/** PostgreSQL 15 of this machine, if it has one. */
export function systemPostgres15(): SystemPostgres | undefined {
  const binDir = PLACES.find((place) => existsSync(path.join(place, 'initdb')));
  return binDir === undefined ? undefined : { binDir };
}

export interface PrivateCluster {
  readonly superuserUrl: Secret;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function waitUntilReady(pidFile: string, isRunning: () => boolean): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (performance.now() < deadline && isRunning()) {
    const status = (await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[7]?.trim();
    if (status === 'ready') return;
    await delay(15);
  }
  throw new Error(`the private PostgreSQL did not become ready (${pidFile})`);
}

/** A cluster of its own with the given programs, without durability, gone after `stop`. */
export async function startPrivateCluster({ binDir }: SystemPostgres): Promise<PrivateCluster> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tm-pg-'));
  const user = findServerUser(folder);
  const asUser = { ...user, cwd: '/', env: serverEnvironment() };
  const password = randomBytes(12).toString('hex');
  await writeFile(path.join(folder, 'pwfile'), password, { mode: 0o644 });
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
  const data = path.join(folder, 'data');
  const initdb = ['-D', data, '-U', 'postgres', `--pwfile=${folder}/pwfile`, '--auth=scram-sha-256', '--no-sync'];
  execFileSync(path.join(binDir, 'initdb'), [...initdb, '--encoding=UTF8', '--locale=C.UTF-8'], {
    ...asUser,
    stdio: 'pipe',
  });
  const port = await freePort();
  const settings = [`port=${port}`, `unix_socket_directories=${folder}`, 'listen_addresses=127.0.0.1', 'fsync=off'];
  const server = spawn(path.join(binDir, 'postgres'), ['-D', data, ...settings.flatMap((each) => ['-c', each])], {
    ...asUser,
    stdio: 'ignore',
  });
  const exited = once(server, 'exit');
  await waitUntilReady(path.join(data, 'postmaster.pid'), () => server.exitCode === null);
  return {
    superuserUrl: new Secret(`postgresql://postgres:${password}@127.0.0.1:${port}/postgres`),
    async stop() {
      server.kill('SIGINT');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
