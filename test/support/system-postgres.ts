// Private clusters in temporary folders: of the PostgreSQL that the machine brings, older than the embedded one, so that
// tests prove what must hold on both; and of the embedded one, to be treated badly.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Secret } from '../../src/core/secret.ts';
import { findBinaries, findPackage } from '../../src/embedded-postgres/binaries.ts';
import { processesIn } from '../../src/embedded-postgres/process-identity.ts';
import { findServerUser, serverEnvironment } from '../../src/embedded-postgres/server-user.ts';
import { freePort } from './free-port.ts';

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

/** The programs of the embedded PostgreSQL. */
export async function embeddedPostgres(): Promise<SystemPostgres> {
  const staging = path.join(tmpdir(), `tm-pg-programs-${process.getuid?.() ?? 0}`);
  return { binDir: await findBinaries(await findPackage(), staging, findServerUser()) };
}

export interface PrivateCluster {
  readonly superuserUrl: Secret;
  /** Ends the server: `SIGINT` in order, `SIGQUIT` at once, without a last checkpoint. */
  end(signal: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  /** After `end`: the same server again. Resolves when it takes connections. */
  again(): Promise<void>;
  /** All its processes stand still, their connections stay open. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** A backend may end between a look at the processes and the signal. */
function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function waitUntilReady(pidFile: string, server: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (performance.now() < deadline && server.exitCode === null) {
    const lines = (await readFile(pidFile, 'utf8').catch(() => '')).split('\n');
    // A file that a killed server left behind says `ready` too.
    if (lines[0] === String(server.pid) && lines[7]?.trim() === 'ready') return;
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
  const args = ['-D', data, ...settings.flatMap((each) => ['-c', each])];
  let server: ChildProcess | undefined;
  const again = async (): Promise<void> => {
    server = spawn(path.join(binDir, 'postgres'), args, { ...asUser, stdio: 'ignore' });
    await waitUntilReady(path.join(data, 'postmaster.pid'), server);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = server;
    server = undefined;
    if (ending === undefined || ending.exitCode !== null) return;
    const exited = once(ending, 'exit');
    ending.kill(signal);
    await exited;
  };
  const tell = (signal: NodeJS.Signals): void => {
    for (const pid of processesIn(data)) signalIfThere(pid, signal);
  };
  await again();
  return {
    superuserUrl: new Secret(`postgresql://postgres:${password}@127.0.0.1:${port}/postgres`),
    end,
    again,
    pause: () => tell('SIGSTOP'),
    resume: () => tell('SIGCONT'),
    async stop() {
      tell('SIGCONT');
      await end('SIGINT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
