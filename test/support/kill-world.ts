// An installation whose workers are processes that a test may kill: simulated platform, scheduler in this process, a
// database of its own; and the questions that every kill test asks of it.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, afterEach } from 'vitest';
import { connectAccount, putApp } from '../../src/app/connect.ts';
import { connectorOf } from '../../src/app/connectors.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { Secret } from '../../src/core/secret.ts';
import { openDatabase } from '../../src/db/database.ts';
import { addUser } from '../../src/store/users.ts';
import { generateKeyPair, renderPublicKeys } from '../../src/vault/key-ring.ts';
import { addSecretKey } from '../../src/vault/secret-keys-file.ts';
import { addWork, type WorkSize } from '../demo/work.ts';
import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import { generatePostings } from '../simulators/upwork/generate-postings.ts';
import type { ProposalStatus } from '../simulators/upwork/model.ts';
import { createUpworkSimulator, type UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { CHILD_ENV } from './child-env.ts';
import type { Trap } from './kill-worker.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';
import { startTestScheduler } from './test-scheduler.ts';
import { waitFor, type EventRecorder } from './wait.ts';

/** Silence after which a worker of these tests is dead. */
export const LEASE_TTL_MS = 1_000;
const HOUR_MS = 3_600_000;
const SCRIPT = path.join(import.meta.dirname, 'kill-worker.ts');
const OPEN_LIMITS = { 'upwork.api': { requests: 600_000, perMs: 60_000, burst: 10_000, perDay: 100_000_000 } };
const STATUSES: readonly ProposalStatus[] = ['Accepted', 'Activated', 'Declined', 'Hired', 'Withdrawn'];

const WORK: WorkSize = { contracts: 2, days: 10, rooms: 4, stories: 8, offers: 3 };

/** Two searches that share no posting and together match all of them. */
export const SEARCHES = [
  { name: 'hourly', job_type: 'hourly' },
  { name: 'fixed', job_type: 'fixed' },
] as const;

export interface Account {
  readonly added: AddedAccount;
  readonly userId: string;
  readonly integrationId: string;
}

export interface KillableWorker {
  readonly pid: number;
  /** Resolves when the trap closes. */
  readonly sprung: Promise<void>;
  /** Exit code and signal. */
  readonly exited: Promise<readonly [number | null, NodeJS.Signals | null]>;
  isGone(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Drains; resolves with exit code and signal. */
  stop(): Promise<readonly [number | null, NodeJS.Signals | null]>;
}

export interface KillWorld {
  readonly database: TestDatabase;
  readonly sim: UpworkSimulator;
  /** As its processes read it. */
  readonly config: Config;
  /** Of the scheduler. */
  readonly events: EventRecorder;
  /** A new user whose streams are due at once; each reads every posting. */
  connect(): Promise<Account>;
  startWorker(trap?: Trap, env?: NodeJS.ProcessEnv): KillableWorker;
  /** Resolves when no run is under way and no run waits in the queue. */
  settled(): Promise<void>;
}

export interface KillWorldOptions {
  readonly postings: number;
  /** Of each user. */
  readonly proposals: number;
  /** Of every process, besides what they need. */
  readonly settings?: NodeJS.ProcessEnv;
  /** The queue runs there; default: on Postgres. */
  readonly redisUrl?: Secret;
  /** Where everybody's statements go instead: a pooler's address. LISTEN goes past it. */
  readonly through?: (url: string) => string;
}

function addProposals(sim: UpworkSimulator, accountId: string, count: number): void {
  const postings = [...sim.state.postings.keys()];
  const newest = Date.now();
  for (let index = 0; index < count; index++) {
    const createdAt = new Date(newest - (count - index) * HOUR_MS);
    sim.state.addProposal({
      accountId,
      postingId: postings[(index * 7) % postings.length]!,
      status: STATUSES[index % STATUSES.length]!,
      createdAt,
      modifiedAt: createdAt,
    });
  }
}

async function prepareEnvironment(
  folder: string,
  database: TestDatabase,
  sim: UpworkSimulator,
): Promise<NodeJS.ProcessEnv> {
  const keys = generateKeyPair();
  const keysFile = path.join(folder, 'vault-keys.json');
  await addSecretKey(keysFile, keys, new Date());
  return {
    ...CHILD_ENV,
    DATABASE_URL: database.urlOf('tidemark_worker'),
    SCHEDULER_DATABASE_URL: database.urlOf('tidemark_scheduler'),
    TIDEMARK_DATA_DIR: folder,
    TIDEMARK_SECRET_KEYS_FILE: keysFile,
    TIDEMARK_PUBLIC_KEYS: renderPublicKeys([keys.publicKey]),
    UPWORK_BASE_URL: sim.baseUrl,
    TIDEMARK_LIMITS: JSON.stringify(OPEN_LIMITS),
    TIDEMARK_HEARTBEAT_MS: '100',
    TIDEMARK_LEASE_TTL_MS: String(LEASE_TTL_MS),
    TIDEMARK_SCHEDULER_TICK_MS: '100',
    LOG_LEVEL: 'silent',
  };
}

function spawnWorker(env: NodeJS.ProcessEnv, trap: Trap | null): KillableWorker {
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(trap)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const sprung = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', () => sprung.resolve());
  return {
    pid: child.pid!,
    sprung: sprung.promise,
    exited,
    isGone: () => child.exitCode !== null || child.signalCode !== null,
    signal: (signal) => void child.kill(signal),
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

/** Call it at the top of a file with await; its processes end with each test, its services with the file. */
export async function createKillWorld({
  postings,
  proposals,
  settings,
  redisUrl,
  through = (url) => url,
}: KillWorldOptions): Promise<KillWorld> {
  const database = await createTestDatabase();
  const folder = await mkdtemp(path.join(tmpdir(), 'tm-kill-'));
  const sim = createUpworkSimulator();
  sim.state.addPostings(generatePostings({ count: postings, newest: new Date(Date.now() - 2 * HOUR_MS) }));
  await sim.start();
  const prepared = await prepareEnvironment(
    folder,
    { ...database, urlOf: (role) => through(database.urlOf(role)) },
    sim,
  );
  const direct = { ...prepared, ...settings, DIRECT_DATABASE_URL: database.urlOf('tidemark_worker') };
  const env = redisUrl === undefined ? direct : { ...direct, REDIS_URL: redisUrl.reveal() };
  const config = loadConfig(env);
  const api = openDatabase({
    url: new Secret(through(database.urlOf('tidemark_api'))),
    role: 'tidemark_api',
    poolSize: 5,
  });
  const schedulerUrl = database.urlOf('tidemark_scheduler');
  const scheduler = await startTestScheduler(config, new Secret(through(schedulerUrl)), new Secret(schedulerUrl));
  const { events } = scheduler;
  const workers: KillableWorker[] = [];
  afterEach(async () => {
    for (const worker of workers) if (!worker.isGone()) worker.signal('SIGKILL');
    await Promise.all(workers.splice(0).map(({ exited }) => exited));
  });
  afterAll(async () => {
    await scheduler.stop();
    await api.close();
    await sim.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    database,
    sim,
    config,
    events,
    async connect() {
      const number = sim.state.accounts.size + 1;
      const added = sim.addAccount();
      addProposals(sim, added.account.id, proposals);
      addWork(sim, added, WORK, new Date());
      const connector = connectorOf('upwork');
      const file = path.join(folder, 'app.json');
      const { clientId, clientSecret } = added.app;
      await writeFile(file, JSON.stringify({ client_id: clientId, client_secret: clientSecret }), { mode: 0o600 });
      await putApp({ api, config, connector, file });
      const user = await api.tx({ kind: 'ops' }, (tx) =>
        addUser(tx, { email: `user${number}@example.test`, name: `User ${number}`, timezone: 'UTC' }),
      );
      const integration = await connectAccount({
        api,
        config,
        connector,
        user,
        schedule: { intervalMinutes: 1_440 },
        settings: connector.settings.parse({ organization_id: added.organizationId, saved_searches: SEARCHES }),
        credential: new Secret<unknown>(added.credentials),
        now: new Date(),
      });
      return { added, userId: user.id, integrationId: integration.id };
    },
    startWorker(trap, ownEnv = {}) {
      const worker = spawnWorker({ ...env, ...ownEnv }, trap ?? null);
      workers.push(worker);
      return worker;
    },
    settled: () =>
      waitFor(() => isSettled(database), { timeoutMs: 20_000, what: 'every run to end' }).then(() => undefined),
  };
}

export async function isSettled({ asSuperuser }: TestDatabase): Promise<boolean> {
  const [left] = await asSuperuser<{ count: number }>(`
    select (select count(*) from sync_logs where completed_at is null)::int
      + (select count(*) from job_ledger where kind = 'sync.run' and state <> 'dead')::int
      + (select count(*) from integration_streams where next_sync_at <= now())::int as count`);
  return left!.count === 0;
}
