// The installation that the demo watches: the real `tidemark start` as a child process, on a data folder of its own, with
// every platform's address pointing at the simulator.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CONNECTORS } from '../../src/app/connectors.ts';
import type { PlatformId } from '../../src/core/platforms.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Only these of the surrounding environment: a developer's own DATABASE_URL must not be filled with demo data. */
const KEPT = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TERM', 'NODE_OPTIONS'];
const READY_PATIENCE_MS = 60_000;

/** The simulators take as much as they get; the real platforms' limits would make the demo last minutes. */
const DEMO_LIMIT = { requests: 60_000, perMs: 60_000, burst: 2_000 };
const DEMO_LIMITS = Object.fromEntries(
  [...CONNECTORS.values()].flatMap(({ limits }) =>
    limits.map(({ id, perDay }) => [id, perDay === undefined ? DEMO_LIMIT : { ...DEMO_LIMIT, perDay: 100_000_000 }]),
  ),
);

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

/** Where our own child listens, by its own word: another installation on this machine may answer at the same port. */
function addressIn(log: string): string | null {
  const line = log.split('\n').find((text) => text.includes('"event":"api.listening"'));
  return line === undefined ? null : (JSON.parse(line) as { address: string }).address;
}

/** The address of the api once `/readyz` there says so. */
async function waitUntilReady(child: ChildProcess, logFile: string): Promise<string> {
  const deadline = performance.now() + READY_PATIENCE_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    const address = addressIn(await readFile(logFile, 'utf8').catch(() => ''));
    if (address !== null && (await fetch(`${address}/readyz`).catch(() => null))?.ok === true) return address;
    await delay(100);
  }
  const log = await readFile(logFile, 'utf8').catch(() => '');
  throw new Error(`tidemark did not become ready; its log ends:\n${log.trim().split('\n').slice(-5).join('\n')}`);
}

/** Starts everything and resolves when `/readyz` says so. `engineEnv` is what chooses the queue engine. */
export async function startInstallation(
  folder: string,
  baseUrls: Readonly<Partial<Record<PlatformId, string>>>,
  engineEnv: Readonly<Record<string, string>>,
): Promise<Installation> {
  const env = {
    ...Object.fromEntries(KEPT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
    TIDEMARK_DATA_DIR: path.join(folder, 'data'),
    ...Object.fromEntries(Object.entries(baseUrls).map(([name, url]) => [`${name.toUpperCase()}_BASE_URL`, url])),
    TIDEMARK_LIMITS: JSON.stringify(DEMO_LIMITS),
    PORT: String(await freePort(8080)),
    ...engineEnv,
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
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) child.kill('SIGTERM');
    await exited;
  };
  try {
    return { env, address: await waitUntilReady(child, logFile), logFile, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
