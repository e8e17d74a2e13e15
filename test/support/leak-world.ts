// A whole installation as processes, of which everything is kept that it ever wrote: what processes said, what the API
// answered, and at the end tables, Redis, files, command lines and environments.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';
import { ROOT } from '../architecture/source-files.ts';
import { CHILD_ENV } from './child-env.ts';
import type { Canary } from './canaries.ts';
import { startEchoingPlatform, type EchoingPlatform } from './echoing-platform.ts';
import type { TestRedis } from './redis.ts';
import { waitFor } from './wait.ts';

/** A text of the installation with the place where it stands. */
export type Writing = readonly [where: string, text: string];

export interface AskOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LeakWorld {
  readonly platform: EchoingPlatform;
  readonly address: string;
  /** For files of the test; everything in it is searched, but what `file` wrote. */
  readonly folder: string;
  /** What a command printed, however it ended. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  /** A command whose output is the secret itself: it is heard, and not searched. */
  secretOf(...args: readonly string[]): Promise<string>;
  /** Writes a file of secrets; its path. */
  file(name: string, content: unknown): Promise<string>;
  ask(
    method: string,
    url: string,
    token: string,
    options?: AskOptions,
  ): Promise<{ readonly response: Response; readonly text: string }>;
  /** Hears an event stream until `enough` is said or it ends; what was said. */
  listen(url: string, token: string, enough: RegExp): Promise<string>;
  /** Address of the database for a role with a password. */
  databaseUrl(role: string, password: string): Promise<string>;
  workerPid(): Promise<number | undefined>;
  /** Passwords of the database's logins and the vault's secret keys. */
  ownSecrets(): Promise<readonly Canary[]>;
  /** What was said and answered so far, and what stands in tables, Redis and files. */
  writings(): Promise<readonly Writing[]>;
  /** Of every process of the installation that runs. */
  processes(): Promise<readonly { readonly commandLine: string; readonly environment: string }[]>;
  stop(): Promise<void>;
}

/** A worker that a signal brings down by an error of nobody's, as a wrong connector would. */
const crashModule = (message: string): string => `
import { isMainThread } from 'node:worker_threads';
if (isMainThread && process.argv[2] === 'worker')
  process.on('SIGWINCH', () => setImmediate(() => { throw new Error(${JSON.stringify(message)}); }));
`;

const LISTEN_MS = 30_000;

/** Every table of every schema, a row a line. */
async function tablesAt(url: string): Promise<readonly Writing[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name
       from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const dumps: Writing[] = [];
    for (const { name } of rows) {
      const { rows: lines } = await client.query<{ line: string }>(`select t::text as line from ${name} t`);
      dumps.push([`table ${name}`, lines.map(({ line }) => line).join('\n')]);
    }
    return dumps;
  } finally {
    await client.end();
  }
}

const READERS: Readonly<Record<string, readonly [string, ...(string | number)[]]>> = {
  hash: ['hgetall'],
  list: ['lrange', 0, -1],
  set: ['smembers'],
  zset: ['zrange', 0, -1, 'withscores'],
  stream: ['xrange', '-', '+'],
  string: ['get'],
};

export async function redisWritings(redis: TestRedis): Promise<readonly Writing[]> {
  const keys = (await redis.do('keys', '*')) as string[];
  return await Promise.all(
    keys.map(async (key): Promise<Writing> => {
      const [command, ...rest] = READERS[String(await redis.do('type', key))] ?? ['dump'];
      return [`Redis ${key}`, `${key} ${JSON.stringify(await redis.do(command, key, ...rest))}`];
    }),
  );
}

/** The process and all that it started. */
async function family(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const below = await Promise.all(children.split(' ').filter(Boolean).map(Number).map(family));
  return [pid, ...below.flat()];
}

export interface LeakWorldOptions {
  readonly redis?: TestRedis | null;
  /** What the worker's crash quotes. */
  readonly crashMessage: string;
}

export async function startLeakWorld({ redis = null, crashMessage }: LeakWorldOptions): Promise<LeakWorld> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-leaks-'));
  // The database server's user passes through: its log is among what is searched.
  await chmod(folder, 0o711);
  const data = path.join(folder, 'data');
  const secrets = path.join(folder, 'given');
  await mkdir(secrets, { mode: 0o700 });
  const platform = await startEchoingPlatform();
  const answers: Writing[] = [];
  let said = '';

  function tidemark(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    // Core dumps are off, as in the unit and the compose file.
    const line = ['-c', 'ulimit -c 0; exec "$@"', 'sh', process.execPath, path.join(ROOT, 'src/cli/main.ts'), ...args];
    const child = spawn('/bin/sh', line, {
      cwd: folder,
      env: {
        ...CHILD_ENV,
        TIDEMARK_DATA_DIR: data,
        UPWORK_BASE_URL: platform.baseUrl,
        LOG_LEVEL: 'debug',
        PORT: '0',
        TIDEMARK_API_RATE_PER_MINUTE: '0',
        TIDEMARK_LIMITS: '{"upwork.api":{"requests":60000,"burst":1000},"upwork.token":{"burst":1000}}',
        ...(redis === null ? {} : { REDIS_URL: redis.url.reveal() }),
        ...env,
      },
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const ended = once(child, 'close').then(() => text);
    return { child, output: () => text, ended };
  }

  await writeFile(path.join(secrets, 'crash.mjs'), crashModule(crashMessage));
  const main = tidemark(['start'], {
    NODE_OPTIONS: [
      `--import=${pathToFileURL(path.join(secrets, 'crash.mjs')).href}`,
      '--report-on-signal --report-signal=SIGUSR2 --report-on-fatalerror --report-uncaught-exception',
      `--report-directory=${folder}`,
    ].join(' '),
  });
  const stop = async (): Promise<void> => {
    main.child.kill('SIGTERM');
    await main.ended;
    await platform.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const address = await waitFor(() => /"address":"(http:[^"]+)"/.exec(main.output())?.[1], {
    timeoutMs: 60_000,
    what: 'the api to listen',
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const passwordsFile = path.join(data, 'secrets', 'database-roles.json');
  const passwords = async (): Promise<Record<string, string>> =>
    JSON.parse(await readFile(passwordsFile, 'utf8')) as Record<string, string>;
  const clusterFolder = path.join(data, 'postgres-18');
  const superuserPassword = async (): Promise<string> =>
    (await readFile(path.join(clusterFolder, 'superuser-password'), 'utf8')).trim();
  const databaseUrl = async (role: string, password: string): Promise<string> => {
    const port = (await readFile(path.join(clusterFolder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[3]!;
    return `postgres://${role}:${encodeURIComponent(password)}@127.0.0.1:${port}/tidemark`;
  };

  async function files(): Promise<readonly Writing[]> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const places = entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((place) => !place.startsWith(secrets) && !place.startsWith(path.join(data, 'secrets')))
      // Pages of the database are searched as tables, and one of the files is its superuser's password.
      .filter((place) => !/\/(?:base|pg_wal|global)\/|\/superuser-password$/.test(place));
    return await Promise.all(
      places.map(async (place): Promise<Writing> => [
        `file ${path.relative(folder, place)}`,
        await readFile(place, 'latin1').catch(() => ''),
      ]),
    );
  }

  return {
    platform,
    address,
    folder,
    async run(args, env) {
      const text = await tidemark(args, env).ended;
      said += text;
      return text.trim();
    },
    async secretOf(...args) {
      const text = await tidemark(args).ended;
      return /tm_[\w-]+/.exec(text)?.[0] ?? text;
    },
    async file(name, content) {
      const place = path.join(secrets, name);
      await writeFile(place, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
      return place;
    },
    async ask(method, url, token, { body, headers = {} } = {}) {
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
      const heads = [...response.headers].filter(([name]) => name !== 'set-cookie');
      // The address that was asked is ours, and left out.
      answers.push([`answer ${response.status} to ${method} ${url.slice(0, 40)}`, `${JSON.stringify(heads)} ${text}`]);
      return { response, text };
    },
    async listen(url, token, enough) {
      const signal = AbortSignal.timeout(LISTEN_MS);
      const response = await fetch(address + url, { headers: { authorization: `Bearer ${token}` }, signal });
      let text = '';
      try {
        for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
          text += chunk;
          // Leaving the loop ends the request.
          if (enough.test(text)) break;
        }
      } catch (error) {
        throw new Error(`waited ${LISTEN_MS} ms in vain for ${enough} from ${url}, heard ${text}`, { cause: error });
      }
      answers.push([`events of ${url}`, text]);
      return text;
    },
    databaseUrl,
    async workerPid() {
      for (const pid of await family(main.child.pid!)) {
        const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        if (commandLine.split('\0').includes('worker')) return pid;
      }
      return undefined;
    },
    async ownSecrets() {
      const file = await readFile(path.join(data, 'secrets', 'vault-keys.json'), 'utf8');
      const { keys } = JSON.parse(file) as { keys: { secretKey: string }[] };
      return [
        ...Object.entries(await passwords()).map(([role, value]) => ({ name: `password of ${role}`, value })),
        ...keys.map(({ secretKey }, n) => ({ name: `secret key ${n}`, value: secretKey })),
        { name: 'password of the superuser', value: await superuserPassword() },
      ];
    },
    async writings() {
      return [
        ['output of commands', said],
        ['output of the installation', main.output()],
        ...answers,
        ...(await tablesAt(await databaseUrl('postgres', await superuserPassword()))),
        ...(redis === null ? [] : await redisWritings(redis)),
        ...(await files()),
      ];
    },
    async processes() {
      const read = (pid: number, what: string): Promise<string> =>
        readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '');
      return await Promise.all(
        (await family(main.child.pid!)).map(async (pid) => ({
          commandLine: await read(pid, 'cmdline'),
          environment: await read(pid, 'environ'),
        })),
      );
    },
    stop,
  };
}
