// What the tests of the embedded PostgreSQL share: folders that go away, children that can be killed, a log that remembers.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import type { EventLog } from '../../src/telemetry/event-log.ts';
import type { EventName } from '../../src/telemetry/events.ts';
import { inspectServer } from '../../src/embedded-postgres/pid-file.ts';

/** An empty folder that everybody may enter, and its removal together with any server that still runs below it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tm-pg-'));
  await chmod(folder, 0o755);
  return folder;
}

export function dataFolderOf(home: string): string {
  return path.join(home, 'postgres-18', 'data');
}

export function postmasterPid(home: string): number {
  return Number(readFileSync(path.join(dataFolderOf(home), 'postmaster.pid'), 'utf8').split('\n')[0]);
}

export async function stateOf(home: string): Promise<string> {
  return (await inspectServer(dataFolderOf(home))).state;
}

/** Ends a server that a failed test left behind, then removes the folder. */
export async function removeFolder(folder: string, home: string = folder): Promise<void> {
  const found = await inspectServer(dataFolderOf(home)).catch(() => undefined);
  if (found?.state === 'ready') process.kill(found.postmaster.pid, 'SIGQUIT');
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

export interface RememberingLog extends EventLog {
  readonly events: EventName[];
}

export function rememberingLog(): RememberingLog {
  const events: EventName[] = [];
  const log: RememberingLog = { events, emit: (event) => void events.push(event), with: () => log };
  return log;
}

export interface Child {
  readonly process: ChildProcess;
  /** First line: the event of the start; then `ready` with the superuser's URL, or `failed` with the message. */
  readonly events: readonly string[];
  readonly url: string;
  readonly failure: string;
  /** Ends in order; resolves when the process is gone. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

const SCRIPT = path.join(import.meta.dirname, 'embedded-postgres-child.ts');

export function spawnChild(options: Readonly<Record<string, unknown>>): ChildProcess {
  return spawn(process.execPath, [SCRIPT, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
}

/** Resolves when the child has started its server, or has failed to. */
export async function startChild(options: Readonly<Record<string, unknown>>): Promise<Child> {
  const child = spawnChild(options);
  const exited = once(child, 'exit');
  const events: string[] = [];
  let last: { event: string; url?: string; message?: string } = { event: '' };
  for await (const line of createInterface({ input: child.stdout! })) {
    last = JSON.parse(line) as typeof last;
    events.push(last.event);
    if (last.event === 'ready' || last.event === 'failed') break;
  }
  child.stdout!.resume();
  return {
    process: child,
    events,
    url: last.url ?? '',
    failure: last.message ?? '',
    async stop() {
      child.stdin!.end();
      await exited;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Rows of one statement on a connection of its own. */
export async function ask(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}
