// `tidemark start` as a person runs it: on an empty folder, beside a simulated Upwork, up to the end by SIGTERM; and what
// it says when the port is taken.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../architecture/source-files.ts';
import { generatePostings } from '../simulators/upwork/generate-postings.ts';
import { createUpworkSimulator } from '../simulators/upwork/simulator.ts';
import { waitFor } from '../support/wait.ts';
import { UPWORK_STREAMS } from '../support/upwork-streams.ts';

const upwork = createUpworkSimulator();
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-start-'));
  upwork.state.addPostings(generatePostings({ count: 200, newest: new Date() }));
  await upwork.start();
});
afterAll(async () => {
  await upwork.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

function tidemark(args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...args], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      TIDEMARK_DATA_DIR: path.join(folder, 'data'),
      UPWORK_BASE_URL: upwork.baseUrl,
      ...env,
    },
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text, ended: once(child, 'close').then(([code]) => code as number | null) };
}

/** What a command printed, after it ended well. */
async function printed(...args: readonly string[]): Promise<string> {
  const { output, ended } = tidemark(args);
  expect(await ended, output()).toBe(0);
  return output().trim();
}

async function file(name: string, content: unknown): Promise<string> {
  const place = path.join(folder, name);
  await writeFile(place, JSON.stringify(content), { mode: 0o600 });
  return place;
}

/** Connects the account as the README does; the id of the integration. */
async function connect(): Promise<string> {
  const { credentials, app } = upwork.addAccount();
  const appFile = await file('app.json', { client_id: app.clientId, client_secret: app.clientSecret });
  await printed('users', 'add', '--email', 'ada@example.test', '--name', 'Ada');
  await printed('integrations', 'oauth-app', '--platform', 'upwork', '--credentials-file', appFile);
  const files = [
    '--credentials-file',
    await file('upwork.json', credentials),
    '--settings-file',
    await file('searches.json', { saved_searches: [{ name: 'node', query: 'node.js' }] }),
  ];
  return await printed('integrations', 'add', '--user', 'ada@example.test', '--platform', 'upwork', ...files);
}

function isGone(pid: number): boolean {
  try {
    return !process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

const LIMIT_MS = 60_000;

test(
  'start makes what it needs, syncs a connected account, and ends with 0 and nothing left on SIGTERM',
  {
    timeout: LIMIT_MS,
  },
  async () => {
    const { child, output, ended } = tidemark(['start'], { PORT: '0' });
    const address = await waitFor(() => /"address":"([^"]+)"/.exec(output())?.[1], {
      timeoutMs: 30_000,
      what: 'the api to listen',
    });
    await waitFor(async () => (await fetch(`${address}/readyz`)).ok, { timeoutMs: 20_000, what: '/readyz' });
    const id = await connect();
    expect(await printed('integrations', 'list')).toContain('ada@example.test');
    expect(await printed('integrations', 'sync', id, '--wait')).toContain(
      `${UPWORK_STREAMS.length}/${UPWORK_STREAMS.length}`,
    );
    const database = Number(/"event":"embedded_postgres.started".*?"serverPid":(\d+)/.exec(output())?.[1]);
    child.kill('SIGTERM');
    expect(await ended, output()).toBe(0);
    // Its entry may outlive it for a moment, until whoever adopted it asks how it ended.
    await waitFor(() => isGone(database), { timeoutMs: 15_000, what: 'PostgreSQL to be gone' });
  },
);

test('start on a port that is taken says so once and ends with 2', { timeout: LIMIT_MS }, async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  try {
    const { output, ended } = tidemark(['start'], { PORT: String(port) });
    expect(await ended, output()).toBe(2);
    expect(output()).toContain(`cannot listen on 127.0.0.1:${port}, another process listens there`);
  } finally {
    other.close();
  }
});
