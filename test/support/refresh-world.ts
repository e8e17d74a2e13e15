// One connected Upwork account in a real database beside a simulated Upwork, and as many workers with leases as a test
// needs. Everything is the product's own: vault, http client, leases, store.

import { onTestFinished } from 'vitest';
import { createTestDatabase, type TestDatabase } from './postgres.ts';
import { vaultOf } from './refresh-vault.ts';
import { upworkHttp } from './upwork.ts';
import { upwork } from '../../src/connectors/upwork/index.ts';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Database } from '../../src/db/database.ts';
import type { HttpClient } from '../../src/http/http-client.ts';
import { insertCredential } from '../../src/store/credentials.ts';
import { putOAuthApp } from '../../src/store/oauth-apps.ts';
import { createCredentialAccess } from '../../src/sync/credential-access.ts';
import { oauthAppContext, sealCredential } from '../../src/sync/credential-vault.ts';
import type { RefreshDeps, RefreshJob } from '../../src/sync/refresh.ts';
import type { EventFields, EventLog } from '../../src/telemetry/event-log.ts';
import { generateKeyPair, type KeyPair } from '../../src/vault/key-ring.ts';
import type { Sealer } from '../../src/vault/sealer.ts';
import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import { createUpworkSimulator, type UpworkSimulator } from '../simulators/upwork/simulator.ts';

export interface Connected {
  readonly userId: string;
  readonly integrationId: string;
  readonly added: AddedAccount;
}

export interface RefreshWorker {
  readonly deps: RefreshDeps;
  readonly job: RefreshJob;
  readonly jobId: string;
  readonly events: readonly { readonly event: string; readonly fields: EventFields | undefined }[];
}

export interface CredentialRow {
  readonly version: number;
  readonly refresh_intent_version: number | null;
  readonly refresh_failed_at: Date | null;
}

export interface WorkerOptions {
  readonly db?: Database;
  readonly clock?: Clock;
  readonly http?: HttpClient;
  readonly signal?: AbortSignal;
}

export interface RefreshWorld {
  readonly database: TestDatabase;
  readonly keys: KeyPair;
  /** Connects an account of `sim`; its token is over (`expiresInMs` below 0) unless said otherwise. */
  connect(sim: UpworkSimulator, expiresInMs?: number): Promise<Connected>;
  /** Registers a living worker that holds a lease for the account. */
  worker(sim: UpworkSimulator, to: Connected, options?: WorkerOptions): Promise<RefreshWorker>;
  /** What the reaper does with a worker that stopped answering. */
  reap(workerId: string): Promise<void>;
  credential(to: Connected): Promise<CredentialRow>;
  /** Lets the pause after a failed refresh pass. */
  passCooldown(to: Connected): Promise<void>;
}

/** A started platform, stopped with the test. */
export async function startPlatform(
  options: Parameters<typeof createUpworkSimulator>[0] = {},
): Promise<UpworkSimulator> {
  const sim = createUpworkSimulator(options);
  await sim.start();
  onTestFinished(() => sim.stop());
  return sim;
}

/** Call it in `beforeAll`. */
export async function createRefreshWorld(): Promise<RefreshWorld> {
  const database = await createTestDatabase();
  const keys = generateKeyPair();
  const { sealer, vault } = vaultOf(keys);
  const shared = database.open('tidemark_worker', 10);
  const api = database.open('tidemark_api', 1);
  return {
    database,
    keys,
    connect: (sim, expiresInMs = -1_000) => connect({ database, api, sealer }, sim, expiresInMs),
    async worker(sim, to, { db = shared, clock = systemClock, http = upworkHttp(sim), signal } = {}) {
      const { workerId, jobId, leaseToken } = await takeLease(database, db, to);
      const events: { event: string; fields: EventFields | undefined }[] = [];
      const log: EventLog = { emit: (event, fields) => void events.push({ event, fields }), with: () => log };
      const job: RefreshJob = {
        integrationId: to.integrationId,
        connector: upwork,
        leaseToken,
        runId: null,
        reason: 'sync',
        workerId,
        http,
        signal: signal ?? new AbortController().signal,
      };
      return { deps: { db, vault, clock, log, egressId: 'test' }, job, jobId, events };
    },
    async reap(workerId) {
      await database.asSuperuser(`update workers set status = 'dead' where id = $1`, [workerId]);
      await database.asSuperuser('select revoke_leases($1)', [workerId]);
    },
    async credential({ integrationId }) {
      const [row] = await database.asSuperuser<CredentialRow>(
        `select version, refresh_intent_version, refresh_failed_at
         from integration_credentials where integration_id = $1`,
        [integrationId],
      );
      return row!;
    },
    async passCooldown({ integrationId }) {
      await database.asSuperuser(
        `update integration_credentials set refresh_failed_at = refresh_failed_at - interval '1 hour'
         where integration_id = $1`,
        [integrationId],
      );
    },
  };
}

async function connect(
  { database, api, sealer }: { database: TestDatabase; api: Database; sealer: Sealer },
  sim: UpworkSimulator,
  expiresInMs: number,
): Promise<Connected> {
  const added = sim.addAccount();
  const [userId, integrationId] = [uuidv7(), uuidv7()];
  await database.asSuperuser(`insert into users (id, email, name) values ($1, $2, 'Ada')`, [
    userId,
    `${userId}@example.test`,
  ]);
  await database.asSuperuser(
    `insert into integrations (id, user_id, platform_id, status) values ($1, $2, 'upwork', 'connected')`,
    [integrationId, userId],
  );
  const expiresAt = new Date(Date.now() + expiresInMs);
  const value = new Secret<unknown>({ ...added.credentials, expires_at: expiresAt.toISOString() });
  const target = { integrationId, userId, version: 1, expiresAt };
  await api.tx({ kind: 'user', userId }, (tx) => insertCredential(tx, sealCredential(sealer, target, value, 'upwork')));
  const secret = sealer.seal(new Secret(added.app.clientSecret), oauthAppContext('upwork', 1));
  await api.tx({ kind: 'ops' }, (tx) =>
    putOAuthApp(tx, { ...secret, platform: 'upwork', clientId: added.app.clientId, version: 1 }),
  );
  return { userId, integrationId, added };
}

/** A worker row, a job of the user that it holds, and the lease. */
export async function takeLease(
  database: Pick<TestDatabase, 'asSuperuser'>,
  db: Database,
  { userId }: Pick<Connected, 'userId'>,
) {
  const [workerId, jobId] = [uuidv7(), uuidv7()];
  await database.asSuperuser(`insert into workers (id, hostname, pid, concurrency) values ($1, 'test', 1, 1)`, [
    workerId,
  ]);
  await database.asSuperuser(
    `insert into job_ledger (id, kind, queue, user_id, run_at, state, max_attempts, worker_id, created_at)
     values ($1, 'credential.refresh', 'credentials', $2, now(), 'active', 3, $3, now())`,
    [jobId, userId, workerId],
  );
  const { rows } = await db.query<{ token: string }>('select acquire_lease($1, $2) as token', [jobId, workerId]);
  return { workerId, jobId, leaseToken: rows[0]!.token };
}

/** The access token that a run of this worker would send. */
export async function tokenOf({ deps, job }: RefreshWorker): Promise<string> {
  const credential = await createCredentialAccess(deps, job).current();
  return (credential.reveal() as { access_token: string }).access_token;
}

/** A wall clock that a test moves; the monotonic one is real, so waits stay real. */
export function movableClock(): Clock & { advance(ms: number): void } {
  let ahead = 0;
  return {
    now: () => new Date(Date.now() + ahead),
    mono: () => performance.now(),
    advance: (ms) => void (ahead += ms),
  };
}
