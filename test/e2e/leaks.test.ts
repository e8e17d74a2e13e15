// A whole installation is driven with secrets that are like no other text: through the command line, the API, the boards, and
// syncs at a platform that echoes the credential in every way. Then everything that was written anywhere is searched for them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from 'pg';
import { OPERATIONS } from '../../src/api/contract/operations.ts';
import type { Operation } from '../../src/api/contract/operation.ts';
import { createEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { ROOT } from '../architecture/source-files.ts';
import { generatePostings } from '../simulators/upwork/generate-postings.ts';
import { createUpworkSimulator } from '../simulators/upwork/simulator.ts';
import { findCanaries, type Canary } from '../support/canaries.ts';
import { waitFor } from '../support/wait.ts';

const LIMIT_MS = 120_000;
const NO_ID = '01890000-0000-7000-8000-00000000000a';
const WORD = 'Zq8vK3nR7tB1xL5mW9cD2hF6';

type Echo = 'none' | 'denied' | 'broken' | 'page' | 'graphql' | 'redirect' | 'records';

const upwork = createUpworkSimulator();
let folder = '';
let data = '';
let echo: Echo = 'none';
/** How the platform has answered so far. */
const echoed = new Set<Echo>();
let written = '';
const pids: number[] = [];
const answers: string[] = [];
let address = '';
let main: ReturnType<typeof tidemark>;

/** In front of the simulator: answers as asked for, with the credential of the request in it. */
async function front(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request);
  if (request.headers.authorization !== undefined) echoed.add(echo);
  const token = String(request.headers.authorization).replace(/^bearer /i, '');
  const says = `your token ${token} (${Buffer.from(token).toString('base64')}) is not welcome`;
  const json = (status: number, value: unknown): void =>
    void response.writeHead(status, { 'content-type': 'application/json', 'x-echo': token }).end(JSON.stringify(value));
  if (echo === 'denied') return json(403, { error: says, error_description: says });
  if (echo === 'broken') return json(500, { error: says });
  if (echo === 'page') return void response.writeHead(403, { 'content-type': 'text/html' }).end(`<h1>${says}</h1>`);
  if (echo === 'graphql') return json(200, { errors: [{ message: says, extensions: { token } }], data: null });
  if (echo === 'redirect')
    return void response.writeHead(302, { location: `https://elsewhere.test/?token=${token}` }).end();
  if (echo === 'records')
    return json(200, { data: { marketplaceJobPostingsSearch: { edges: [{ node: { id: token } }] } } });
  const headers = new Headers(
    Object.entries(request.headers).filter(([name]) => !['host', 'connection', 'content-length'].includes(name)) as [
      string,
      string,
    ][],
  );
  const passed = await fetch(upwork.baseUrl + request.url!, {
    method: request.method!,
    headers,
    body: body.length > 0 ? body : null,
  });
  response.writeHead(passed.status, { 'content-type': passed.headers.get('content-type') ?? 'text/plain' });
  response.end(Buffer.from(await passed.arrayBuffer()));
}
const platform = createServer((request, response) => void front(request, response));

function tidemark(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...args], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      TIDEMARK_DATA_DIR: data,
      UPWORK_BASE_URL: `http://127.0.0.1:${(platform.address() as AddressInfo).port}`,
      LOG_LEVEL: 'debug',
      PORT: '0',
      ...env,
    },
  });
  pids.push(child.pid!);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      written += chunk.toString();
    });
  return { child, output: () => text, ended: once(child, 'close') };
}

/** What a command printed, however it ended. */
async function run(...args: readonly string[]): Promise<string> {
  const { output, ended } = tidemark(args);
  await ended;
  return output().trim();
}

/** A command whose output is the secret itself: it is heard, and not searched. */
async function secretOf(...args: readonly string[]): Promise<string> {
  const before = written;
  const text = await run(...args);
  written = before;
  return /tm_[\w-]+/.exec(text)?.[0] ?? text;
}

async function file(name: string, content: unknown): Promise<string> {
  const place = path.join(folder, name);
  await writeFile(place, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
  return place;
}

async function ask(method: string, url: string, token: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(address + url, {
    method,
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  answers.push(`${method} ${JSON.stringify([...response.headers].filter(([name]) => name !== 'set-cookie'))} ${text}`);
  return { response, text };
}

/** The process and all that it started. */
async function family(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const below = await Promise.all(
    children
      .split(' ')
      .filter(Boolean)
      .map((child) => family(Number(child))),
  );
  return [pid, ...below.flat()];
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-leaks-'));
  data = path.join(folder, 'data');
  upwork.state.addPostings(generatePostings({ count: 60, newest: new Date() }));
  await upwork.start();
  await new Promise<void>((resolve) => platform.listen(0, '127.0.0.1', resolve));
  main = tidemark(['start']);
  address = await waitFor(
    () =>
      /https?:\/\/127\.0\.0\.1:\d+/.exec(
        main
          .output()
          .split('\n')
          .filter((line) => line.includes('address'))
          .join('\n'),
      )?.[0],
    {
      timeoutMs: 60_000,
      what: 'the api to listen',
    },
  );
}, LIMIT_MS);

afterAll(async () => {
  main.child.kill('SIGTERM');
  await main.ended;
  await upwork.stop();
  platform.closeAllConnections();
  platform.close();
  await rm(folder, { recursive: true, force: true });
}, LIMIT_MS);

/** Credentials in good and bad forms, by command line and API; answers what was used. */
async function connectAccounts(admin: string): Promise<{ readonly id: string; readonly canaries: readonly Canary[] }> {
  const { credentials, app } = upwork.addAccount();
  const canaries: Canary[] = [
    { name: 'access token', value: credentials.access_token },
    { name: 'refresh token', value: credentials.refresh_token },
    { name: 'client secret', value: app.clientSecret },
  ];
  const appFile = await file('app.json', { client_id: app.clientId, client_secret: app.clientSecret });
  await run('integrations', 'oauth-app', '--platform', 'upwork', '--credentials-file', appFile);
  const userId = await run('users', 'add', '--email', 'ada@example.test', '--name', 'Ada');
  const good = await file('good.json', credentials);
  const searches = await file('searches.json', { saved_searches: [{ name: 'node', query: 'node.js' }] });
  const add = [
    'integrations',
    'add',
    '--user',
    'ada@example.test',
    '--platform',
    'upwork',
    '--settings-file',
    searches,
  ];
  const id = await run(...add, '--credentials-file', good);
  for (const [n, bad] of [
    `{"access_token": "${WORD}", `,
    { access_token: [WORD] },
    { [WORD]: 1, access_token: WORD, expires_at: WORD },
    WORD,
  ].entries()) {
    await run(...add, '--credentials-file', await file(`bad${n}.json`, bad));
    await ask('POST', '/v1/integrations', admin, { userId, platform: 'upwork', credentials: bad, settings: {} });
    await ask('PUT', `/v1/integrations/${id}/credentials`, admin, { credentials: bad });
    await ask(
      'PUT',
      `/v1/integrations/${id}/credentials`,
      admin,
      typeof bad === 'string' ? bad : { credentials: { ...(bad as object), refresh_token: WORD } },
    );
  }
  return { id, canaries };
}

/** Every operation, with a secret where something else belongs. */
async function misuseApi(token: string): Promise<void> {
  for (const { method, path: place } of Object.values(OPERATIONS) as Operation[]) {
    if (place.endsWith('/events')) continue;
    const url = place.replaceAll(/\{(\w+)\}/g, NO_ID);
    const hasBody = method !== 'GET' && method !== 'DELETE';
    await ask(method, `${url}?token=${WORD}`, token, hasBody ? { [WORD]: WORD, credentials: WORD } : undefined);
    await ask(method, url, WORD, hasBody ? `{"broken": "${WORD}` : undefined);
  }
  for (const place of [
    '/metrics',
    '/queues',
    '/queues/api/queues',
    '/docs/json',
    `/bot123456789:${WORD}/x`,
    '/healthz',
    '/readyz',
  ])
    await ask('GET', place, token);
}

async function syncAtEvilPlatform(id: string, admin: string): Promise<void> {
  for (const how of ['none', 'denied', 'broken', 'page', 'graphql', 'redirect', 'records'] as const) {
    echo = how;
    await ask('POST', `/v1/integrations/${id}/test`, admin);
    const begun = await ask('POST', `/v1/integrations/${id}/sync`, admin, {});
    const runs = ((JSON.parse(begun.text) as { runs?: { runId: string }[] }).runs ?? []).map(({ runId }) => runId);
    await waitFor(
      async () => {
        const views = await Promise.all(runs.map((runId) => ask('GET', `/v1/runs/${runId}`, admin)));
        return views.every(({ text }) => !/"status":"(queued|running)"/.test(text));
      },
      { timeoutMs: 20_000, what: `the runs at a platform that answers ${how}` },
    );
    await ask('PATCH', `/v1/integrations/${id}/streams/jobs`, admin, { unpark: true, enabled: true });
  }
  echo = 'none';
}

async function workerPid(): Promise<number | undefined> {
  for (const pid of await family(main.child.pid!)) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.split('\0').includes('worker')) return pid;
  }
  return undefined;
}

/** A worker that crashes leaves what Node and the system write of it; another one takes its place. */
async function crashWorker(): Promise<void> {
  const crashed = await workerPid();
  process.kill(crashed!, 'SIGABRT');
  const isReplaced = async (): Promise<boolean> => ![undefined, crashed].includes(await workerPid());
  await waitFor(isReplaced, { timeoutMs: 30_000, what: 'another worker' });
}

/** Every table of every schema as text. */
async function dumpDatabase(): Promise<readonly (readonly [string, string])[]> {
  const server = createEmbeddedPostgres({ dataDir: data, log: silentLog });
  await server.start();
  const url = new URL(server.superuserUrl.reveal());
  url.pathname = '/tidemark';
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const dumps = [];
    for (const { name } of rows) {
      const { rows: lines } = await client.query<{ line: string }>(`select t::text as line from ${name} t`);
      dumps.push([name, lines.map(({ line }) => line).join('\n')] as const);
    }
    return dumps;
  } finally {
    await client.end();
    await server.stop();
  }
}

test('nothing that is written anywhere holds a secret', { timeout: LIMIT_MS }, async () => {
  const admin = await secretOf('tokens', 'create', '--name', 'ops', '--scope', 'admin');
  const reader = await secretOf('tokens', 'create', '--name', 'reader', '--scope', 'read');
  const { id, canaries: credentials } = await connectAccounts(admin);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  const form = { 'content-type': 'application/x-www-form-urlencoded', origin: address };
  const signedIn = await ask(
    'POST',
    '/sign-in',
    '',
    new URLSearchParams({ token: admin, next: '/queues' }).toString(),
    form,
  );
  const session = /tidemark_session=([\w-]+)/.exec(signedIn.response.headers.get('set-cookie') ?? '')?.[1] ?? '';
  expect([signedIn.response.status, session.length], signedIn.text).toEqual([303, 43]);
  await ask('POST', '/sign-in', '', new URLSearchParams({ token: WORD, next: '/queues' }).toString(), form);
  // Ends with this address locked out, which the tokens in use survive.
  await misuseApi(admin);
  await misuseApi(reader);
  await syncAtEvilPlatform(id, admin);
  await crashWorker();
  await run('integrations', 'test', id);
  await run('keys', 'rotate', '--generate');
  await run('users', 'export', 'ada@example.test', '--out', path.join(folder, 'export'));
  for (const place of [
    '/v1/jobs',
    '/v1/runs',
    '/v1/audit-logs',
    '/v1/security-logs',
    `/v1/integrations/${id}`,
    '/metrics',
  ])
    await ask('GET', place, admin);
  for (const args of [
    ['doctor'],
    ['jobs', 'list'],
    ['runs', 'list'],
    ['audit', 'changes'],
    ['audit', 'security'],
    ['tokens', 'list'],
  ])
    await run(...args);
  await run('doctor', '--no-such-option', WORD);

  const secrets = path.join(data, 'secrets');
  const passwords = JSON.parse(await readFile(path.join(secrets, 'database-roles.json'), 'utf8')) as Record<
    string,
    string
  >;
  const { keys } = JSON.parse(await readFile(path.join(secrets, 'vault-keys.json'), 'utf8')) as {
    keys: { secretKey: string }[];
  };
  const canaries: readonly Canary[] = [
    ...credentials,
    { name: 'pasted secret', value: WORD },
    { name: 'token of ops', value: admin },
    { name: 'token of the reader', value: reader },
    { name: 'session', value: session },
    ...Object.entries(passwords).map(([role, value]) => ({ name: `password of ${role}`, value })),
    ...keys.map(({ secretKey }, n) => ({ name: `secret key ${n}`, value: secretKey })),
  ];
  const hits: string[] = [];
  const search = (where: string, text: string, among = canaries): void =>
    void hits.push(...findCanaries(text, among).map((hit) => `${where}: ${hit}`));

  // What is searched is there, and the search finds it.
  expect([...echoed].sort()).toEqual(['broken', 'denied', 'graphql', 'none', 'page', 'records', 'redirect']);
  expect(written).toContain('"event"');
  expect(findCanaries(`x ${Buffer.from(admin).toString('base64')}`, canaries)).toHaveLength(1);

  search('logs and output', written);
  for (const answer of answers) search('an answer', answer);
  for (const [name, text] of await dumpDatabase()) search(`table ${name}`, text);
  for (const pid of await family(main.child.pid!)) {
    const read = (what: string): Promise<string> => readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '');
    const commandLine = await read('cmdline');
    search(`command line of ${commandLine.slice(0, 80)}`, commandLine);
    if (!commandLine.includes('postgres:')) {
      // A process has the password of its own login, and nobody else's; keys and credentials are in no environment at all.
      const [environment, own] = [
        await read('environ'),
        commandLine.split('\0').includes('worker') ? 'worker' : 'api|scheduler|readonly',
      ];
      const others = canaries.filter(({ name }) => !new RegExp(`^password of tidemark_(${own})$`).test(name));
      search(`environment of ${commandLine.slice(0, 120)}`, environment, others);
    }
  }
  const places = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of places) {
    const place = path.join(entry.parentPath, entry.name);
    const isOurs =
      entry.isFile() &&
      !place.startsWith(secrets) &&
      !/\/(good|app|bad\d)\.json$/.test(place) &&
      !/\/(base|pg_wal|global)\//.test(place);
    if (isOurs) search(`file ${path.relative(folder, place)}`, await readFile(place, 'utf8').catch(() => ''));
  }
  expect(hits).toEqual([]);
});
