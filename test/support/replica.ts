// A physical replica of a private cluster: a copy of its files, taken while it runs, that follows its log.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import type { Secret } from '../../src/core/secret.ts';
import { findServerUser, serverEnvironment } from '../../src/embedded-postgres/server-user.ts';
import { freePort } from './free-port.ts';
import type { SystemPostgres } from './system-postgres.ts';
import { waitFor } from './wait.ts';

export interface Replica {
  readonly superuserUrl: string;
  /** It goes on receiving the log, and stands still. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** It goes its own way from now on. */
  promote(): Promise<void>;
  stop(): Promise<void>;
}

async function run<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** What must not be in a copy: it belongs to the running server. */
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts']);

async function copyFiles(primaryUrl: string, data: string): Promise<void> {
  await run(primaryUrl, async (client) => {
    const { rows } = await client.query<{ place: string }>(`select current_setting('data_directory') as place`);
    await client.query(`select pg_backup_start('replica', true)`);
    await cp(rows[0]!.place, data, { recursive: true, filter: (file) => !LEFT_OUT.has(path.basename(file)) });
    const { rows: stopped } = await client.query<{ label: string }>(
      `select labelfile as label from pg_backup_stop(false)`,
    );
    await writeFile(path.join(data, 'backup_label'), stopped[0]!.label);
  });
}

async function give(folder: string, uid: number, gid: number): Promise<void> {
  await chown(folder, uid, gid);
  for (const entry of await readdir(folder, { recursive: true })) await chown(path.join(folder, entry), uid, gid);
}

/** Started, and up to date once. */
export async function startReplica({ binDir }: SystemPostgres, primary: Secret): Promise<Replica> {
  const primaryUrl = primary.reveal();
  const folder = await mkdtemp(path.join(tmpdir(), 'tm-replica-'));
  const user = findServerUser(folder);
  const data = path.join(folder, 'data');
  await copyFiles(primaryUrl, data);
  await writeFile(path.join(data, 'standby.signal'), '');
  if (user.uid !== undefined && user.gid !== undefined) await give(folder, user.uid, user.gid);
  const port = await freePort();
  const settings = [
    `port=${port}`,
    `unix_socket_directories=${folder}`,
    'listen_addresses=127.0.0.1',
    'fsync=off',
    `primary_conninfo=${primaryUrl}`,
  ];
  const args = ['-D', data, ...settings.flatMap((each) => ['-c', each])];
  const server = spawn(path.join(binDir, 'postgres'), args, {
    ...user,
    cwd: '/',
    env: serverEnvironment(),
    stdio: 'ignore',
  });
  const url = new URL(primaryUrl);
  url.port = String(port);
  await waitFor(
    async () =>
      (await readFile(path.join(data, 'postmaster.pid'), 'utf8')).includes('ready') || run(url.href, async () => true),
    {
      timeoutMs: 30_000,
      what: 'the replica to take connections',
    },
  );
  const tell = (text: string): Promise<void> => run(url.href, async (client) => void (await client.query(text)));
  await tell('select 1');
  return {
    superuserUrl: url.href,
    pause: () => tell('select pg_wal_replay_pause()'),
    resume: () => tell('select pg_wal_replay_resume()'),
    promote: () => tell('select pg_promote()'),
    async stop() {
      const exited = once(server, 'exit');
      server.kill('SIGINT');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
