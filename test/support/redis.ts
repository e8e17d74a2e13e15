// Private Redis servers for tests: started from the PATH on a free port, stopped after the test file, and treated badly on
// request. Where there is no `redis-server`, REDIS_URL serves the tests that need no power over it.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { Secret } from '../../src/core/secret.ts';
import { freePort } from './free-port.ts';
import { waitFor } from './wait.ts';

/** Reasons of skips. */
export const NEEDS_REDIS_SERVER = 'needs redis-server on the PATH';
export const NEEDS_REDIS = 'needs redis-server on the PATH, or REDIS_URL';

export interface TestRedis {
  readonly url: Secret;
  /** One command past the driver, to arrange and to look. */
  do(command: string, ...args: readonly (string | number)[]): Promise<unknown>;
  stop(): Promise<void>;
}

export interface PrivateRedis extends TestRedis {
  readonly port: number;
  /** Ends the server: `SIGKILL` like a crash, `SIGTERM` in order. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** After `end`: the same server again, with what it had on disk. */
  again(): Promise<void>;
  /** The server stands still, its connections stay open. */
  pause(): void;
  resume(): void;
}

export interface RedisOptions {
  /** As on the command line: `{ 'maxmemory-policy': 'allkeys-lru' }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly password?: string;
}

export function hasRedisServer(): boolean {
  return (process.env['PATH'] ?? '').split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, 'redis-server'), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function observer(url: Secret): Redis {
  const client = new Redis(url.reveal(), { lazyConnect: true, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  return client;
}

/** A server of this test file alone. The caller stops it. */
export async function startRedis({ settings = {}, password }: RedisOptions = {}): Promise<PrivateRedis> {
  const port = await freePort();
  const folder = await mkdtemp(path.join(tmpdir(), 'tm-redis-'));
  const url = new Secret(
    `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
  );
  const all = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no', ...settings };
  const login = password === undefined ? [] : ['--requirepass', password];
  const args = [...Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]), ...login];
  let server: ChildProcess | undefined;
  const client = observer(url);
  const killNow = (): void => void server?.kill('SIGKILL');
  process.once('exit', killNow);
  const spawnServer = async (): Promise<void> => {
    server = spawn('redis-server', args, { stdio: 'ignore' });
    await waitFor(async () => (await client.ping()) === 'PONG', { what: 'a private Redis' });
  };
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const ending = server;
    server = undefined;
    if (ending === undefined) return;
    const exited = once(ending, 'exit');
    ending.kill('SIGCONT');
    ending.kill(signal);
    await exited;
  };
  await spawnServer();
  return {
    url,
    port,
    do: (command, ...rest) => client.call(command, ...rest),
    end,
    again: spawnServer,
    pause: () => void server?.kill('SIGSTOP'),
    resume: () => void server?.kill('SIGCONT'),
    async stop() {
      client.disconnect();
      await end('SIGKILL');
      process.removeListener('exit', killNow);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A private server, or the keys `{tidemark}:*` of REDIS_URL; null where there is neither. */
export async function openRedis(): Promise<TestRedis | null> {
  if (hasRedisServer()) return await startRedis();
  const address = process.env['REDIS_URL'];
  if (address === undefined) return null;
  const url = new Secret(address);
  const client = observer(url);
  const keys = await client.keys('{tidemark}:*');
  if (keys.length > 0) await client.del(...keys);
  return {
    url,
    do: (command, ...rest) => client.call(command, ...rest),
    stop: () => Promise.resolve(client.disconnect()),
  };
}

export interface PrivateRedisCluster {
  readonly url: Secret;
  readonly nodes: readonly PrivateRedis[];
  stop(): Promise<void>;
}

const SLOTS = 16_384;

/** Three masters that share the slots. */
export async function startRedisCluster(): Promise<PrivateRedisCluster> {
  const busPorts = [await freePort(), await freePort(), await freePort()];
  const nodes = await Promise.all(
    busPorts.map((bus) =>
      startRedis({ settings: { 'cluster-enabled': 'yes', 'cluster-port': bus, 'cluster-config-file': 'nodes.conf' } }),
    ),
  );
  const bounds = nodes.map((_, index) => Math.floor((index * SLOTS) / nodes.length));
  for (const [index, node] of nodes.entries()) {
    await node.do('cluster', 'addslotsrange', bounds[index]!, (bounds[index + 1] ?? SLOTS) - 1);
    if (index > 0) await node.do('cluster', 'meet', '127.0.0.1', nodes[0]!.port, busPorts[0]!);
  }
  for (const node of nodes) {
    await waitFor(
      async () => {
        const facts = String(await node.do('cluster', 'info'));
        return (
          facts.includes('cluster_state:ok') &&
          facts.includes('cluster_known_nodes:3') &&
          facts.includes('cluster_slots_ok:16384')
        );
      },
      { what: 'a cluster of three' },
    );
  }
  return {
    url: new Secret(`redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`),
    nodes,
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  };
}
