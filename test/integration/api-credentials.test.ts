// Credentials from the moment they are sent to the API until a worker uses them, and everywhere they must not turn up.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { upwork } from '../../src/connectors/upwork/index.ts';
import { systemClock } from '../../src/core/clock.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { SECOND_MS } from '../../src/core/duration.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { generateKeyPair } from '../../src/vault/key-ring.ts';
import { createCredentialTestHandler } from '../../workers/credential-test.ts';
import type { JobContext } from '../../queues/port.ts';
import { harnessOn } from '../conformance/queue/harness.ts';
import { createUpworkSimulator, type UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { apiQueue, openApi } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { vaultOf } from '../support/refresh-vault.ts';
import { createRecordingLog } from '../support/scheduling.ts';
import { upworkHttp } from '../support/upwork.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const { api: db, worker } = engine.databases;
const queue = apiQueue(db, engine.driver);
const { sealer, vault } = vaultOf(generateKeyPair());
const log = createRecordingLog();
// The api knows the public key only; with the other one the worker opens what it sealed.
const call = await openApi(db, queue, {
  whenOver: afterAll,
  log,
  deps: { sealer: () => Promise.resolve(sealer), log },
});

const CANARY = 'canary-5up3r-53cr3t';
const fake = { access_token: CANARY, refresh_token: CANARY, expires_at: '2099-01-01T00:00:00Z' };

let sim: UpworkSimulator;

beforeEach(async () => {
  sim = createUpworkSimulator();
  await sim.start();
  onTestFinished(() => sim.stop());
});

async function connect(credentials: unknown, over: object = {}): Promise<string> {
  const user = await call('POST', '/v1/users', { email: `${randomUUID()}@example.com`, name: 'Ada' });
  const added = await call('POST', '/v1/integrations', {
    userId: user.body['id'],
    platform: 'upwork',
    credentials,
    ...over,
  });
  expect(added.status).toBe(201);
  return added.body['id'] as string;
}

/** A worker that holds the secret key and knows one kind of job. */
async function work(): Promise<void> {
  const handle = createCredentialTestHandler({
    db: worker,
    vault,
    clock: systemClock,
    log: silentLog,
    egressId: 'test',
    connectors: new Map([['upwork', upwork]]),
    httpFor: () => upworkHttp(sim),
  });
  const workerId = uuidv7();
  await engine.asSuperuser(`insert into workers (id, hostname, pid, concurrency) values ($1, 'test', 1, 5)`, [
    workerId,
  ]);
  await harnessOn(engine).consume((job) => handle(job as JobContext<'credential.test'>), { workerId });
}

describe('a test', () => {
  test('proves the credentials and notes whose they are', async () => {
    const { account, credentials } = sim.addAccount();
    const id = await connect(credentials);
    await work();
    const { status, body } = await call('POST', `/v1/integrations/${id}/test`);
    expect([status, body]).toMatchObject([
      200,
      { outcome: 'ok', account: { externalAccountId: account.id }, error: null },
    ]);
    expect((await call('GET', `/v1/integrations/${id}`)).body).toMatchObject({
      externalAccountId: account.id,
      displayName: (body['account'] as { displayName: string }).displayName,
    });
  });

  test('connects an account that failed before, and leaves the name that a person gave', async () => {
    const id = await connect(sim.addAccount().credentials, { displayName: 'Ada’s agency' });
    await engine.asSuperuser(`update integrations set status = 'error', status_code = 'x' where id = $1`, [id]);
    await work();
    expect((await call('POST', `/v1/integrations/${id}/test`)).body).toMatchObject({ outcome: 'ok' });
    expect((await call('GET', `/v1/integrations/${id}`)).body).toMatchObject({
      displayName: 'Ada’s agency',
      status: 'connected',
      statusCode: null,
    });
  });

  test('of credentials that the platform refuses is an answer, and quotes none of them', async () => {
    const id = await connect(fake);
    await work();
    const { status, body } = await call('POST', `/v1/integrations/${id}/test`);
    expect([status, body]).toMatchObject([200, { outcome: 'refused', account: null, error: { kind: 'config' } }]);
    expect(JSON.stringify(body)).not.toContain(CANARY);
    expect((await call('GET', `/v1/jobs/${body['jobId'] as string}`)).body).toMatchObject({ state: 'completed' });
    const { credentials } = sim.addAccount();
    await call('PUT', `/v1/integrations/${id}/credentials`, { credentials });
    expect((await call('POST', `/v1/integrations/${id}/test`)).body).toMatchObject({ outcome: 'ok' });
  });

  test('that no worker does in time is answered with its job, which goes on', async () => {
    let mono = 0;
    const hurried = { ...systemClock, mono: () => (mono += 4 * SECOND_MS) };
    const impatient = await openApi(db, queue, { deps: { clock: hurried } });
    const id = await connect(sim.addAccount().credentials);
    const { body } = await impatient('POST', `/v1/integrations/${id}/test`);
    expect(body).toMatchObject({ outcome: 'unfinished', account: null, error: null });
    await work();
    const again = await call('POST', `/v1/integrations/${id}/test`);
    expect(again.body).toMatchObject({ outcome: 'ok' });
  });

  test('two accounts of one user that turn out to be the same one both keep their state', async () => {
    const { account, credentials } = sim.addAccount();
    const first = await connect(credentials);
    const { body } = await call('GET', `/v1/integrations/${first}`);
    const second = await call('POST', '/v1/integrations', { userId: body['userId'], platform: 'upwork', credentials });
    await work();
    for (const id of [first, second.body['id'] as string])
      expect((await call('POST', `/v1/integrations/${id}/test`)).body).toMatchObject({ outcome: 'ok' });
    expect((await call('GET', `/v1/integrations/${first}`)).body).toMatchObject({ externalAccountId: account.id });
    expect((await call('GET', `/v1/integrations/${second.body['id'] as string}`)).body).toMatchObject({
      externalAccountId: null,
    });
  });
});

describe('a credential turns up', () => {
  test.for([
    ['an unknown member’s value', { ...fake, extra: CANARY }],
    ['an unknown member’s name', { ...fake, [CANARY]: 'x' }],
    ['a member of another type', { ...fake, access_token: [CANARY] }],
    ['an instant', { ...fake, expires_at: CANARY }],
    ['a text', CANARY],
    ['a list', [CANARY]],
  ] as const)('in no answer when it is %s', async ([, credentials]) => {
    const user = await call('POST', '/v1/users', { email: `${randomUUID()}@example.com`, name: 'Ada' });
    const id = await connect(sim.addAccount().credentials);
    const body = { userId: user.body['id'], platform: 'upwork', credentials };
    for (const answer of [
      await call('POST', '/v1/integrations', body, { 'idempotency-key': randomUUID() }),
      await call('PUT', `/v1/integrations/${id}/credentials`, { credentials }),
    ]) {
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.body)).not.toContain(CANARY);
    }
  });

  test('in no answer when the JSON around it is broken', async () => {
    for (const text of [`{"credentials": {"access_token": "${CANARY}"`, `{"credentials": ${CANARY}}`, CANARY]) {
      const answer = await call('POST', '/v1/integrations', text);
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.body)).not.toContain(CANARY);
    }
  });

  test('in no row of any table, and in no line of the log', async () => {
    const id = await connect(fake);
    await call('PUT', `/v1/integrations/${id}/credentials`, { credentials: fake });
    await call('PUT', `/v1/integrations/${randomUUID()}/credentials`, { credentials: fake });
    const tables = await engine.asSuperuser<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    expect(tables.length).toBeGreaterThan(20);
    const traces = [CANARY, Buffer.from(CANARY).toString('hex'), Buffer.from(CANARY).toString('base64')];
    for (const { name } of tables) {
      const rows = await engine.asSuperuser<{ row: string }>(`select t::text as row from ${name} t`);
      expect(rows.filter(({ row }) => traces.some((trace) => row.includes(trace)))).toEqual([]);
    }
    expect(JSON.stringify(log.events)).not.toContain(CANARY);
  });
});
