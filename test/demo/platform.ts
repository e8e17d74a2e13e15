// The installation that the demo watches: the real `tidemark start` as a child process, on a data folder of its own, with
// every platform's address pointing at the simulator.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Only these of the surrounding environment: a developer's own DATABASE_URL must not be filled with demo data. */
const KEPT = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TERM', 'NODE_OPTIONS'];
const READY_PATIENCE_MS = 60_000;

/** The simulator takes as much as it gets; the real platform's limits would make the demo last minutes. */
const DEMO_LIMITS = { 'upwork.api': { requests: 60_000, perMs: 60_000, burst: 2_000, perDay: 100_000_000 } };

export interface Installation {
  /** What `loadConfig` reads for a session beside it. */
  readonly env: NodeJS.ProcessEnv;
  readonly address: string;
  readonly logFile: string;
  stop(): Promise<void>;
}

async function freePort(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    } catch {
      continue;
    } finally {
      server.close();
    }
  }
  throw new Error('no free port on 127.0.0.1');
}

async function waitUntilReady(address: string, child: ChildProcess, logFile: string): Promise<void> {
  const deadline = performance.now() + READY_PATIENCE_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) break;
    const answer = await fetch(`${address}/readyz`).catch(() => null);
    if (answer?.ok === true) return;
    await delay(100);
  }
  const log = await readFile(logFile, 'utf8').catch(() => '');
  throw new Error(`tidemark did not become ready; its log ends:\n${log.trim().split('\n').slice(-5).join('\n')}`);
}

/** Starts everything and resolves when `/readyz` says so. */
export async function startInstallation(folder: string, upworkBaseUrl: string): Promise<Installation> {
  const port = await freePort(8080);
  const address = `http://127.0.0.1:${port}`;
  const env = {
    ...Object.fromEntries(KEPT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
    TIDEMARK_DATA_DIR: path.join(folder, 'data'),
    UPWORK_BASE_URL: upworkBaseUrl,
    TIDEMARK_LIMITS: JSON.stringify(DEMO_LIMITS),
    PORT: String(port),
  };
  const logFile = path.join(folder, 'tidemark.log');
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), 'start', '--role', 'all'], {
    env,
    cwd: ROOT,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const exited = once(child, 'exit');
  try {
    await waitUntilReady(address, child, logFile);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    env,
    address,
    logFile,
    async stop() {
      if (child.exitCode === null) child.kill('SIGTERM');
      await exited;
    },
  };
}
