// An installation that a test may treat badly: a PostgreSQL of its own, producers and workers as processes, the scheduler's
// services here; and an account of what was accepted and what came of it.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { loadConfig, type Config } from '../../src/config/load-config.ts';
import { Secret } from '../../src/core/secret.ts';
import { addUser } from '../../src/store/users.ts';
import { CHILD_ENV } from './child-env.ts';
import type { ProducerReport } from './chaos-producer.ts';
import { openDatabase, type DatabaseRole } from '../../src/db/database.ts';
import { prepareCluster, TEMPLATE, urlOf } from './cluster.ts';
import { embeddedPostgres, startPrivateCluster, type PrivateCluster } from './system-postgres.ts';
import { startTestScheduler } from './test-scheduler.ts';
import { waitFor, type EventRecorder } from './wait.ts';

export interface ChaosOptions {
  /** The queue runs there; default: on Postgres. */
  readonly redisUrl?: Secret;
  readonly producers: number;
  readonly workers: number;
}

export interface ChaosWorld {
  readonly config: Config;
  readonly database: ChaosDatabase;
  readonly postgres: PrivateCluster;
  /** Of the scheduler. */
  readonly events: EventRecorder;
  readonly accepted: ReadonlySet<string>;
  /** Payload ids of jobs whose enqueue was not answered: they may be there or not. */
  readonly inDoubt: ReadonlySet<string>;
  /** Lets each producer enqueue so many more. Answers a promise of all of them being accepted. */
  produce(each: number): Promise<void>;
  /** Kills one worker; another one takes its place. */
  killWorker(): void;
  /** Ends producers and workers in order. */
  stop(): Promise<void>;
  /** Ends everything. */
  close(): Promise<void>;
}

export interface ChaosDatabase {
  urlOf(role: DatabaseRole): Secret;
  /** Past every policy; on a connection of its own. */
  ask<R = Record<string, unknown>>(text: string): Promise<R[]>;
}

const USERS = 60;
const RESPAWN_MS = 200;

/** What the workers' handlers write, under the same kind of policy as every domain table. */
const TABLES = `
  create table chaos_effects (job_id uuid primary key, user_id uuid not null, payload jsonb not null);
  create table chaos_runs (job_id uuid not null, user_id uuid not null, payload jsonb not null);
  alter table chaos_effects enable row level security;
  alter table chaos_runs enable row level security;
  create policy own on chaos_effects for all to tidemark_worker using (user_id = (select lease_user()));
  create policy own on chaos_runs for all to tidemark_worker using (user_id = (select lease_user()));
  grant select, insert on chaos_effects, chaos_runs to tidemark_worker`;

function start(script: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit'];
  return spawn(process.execPath, [path.join(import.meta.dirname, script), ...args], { env, stdio });
}

interface Account {
  readonly accepted: Set<string>;
  readonly inDoubt: Set<string>;
}

/** A producer; `more` resolves when so many were accepted. */
function startProducer(env: NodeJS.ProcessEnv, users: readonly string[], { accepted, inDoubt }: Account) {
  const child = start('chaos-producer.ts', [JSON.stringify(users)], env);
  const exited = once(child, 'exit');
  let onDone = (): void => undefined;
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const report = JSON.parse(line) as ProducerReport;
    if ('accepted' in report) for (const id of report.accepted) accepted.add(id);
    else if ('inDoubt' in report) for (const id of report.inDoubt) inDoubt.add(id);
    else onDone();
  });
  return {
    more(count: number): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      onDone = resolve;
      void exited.then(([code]) => reject(new Error(`a producer ended with ${code}`)));
      child.stdin!.write(`${count}\n`);
      return promise;
    },
    async stop() {
      child.stdin!.end();
      await exited;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** A worker that is started anew whenever it ends, as a supervisor would, until `stop`. */
function keepWorker(env: NodeJS.ProcessEnv) {
  let child = start('chaos-worker.ts', [], env);
  let isStopping = false;
  let ended = supervise();
  async function supervise(): Promise<void> {
    for (;;) {
      child.stdout!.resume();
      await once(child, 'exit');
      await new Promise((resolve) => void setTimeout(resolve, RESPAWN_MS));
      if (isStopping) return;
      child = start('chaos-worker.ts', [], env);
    }
  }
  return {
    kill: () => void child.kill('SIGKILL'),
    async stop() {
      isStopping = true;
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function addUsers(database: ChaosDatabase): Promise<readonly string[]> {
  const api = openDatabase({ url: database.urlOf('tidemark_api'), role: 'tidemark_api', poolSize: 1 });
  const ids: string[] = [];
  await api.tx({ kind: 'ops' }, async (tx) => {
    for (let number = 0; number < USERS; number++)
      ids.push((await addUser(tx, { email: `user${number}@example.test`, name: 'User', timezone: 'UTC' })).id);
  });
  await api.close();
  return ids;
}

async function openCluster(postgres: PrivateCluster): Promise<ChaosDatabase> {
  const { superuserUrl } = await prepareCluster(postgres.superuserUrl);
  const own = new URL(superuserUrl);
  own.pathname = `/${TEMPLATE}`;
  return {
    urlOf: (role) => new Secret(urlOf(superuserUrl, role, TEMPLATE)),
    async ask<R>(text: string) {
      const client = new Client({ connectionString: own.href });
      client.on('error', () => undefined);
      await client.connect();
      try {
        return (await client.query(text)).rows as R[];
      } finally {
        await client.end();
      }
    },
  };
}

/** Whoever calls it closes it. */
export async function createChaosWorld({ redisUrl, producers, workers }: ChaosOptions): Promise<ChaosWorld> {
  const postgres = await startPrivateCluster(await embeddedPostgres());
  const database = await openCluster(postgres);
  await database.ask(TABLES);
  const folder = await mkdtemp(path.join(tmpdir(), 'tm-chaos-'));
  const envOf = (role: DatabaseRole): NodeJS.ProcessEnv => ({
    ...CHILD_ENV,
    DATABASE_URL: database.urlOf(role).reveal(),
    TIDEMARK_DATA_DIR: folder,
    TIDEMARK_WORKER_CONCURRENCY: '25',
    LOG_LEVEL: 'silent',
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl.reveal() }),
  });
  const config = loadConfig(envOf('tidemark_scheduler'));
  const users = await addUsers(database);
  const scheduler = await startTestScheduler(config, database.urlOf('tidemark_scheduler'));
  const account: Account = { accepted: new Set(), inDoubt: new Set() };
  const producing = Array.from({ length: producers }, () => startProducer(envOf('tidemark_api'), users, account));
  const working = Array.from({ length: workers }, () => keepWorker(envOf('tidemark_worker')));
  let killed = 0;
  let stopped: Promise<unknown> | undefined;
  const stop = async (): Promise<void> => {
    stopped ??= Promise.all([...producing, ...working].map((each) => each.stop()));
    await stopped;
  };
  return {
    config,
    database,
    postgres,
    events: scheduler.events,
    ...account,
    produce: async (each) => void (await Promise.all(producing.map((producer) => producer.more(each)))),
    killWorker: () => working[killed++ % working.length]!.kill(),
    stop,
    async close() {
      postgres.resume();
      // A producer of a failed test would go on until all of its jobs are accepted.
      for (const producer of producing) producer.kill();
      await stop();
      await scheduler.stop();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Outcome {
  readonly effects: readonly { readonly jobId: string; readonly payloadId: string }[];
  /** Handlers that began a job again after its effect, which then had none. */
  readonly repeats: number;
}

/** Resolves when the ledger is empty or holds nothing but dead letters. */
export async function allSettled({ database }: ChaosWorld, timeoutMs: number): Promise<void> {
  const open = `select state, count(*)::int as jobs from job_ledger where state <> 'dead' group by state`;
  let left: unknown;
  await waitFor(
    async () => {
      left = await database.ask(open);
      return Array.isArray(left) && left.length === 0;
    },
    {
      timeoutMs,
      get what() {
        return `every job to end; left: ${JSON.stringify(left)}`;
      },
    },
  );
}

export async function outcomeOf({ database }: ChaosWorld): Promise<Outcome> {
  const effects = await database.ask<{ jobId: string; payloadId: string }>(
    `select job_id as "jobId", payload->>'integrationId' as "payloadId" from chaos_effects`,
  );
  const [runs] = await database.ask<{ count: number }>('select count(*)::int as count from chaos_runs');
  return { effects, repeats: runs!.count - effects.length };
}

export async function effectsSoFar({ database }: ChaosWorld): Promise<number> {
  const [row] = await database.ask<{ count: number }>('select count(*)::int as count from chaos_effects');
  return row!.count;
}
