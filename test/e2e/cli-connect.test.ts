// Connecting by consent from the command line: real processes, what they print, and what they say when something is missing.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../architecture/source-files.ts';
import { CHILD_ENV } from '../support/child-env.ts';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();
const PUBLIC_URL = 'https://tidemark.test';
let folder = '';
let userId = '';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function tidemark(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const environment = {
    ...CHILD_ENV,
    DATABASE_URL: database.urlOf('tidemark_api'),
    TIDEMARK_DATA_DIR: path.join(folder, 'data'),
    TIDEMARK_PUBLIC_URL: PUBLIC_URL,
    ...env,
  };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(ROOT, 'src/cli/main.ts'), ...args],
      { cwd: ROOT, env: environment },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

async function secretFile(name: string, content: unknown): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, JSON.stringify(content), { mode: 0o600 });
  return file;
}

const connect = (...more: readonly string[]): readonly string[] => [
  'integrations',
  'connect',
  '--user',
  'ada@example.test',
  '--platform',
  'upwork',
  ...more,
];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-connect-'));
  userId = (await tidemark(['users', 'add', '--email', 'ada@example.test', '--name', 'Ada'])).stdout.trim();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('without an app, or an address to come back to, the command says what is missing', async () => {
  expect(await tidemark(connect())).toMatchObject({ code: 2, stderr: expect.stringContaining('oauth-app') });
  expect(await tidemark(connect(), { TIDEMARK_PUBLIC_URL: '' })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('TIDEMARK_PUBLIC_URL'),
  });
});

test('with both it prints the address for the browser, and the exchange can be looked at', async () => {
  const app = await secretFile('app.json', { client_id: 'our-app', client_secret: 'not-for-anybody' });
  await tidemark(['integrations', 'oauth-app', '--platform', 'upwork', '--credentials-file', app]);
  const { code, stdout, stderr } = await tidemark(connect());
  expect([code, stderr]).toEqual([0, expect.stringContaining('tidemark integrations exchange')]);
  const url = new URL(stdout.trim());
  expect([url.host, url.searchParams.get('client_id')]).toEqual(['www.upwork.com', 'our-app']);
  expect(url.searchParams.get('redirect_uri')).toBe(`${PUBLIC_URL}/oauth/callback/upwork`);
  const [, exchangeId = ''] = /exchange ([\da-f-]{36})/.exec(stderr) ?? [];
  expect((await tidemark(['integrations', 'exchange', exchangeId])).stdout).toMatch(/^status +pending$/m);
  expect(await tidemark(['integrations', 'exchange', exchangeId, '--organization', '1'])).toMatchObject({
    stderr: expect.stringContaining('this one is pending'),
  });
});

test('an integration whose grant is dead shows the command that reconnects it', async () => {
  const credentials = await secretFile('upwork.json', {
    access_token: 'not-for-anybody',
    refresh_token: 'not-for-anybody',
    expires_at: '2027-01-01T00:00:00Z',
  });
  const add = ['integrations', 'add', '--user', userId, '--platform', 'upwork', '--credentials-file', credentials];
  const id = (await tidemark(add)).stdout.trim();
  await database.asSuperuser(
    `update integrations set status = 'error', status_code = 'credential.grant_dead' where id = $1`,
    [id],
  );
  const { stdout } = await tidemark(['integrations', 'show', id]);
  expect(stdout).toMatch(/^grantExpiresAt +\d{4}-/m);
  const [, command = ''] = /^reconnect \(credential\.grant_dead\): tidemark (.+)$/m.exec(stdout) ?? [];
  const again = await tidemark(command.split(' '));
  expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/^https:\/\/www\.upwork\.com\//)]);
});
