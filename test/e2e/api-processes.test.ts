// Accounts over HTTP with every role in a process of its own, as an installation has them: two apis that hold public keys
// only, a scheduler, and the one worker that can open what the apis sealed.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installPgBoss } from '../../queues/drivers/pgboss/install.ts';
import { generateKeyPair, renderPublicKeys } from '../../src/vault/key-ring.ts';
import { addSecretKey } from '../../src/vault/secret-keys-file.ts';
import { ROOT } from '../architecture/source-files.ts';
import { generatePostings } from '../simulators/upwork/generate-postings.ts';
import { createUpworkSimulator } from '../simulators/upwork/simulator.ts';
import { CHILD_ENV } from '../support/child-env.ts';
import { bearer, issueToken } from '../support/api.ts';
import { callerOf, type ApiCaller } from '../support/api-client.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { waitFor } from '../support/wait.ts';

const LIMIT_MS = 90_000;
const database = await createTestDatabase();
const upwork = createUpworkSimulator();
const children: { readonly child: ChildProcess; readonly ended: Promise<unknown> }[] = [];
let folder = '';
let keyFile = '';
let scheduler: ReturnType<typeof start>;
let logs = '';
let environment: Record<string, string>;
let first: ApiCaller;
let second: ApiCaller;

function start(
  args: readonly string[],
  env: Record<string, string>,
): { readonly said: () => string; readonly ended: Promise<number | null> } {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...CHILD_ENV, ...environment, ...env },
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  children.push({ child, ended });
  let text = '';
  const hear = (chunk: Buffer): void => {
    text += chunk.toString();
    logs += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  return { said: () => text, ended };
}

const role = (name: string, env: Record<string, string>) => start([path.join(ROOT, 'workers/main.ts'), name], env);

async function startApi(name: string, env: Record<string, string>): Promise<ApiCaller> {
  const { said } = role('api', { PORT: '0', TIDEMARK_DATA_DIR: path.join(folder, name), ...env });
  const address = await waitFor(() => /"address":"([^"]+)"/.exec(said())?.[1], {
    timeoutMs: 60_000,
    what: `${name} to listen`,
  });
  return callerOf(address, await issueToken(database.open('tidemark_api'), ['admin']));
}

beforeAll(async () => {
  await installPgBoss(database.urlOf('tidemark_owner'));
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-api-'));
  upwork.state.addPostings(generatePostings({ count: 120, newest: new Date() }));
  await upwork.start();
  const keys = generateKeyPair();
  keyFile = path.join(folder, 'vault-keys.json');
  await addSecretKey(keyFile, keys, new Date());
  environment = { UPWORK_BASE_URL: upwork.baseUrl, TIDEMARK_PUBLIC_KEYS: renderPublicKeys([keys.publicKey]) };
  // Public keys are all that api and scheduler need: the file they are pointed to does not exist.
  const nowhere = { TIDEMARK_SECRET_KEYS_FILE: path.join(folder, 'missing.json') };
  const api = { DATABASE_URL: database.urlOf('tidemark_api'), ...nowhere };
  scheduler = role('scheduler', { DATABASE_URL: database.urlOf('tidemark_scheduler'), ...nowhere });
  role('worker', { DATABASE_URL: database.urlOf('tidemark_worker'), TIDEMARK_SECRET_KEYS_FILE: keyFile });
  [first, second] = await Promise.all([startApi('first', api), startApi('second', api)]);
  const isAlive = async () => (await database.asSuperuser(`select from workers where status = 'alive'`)).length > 0;
  await waitFor(isAlive, { timeoutMs: 60_000, what: 'the worker to say that it lives' });
}, LIMIT_MS);

afterAll(async () => {
  for (const { child } of children) child.kill('SIGTERM');
  await Promise.all(children.map(({ ended }) => ended));
  await upwork.stop();
  await rm(folder, { recursive: true, force: true });
}, LIMIT_MS);

/** Everything that an event stream says until it ends by itself. */
async function listen({ address, token }: ApiCaller, runId: string): Promise<readonly Record<string, unknown>[]> {
  const response = await fetch(`${address}/v1/runs/${runId}/events`, { headers: bearer(token) });
  const data = (await response.text()).split('\n').filter((line) => line.startsWith('data: '));
  return data.map((line) => JSON.parse(line.slice('data: '.length)) as Record<string, unknown>);
}

async function command(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ readonly code: number | null; readonly text: string }> {
  const { said, ended } = start([path.join(ROOT, 'src/cli/main.ts'), ...args], env);
  return { code: await ended, text: said() };
}

const tidemark = (...args: readonly string[]) => command(args, { DATABASE_URL: database.urlOf('tidemark_api') });

test(
  'an account is connected by one api, tested and synced by the worker, and watched from another api',
  {
    timeout: LIMIT_MS,
  },
  async () => {
    const { account, credentials } = upwork.addAccount();
    const user = await first('POST', '/v1/users', { email: 'ada@example.test', name: 'Ada' });
    const added = await first('POST', '/v1/integrations', {
      userId: user.body['id'],
      platform: 'upwork',
      credentials,
      settings: { saved_searches: [{ name: 'all' }] },
      schedule: { intervalMinutes: 44_640 },
    });
    expect(added.status).toBe(201);
    const id = added.body['id'] as string;
    const tested = await second('POST', `/v1/integrations/${id}/test`);
    expect(tested.body).toMatchObject({ outcome: 'ok', account: { externalAccountId: account.id } });
    const synced = await first('POST', `/v1/integrations/${id}/sync`, { stream: 'jobs', full: true });
    const [{ runId } = { runId: '' }] = synced.body['runs'] as { runId: string }[];
    const [here, there] = await Promise.all([listen(first, runId), listen(second, runId)]);
    expect(here.at(-1)).toMatchObject({ id: runId, status: 'success', percent: 100, recordsSynced: 120 });
    expect(there.at(-1)).toEqual(here.at(-1));
    const backfill = await second('POST', `/v1/integrations/${id}/streams/jobs/backfill`, {
      from: '2020-01-01T00:00:00Z',
      to: '2020-02-01T00:00:00Z',
    });
    const [end] = (await listen(first, backfill.body['runId'] as string)).slice(-1);
    expect(end).toMatchObject({ syncType: 'backfill', status: 'success', recordsSynced: 0 });

    expect(await tidemark('integrations', 'test', id)).toMatchObject({
      code: 0,
      text: expect.stringContaining(account.id) as string,
    });
    const begun = await tidemark(
      'streams',
      'backfill',
      id,
      'proposals',
      '--from',
      '2020-01-01',
      '--to',
      '2020-02-01',
      '--json',
    );
    const { runId: told } = JSON.parse(begun.text) as { runId: string };
    expect((await listen(second, told)).at(-1)).toMatchObject({ stream: 'proposals', syncType: 'backfill' });
    // The worker takes up the new key while it runs, and opens what was moved to it.
    const own = { DATABASE_URL: database.urlOf('tidemark_worker'), TIDEMARK_SECRET_KEYS_FILE: keyFile };
    const rotated = await command(['keys', 'rotate', '--generate'], own);
    expect(rotated).toMatchObject({ code: 0, text: expect.stringContaining('1 data key is under') as string });
    expect(await tidemark('integrations', 'test', id)).toMatchObject({ code: 0 });
    const [older = ''] = /[0-9a-f]{16}/.exec(environment['TIDEMARK_PUBLIC_KEYS']!) ?? [];
    const kept = await command(['keys', 'retire', older], own);
    expect(kept).toMatchObject({ code: 1, text: expect.stringContaining('it is a current one') as string });
    upwork.oauth.revoke(account.id);
    const refused = await tidemark('integrations', 'test', id);
    expect(refused).toMatchObject({ code: 1, text: expect.stringContaining('credential.') as string });

    expect((await first('DELETE', `/v1/users/${user.body['id'] as string}`)).status).toBe(204);
    expect((await second('GET', `/v1/integrations/${id}`)).status).toBe(404);
    for (const secret of [credentials.access_token, credentials.refresh_token]) expect(logs).not.toContain(secret);
  },
);

test('neither api has made or read a secret key, and the scheduler works without one', async () => {
  for (const name of ['first', 'second']) expect(await readdir(path.join(folder, name)).catch(() => [])).toEqual([]);
  await expect(access(path.join(folder, '.tidemark'))).rejects.toThrow('ENOENT');
  expect(scheduler.said()).toContain('"event":"process.started"');
  expect(scheduler.said()).not.toMatch(/missing\.json|failed|process\.ended/);
});
