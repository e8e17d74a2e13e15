// The running server: found through `postmaster.pid`, started when it is not there, stopped by signal. The pid file alone
// proves nothing: its process may be dead, or another program by now.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { sleep } from '../core/async.ts';
import { AppError } from '../core/errors.ts';
import { serverEnvironment, type ServerUser } from './server-user.ts';

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

const POLL_MS = 15;
const NEVER = new AbortController().signal;

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** The server that answers for this data folder, or null. */
export async function findPostmaster(dataFolder: string): Promise<Postmaster | null> {
  let lines: string[];
  try {
    lines = (await readFile(path.join(dataFolder, 'postmaster.pid'), 'utf8')).split('\n');
  } catch {
    return null;
  }
  // pid, data folder, start time, port, socket folder, listen address, shared memory, status
  const [pid, folder, , port] = lines;
  const status = lines[7]?.trim();
  const found = { pid: Number(pid), port: Number(port) };
  const ready =
    status === 'ready' && folder === dataFolder && found.pid > 1 && isAlive(found.pid) && (await accepts(found.port));
  return ready ? found : null;
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

export interface StartOptions {
  readonly bin: string;
  readonly dataFolder: string;
  readonly socketFolder: string;
  readonly logFile: string;
  readonly user: ServerUser;
  readonly settings: Readonly<Record<string, string>>;
  /** How long a start may take, recovery included, in milliseconds. */
  readonly patienceMs: number;
}

async function lastLines(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-3).join(' | ');
}

/** Spawns a server; null when it gave up because another one holds the folder or its remains. */
async function spawnOnce(options: StartOptions, deadline: number): Promise<Postmaster | null> {
  const { bin, dataFolder, socketFolder, logFile, user, settings } = options;
  const port = await freePort();
  const all = { ...settings, port: String(port), unix_socket_directories: socketFolder, listen_addresses: '127.0.0.1' };
  const log = openSync(logFile, 'a', 0o600);
  // Detached: Ctrl-C goes to us, and we stop the server when everybody has finished.
  const child = spawn(
    path.join(bin, 'postgres'),
    ['-D', dataFolder, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...user, cwd: '/', env: serverEnvironment(), stdio: ['ignore', log, log], detached: true },
  );
  closeSync(log);
  child.unref();
  let failed = false;
  child.once('error', () => (failed = true));
  while (performance.now() < deadline) {
    const found = await findPostmaster(dataFolder);
    if (found !== null) return found;
    if (failed || child.exitCode !== null || child.signalCode !== null) return null;
    await sleep(POLL_MS, NEVER);
  }
  child.kill('SIGQUIT');
  return null;
}

/** Command line of a process, or null when nobody tells. */
async function commandLine(pid: number): Promise<string | null> {
  try {
    return await readFile(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    const { status, stdout } = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return status === 0 ? stdout : null;
  }
}

/**
 * Takes away a pid file whose number belongs to another program by now. PostgreSQL would refuse to start for as long as
 * that program runs as the same user, which is usual in a container that was killed. A server that is still at work in
 * the folder is safe from this: its command line names the folder, and its shared memory keeps a second one out.
 */
async function dropStrangersPidFile(dataFolder: string): Promise<void> {
  const file = path.join(dataFolder, 'postmaster.pid');
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
  if (!(pid > 0) || !isAlive(pid)) return;
  const command = await commandLine(pid);
  if (command !== null && !command.includes(dataFolder)) await rm(file, { force: true });
}

/**
 * The server of this folder, started if need be. A start that meets the remains of a killed server (its children need a
 * moment to end) or another process starting the same folder is tried again until the patience runs out.
 */
export async function startPostmaster(options: StartOptions): Promise<Postmaster> {
  const deadline = performance.now() + options.patienceMs;
  while (performance.now() < deadline) {
    const found = (await findPostmaster(options.dataFolder)) ?? (await spawnOnce(options, deadline));
    if (found !== null) return found;
    await dropStrangersPidFile(options.dataFolder);
    await sleep(POLL_MS * 10, NEVER);
  }
  throw new AppError(
    'embedded_postgres.start_failed',
    `embedded PostgreSQL did not start in ${options.dataFolder} within ${options.patienceMs} ms; its log ends: ${await lastLines(options.logFile)}`,
  );
}

/** Fast shutdown: running statements are rolled back, everything committed is on disk. */
export async function stopPostmaster({ pid }: Postmaster, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  try {
    process.kill(pid, 'SIGINT');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
    throw error;
  }
  while (isAlive(pid) && performance.now() < deadline) await sleep(POLL_MS, NEVER);
  if (isAlive(pid))
    throw new AppError('service.stop_timeout', `embedded PostgreSQL (pid ${pid}) did not stop within ${patienceMs} ms`);
}
