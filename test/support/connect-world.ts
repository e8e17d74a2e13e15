// An installation that accounts are connected to by consent: the API on a port that browsers reach, a worker with the secret key,
// and a simulated Upwork whose person consents at once.

import { afterAll, expect } from 'vitest';
import type { JobContext } from '../../queues/port.ts';
import type { AnyConnector } from '../../src/connectors/contract/connector.ts';
import { upwork } from '../../src/connectors/upwork/index.ts';
import { systemClock } from '../../src/core/clock.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { Secret } from '../../src/core/secret.ts';
import type { ExchangeDeps } from '../../src/ops/exchange/held-exchange.ts';
import { putOAuthApp } from '../../src/store/oauth-apps.ts';
import { addUser } from '../../src/store/users.ts';
import { oauthAppContext } from '../../src/sync/credential-vault.ts';
import { generateKeyPair } from '../../src/vault/key-ring.ts';
import { createOAuthExchangeHandler } from '../../workers/oauth-exchange.ts';
import { harnessOn } from '../conformance/queue/harness.ts';
import { createUpworkSimulator, type UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { officialSchema } from '../simulators/upwork/validate.ts';
import { sharedFile } from '../simulators/shared-folder.ts';
import { apiQueue, openApi, type ApiCaller } from './api-client.ts';
import { openPgBoss, type OpenEngine } from './engines-under-test.ts';
import { freePort } from './free-port.ts';
import { takeLease } from './refresh-world.ts';
import { vaultOf } from './refresh-vault.ts';
import { createRecordingLog, type RecordingLog } from './scheduling.ts';
import { upworkHttp } from './upwork.ts';
import { waitFor } from './wait.ts';

export interface Exchange {
  readonly id: string;
  readonly status: string;
  readonly integrationId: string | null;
  readonly organizations: readonly { readonly id: string; readonly title: string }[];
  readonly missingScopes: readonly { readonly stream: string }[] | null;
  readonly account: { readonly externalAccountId: string } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface Begun {
  readonly exchangeId: string;
  readonly authorizeUrl: string;
}

export interface ConnectWorld {
  readonly engine: OpenEngine;
  readonly sim: UpworkSimulator;
  readonly call: ApiCaller;
  readonly log: RecordingLog;
  readonly keys: ReturnType<typeof generateKeyPair>;
  readonly exchangeDeps: ExchangeDeps;
  addUser(): Promise<string>;
  begin(userId: string, over?: object): Promise<Begun>;
  /** What a browser does with the address: it asks the platform, and follows it back; the page it ends at. */
  consent(authorizeUrl: string): Promise<Response>;
  /** The platform's answer alone: the address that the browser is sent back to. */
  addressBack(authorizeUrl: string): Promise<URL>;
  /** A worker that knows this kind of job, until the test ends. */
  work(deps?: Partial<ExchangeDeps>): Promise<void>;
  exchange(id: string): Promise<Exchange>;
  until(id: string, ...statuses: readonly string[]): Promise<Exchange>;
  /** A job of the user in the hands of a worker of its own, which nobody claims from the engine. */
  jobOf(userId: string, exchangeId: string): Promise<JobContext<'oauth.exchange'>>;
  /** From nothing to an integration; its id. */
  connect(userId: string): Promise<string>;
}

const SDL = sharedFile('specs/upwork/upwork.graphql');

/** Call it at the top of a file. */
export async function createConnectWorld(connector: AnyConnector = upwork): Promise<ConnectWorld> {
  const engine = await openPgBoss();
  const { api: db, worker } = engine.databases;
  const keys = generateKeyPair();
  const { sealer, vault } = vaultOf(keys);
  const sim = createUpworkSimulator({ official: SDL === undefined ? undefined : officialSchema(SDL) });
  await sim.start();
  afterAll(() => sim.stop());
  afterAll(() => engine.driver.stop());
  const log = createRecordingLog();
  const port = await freePort();
  const call = await openApi(db, apiQueue(db, engine.driver), {
    whenOver: afterAll,
    log,
    port,
    deps: {
      sealer: () => Promise.resolve(sealer),
      connectorOf: () => connector,
      log,
      publicUrl: `http://127.0.0.1:${port}`,
      baseUrls: { upwork: sim.baseUrl },
    },
  });
  const { clientId, clientSecret } = sim.oauth.app;
  const app = sealer.seal(new Secret(clientSecret), oauthAppContext('upwork', 1));
  await db.tx({ kind: 'ops' }, (tx) => putOAuthApp(tx, { ...app, platform: 'upwork', clientId, version: 1 }));
  const exchangeDeps: ExchangeDeps = {
    db: worker,
    vault,
    sealer,
    clock: systemClock,
    log,
    egressId: 'test',
    connectors: new Map([['upwork', connector]]),
    httpFor: () => upworkHttp(sim),
  };
  const world: ConnectWorld = {
    engine,
    sim,
    call,
    log,
    keys,
    exchangeDeps,
    async addUser() {
      const email = `${uuidv7()}@example.test`;
      return (await db.tx({ kind: 'ops' }, (tx) => addUser(tx, { email, name: 'Ada' }))).id;
    },
    async begin(userId, over = {}) {
      const { status, body } = await call('POST', '/v1/oauth/exchanges', { userId, platform: 'upwork', ...over });
      expect([status, body]).toMatchObject([201, {}]);
      return body as unknown as Begun;
    },
    async addressBack(authorizeUrl) {
      const response = await fetch(authorizeUrl, { redirect: 'manual' });
      expect([response.status, await response.text()]).toMatchObject([302, '']);
      return new URL(response.headers.get('location') ?? '');
    },
    consent: async (authorizeUrl) => await fetch(await world.addressBack(authorizeUrl)),
    async work(deps = {}) {
      const handle = createOAuthExchangeHandler({ ...exchangeDeps, ...deps });
      const workerId = uuidv7();
      await engine.asSuperuser(`insert into workers (id, hostname, pid, concurrency) values ($1, 'test', 1, 5)`, [
        workerId,
      ]);
      await harnessOn(engine).consume((job) => handle(job as JobContext<'oauth.exchange'>), { workerId });
    },
    async exchange(id) {
      const { status, body } = await call('GET', `/v1/oauth/exchanges/${id}`);
      expect(status, JSON.stringify(body)).toBe(200);
      return body as unknown as Exchange;
    },
    until: (id, ...statuses) =>
      waitFor(
        async () => {
          const found = await world.exchange(id);
          return statuses.includes(found.status) && found;
        },
        { what: `the exchange to be ${statuses.join(' or ')}` },
      ),
    async jobOf(userId, exchangeId) {
      const { workerId, jobId } = await takeLease(engine, worker, { userId });
      await engine.asSuperuser('select revoke_leases($1)', [workerId]);
      const signal = new AbortController().signal;
      return {
        jobId,
        kind: 'oauth.exchange',
        queue: 'maintenance',
        payload: { exchangeId },
        userId,
        workClass: 'interactive',
        attempt: 1,
        takeovers: 0,
        workerId,
        signal,
        draining: signal,
        log,
        progress: () => undefined,
      };
    },
    async connect(userId) {
      const { exchangeId, authorizeUrl } = await world.begin(userId);
      await world.consent(authorizeUrl);
      const { integrationId, error } = await world.until(exchangeId, 'done', 'failed');
      expect(error).toBeNull();
      return integrationId!;
    },
  };
  return world;
}
