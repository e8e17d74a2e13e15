// Starts and stops the server of a data folder. Only the holder of the folder's lock may call anything here, so nobody
// else starts or stops the same server meanwhile.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { sleep } from '../core/async.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, isAbort } from '../core/errors.ts';
import { inspectServer, isPostmasterOf, removePidFile, type Postmaster, type ServerState } from './pid-file.ts';
import { isAlive } from './process-identity.ts';
import { serverEnvironment, type ServerUser } from './server-user.ts';

export interface StartOptions {
  readonly bin: string;
  readonly dataFolder: string;
  readonly socketFolder: string;
  readonly logFile: string;
  readonly user: ServerUser;
  readonly settings: Readonly<Record<string, string>>;
  /** Tried first; another free one is taken when it is in use, unless `isPortFixed`. */
  readonly port: number | undefined;
  readonly isPortFixed: boolean;
  /** How long a start may take, crash recovery included, in milliseconds. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Started {
  readonly postmaster: Postmaster;
  readonly how: 'started' | 'reused' | 'recovered';
}

const POLL_MS = 15;
const RETRY_MS = 100;
/** Children of a killed postmaster notice within moments; one that does not is told. */
const CHILD_PATIENCE_MS = 3_000;
const IMMEDIATE_PATIENCE_MS = 5_000;
const LOG_LIMIT_BYTES = 5_000_000;
const NEVER = new AbortController().signal;

/** Log lines of a start that may go well a moment later. */
const TRANSIENT = /pre-existing shared memory block|lock file "[^"]*" already exists/;
const PORT_TAKEN = /could not bind|could not create any TCP\/IP sockets/;

async function listenOnce(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}

async function choosePort({ port, isPortFixed }: StartOptions): Promise<number> {
  if (port !== undefined && isPortFixed) return port;
  const wanted = port === undefined ? undefined : await listenOnce(port);
  const chosen = wanted ?? (await listenOnce(0));
  if (chosen === undefined) throw new AppError('embedded_postgres.start_failed', 'no free TCP port on 127.0.0.1');
  return chosen;
}

function openLog(file: string): { readonly fd: number; readonly from: number } {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT_BYTES) renameSync(file, `${file}.1`);
  const fd = openSync(file, 'a', 0o600);
  return { fd, from: statSync(file).size };
}

function signalQuietly(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function spawnServer(options: StartOptions, port: number, log: number): ChildProcess {
  const { bin, dataFolder, socketFolder, user, settings } = options;
  const all = { ...settings, port: String(port), unix_socket_directories: socketFolder, listen_addresses: '127.0.0.1' };
  // Detached: Ctrl-C goes to us, and we stop the server when everybody has finished.
  const child = spawn(
    path.join(bin, 'postgres'),
    ['-D', dataFolder, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...user, cwd: '/', env: serverEnvironment(), stdio: ['ignore', log, log], detached: true },
  );
  child.unref();
  return child;
}

function tail(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ');
}

/** What a start that ended too early means: try again (undefined), or an error for good. */
function startFailure(written: string, options: StartOptions): AppError | undefined {
  if (TRANSIENT.test(written)) return undefined;
  if (PORT_TAKEN.test(written) && !options.isPortFixed) return undefined;
  return new AppError(
    'embedded_postgres.start_failed',
    `embedded PostgreSQL did not start in ${options.dataFolder}: ${tail(written)}. The whole log: ${options.logFile}`,
  );
}

/** Spawns a server; undefined when it gave up for a reason that passes. */
async function spawnOnce(options: StartOptions, deadline: number): Promise<Postmaster | undefined> {
  const { dataFolder, logFile, clock, signal } = options;
  const log = openLog(logFile);
  let child: ChildProcess;
  try {
    child = spawnServer(options, await choosePort(options), log.fd);
  } finally {
    closeSync(log.fd);
  }
  const failed = Promise.withResolvers<never>();
  child.once('error', failed.reject);
  try {
    while (child.exitCode === null && child.signalCode === null) {
      const found = await Promise.race([inspectServer(dataFolder), failed.promise]);
      if (found.state === 'ready' && found.postmaster.pid === child.pid) return found.postmaster;
      if (clock.mono() > deadline) break;
      await Promise.race([sleep(POLL_MS, signal), failed.promise]);
    }
  } catch (error) {
    child.kill('SIGINT');
    if (isAbort(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('embedded_postgres.start_failed', `cannot run PostgreSQL: ${reason}`, { cause: error });
  }
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGQUIT');
    return undefined;
  }
  const error = startFailure(readFileSync(logFile).subarray(log.from).toString(), options);
  if (error !== undefined) throw error;
  return undefined;
}

/** True when nothing stands in the way of a start; otherwise helps the remains of a killed server to go. */
function isFree(found: ServerState, dataFolder: string, waitedMs: number): boolean {
  if (found.state !== 'remains') return found.state === 'absent';
  if (waitedMs > CHILD_PATIENCE_MS) found.children.forEach((pid) => signalQuietly(pid, 'SIGQUIT'));
  if (found.children.length > 0) return false;
  if (found.isForeignAlive) removePidFile(dataFolder);
  return true;
}

/**
 * The server of this folder, started if need be. A start that meets another one stopping, or the remains of a killed
 * one, waits for them until the patience runs out. Throws `embedded_postgres.start_failed`.
 */
export async function ensureServer(options: StartOptions): Promise<Started> {
  const { dataFolder, clock, signal, patienceMs } = options;
  const began = clock.mono();
  let hasCrashed = false;
  while (clock.mono() - began < patienceMs) {
    const found = await inspectServer(dataFolder);
    if (found.state === 'ready') return { postmaster: found.postmaster, how: hasCrashed ? 'recovered' : 'reused' };
    hasCrashed ||= found.state === 'remains';
    if (isFree(found, dataFolder, clock.mono() - began)) {
      const postmaster = await spawnOnce(options, began + patienceMs);
      if (postmaster !== undefined) return { postmaster, how: hasCrashed ? 'recovered' : 'started' };
      await sleep(RETRY_MS, signal);
    } else {
      await sleep(POLL_MS, signal);
    }
  }
  throw new AppError(
    'embedded_postgres.start_failed',
    `embedded PostgreSQL did not start in ${dataFolder} within ${patienceMs} ms; its log: ${options.logFile}`,
  );
}

async function waitForEnd(pid: number, patienceMs: number, clock: Clock): Promise<boolean> {
  const deadline = clock.mono() + patienceMs;
  while (isAlive(pid) && clock.mono() < deadline) await sleep(POLL_MS, NEVER);
  return !isAlive(pid);
}

/**
 * Fast shutdown of whatever runs in this folder: open statements are rolled back, everything committed is on disk. One
 * that takes too long is stopped at once, and recovers at its next start. Throws `service.stop_timeout`.
 */
export async function stopServer(dataFolder: string, patienceMs: number, clock: Clock): Promise<void> {
  const found = await inspectServer(dataFolder);
  if (found.state !== 'ready' && found.state !== 'busy') return;
  const pid = found.state === 'ready' ? found.postmaster.pid : found.pid;
  signalQuietly(pid, 'SIGINT');
  if (await waitForEnd(pid, patienceMs, clock)) return;
  if (isPostmasterOf(pid, dataFolder)) signalQuietly(pid, 'SIGQUIT');
  if (await waitForEnd(pid, IMMEDIATE_PATIENCE_MS, clock)) return;
  throw new AppError('service.stop_timeout', `embedded PostgreSQL (pid ${pid}) did not stop within ${patienceMs} ms`);
}
