// A `sync.run` job of one user whose payload names a run of another: whatever becomes of the job, that run goes on as if the
// job had never been, and the job is answered like one that names a run which never existed.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { SCOPES } from '../../src/core/scopes.ts';
import { insertApiToken } from '../../src/store/api-tokens.ts';
import { createToken, hashToken } from '../../src/vault/token.ts';
import { apiQueue, callerOf, openApi, type ApiCaller } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { openProducer } from '../support/producer.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const db = engine.databases.api;
const queue = apiQueue(db, engine.driver);
const operator = await openApi(db, queue, { whenOver: afterAll });
const producer = await openProducer(engine.address.databaseUrl, engine.asSuperuser);

interface Tenant {
  readonly userId: string;
  readonly call: ApiCaller;
}

async function openTenant(): Promise<Tenant> {
  const made = await operator('POST', '/v1/users', { email: `${randomUUID()}@example.test`, name: 'N' });
  const userId = made.body['id'] as string;
  const token = createToken().reveal();
  await insertApiToken(db, { name: 'own', userId, tokenHash: hashToken(token), scopes: [...SCOPES], expiresAt: null });
  return { userId, call: callerOf(operator.address, token) };
}

const forger = await openTenant();
const owner = await openTenant();
let runId: string;

/** A queued run of the owner. */
beforeEach(async () => {
  const { body: account } = await owner.call('POST', '/v1/integrations', {
    userId: owner.userId,
    platform: 'upwork',
    credentials: { access_token: 'a', refresh_token: 'r', expires_at: '2099-01-01T00:00:00Z' },
    settings: {},
  });
  const synced = await owner.call('POST', `/v1/integrations/${account['id'] as string}/sync`, { stream: 'jobs' });
  runId = (synced.body['runs'] as { readonly runId: string }[])[0]!.runId;
});

async function byApi(named: string): Promise<string> {
  const job = await forger.call('POST', '/v1/jobs', { kind: 'sync.run', payload: { runId: named } });
  return job.body['jobId'] as string;
}
const bySql = (named: string) => producer.call('sync.run', { runId: named }, { user_id: forger.userId });
const doors = [
  ['the API', byApi],
  ['SQL', bySql],
] as const;

/** What the owner sees of his runs, newest first. */
async function runsOfOwner(): Promise<readonly unknown[]> {
  return (await owner.call('GET', '/v1/runs')).body['items'] as unknown[];
}

async function die(jobId: string): Promise<void> {
  await engine.asSuperuser(
    `update job_ledger set state = 'dead', settled_at = now(), last_error = '{"code": "internal"}' where id = $1`,
    [jobId],
  );
}

test.each(doors)('cancelled, it ends no run of another (by %s)', async (_door, forge) => {
  const before = await runsOfOwner();
  const [theirs, nobodys] = [await forge(runId), await forge(randomUUID())];
  const answers = [];
  for (const jobId of [theirs, nobodys]) answers.push((await forger.call('POST', `/v1/jobs/${jobId}/cancel`)).body);
  expect(answers).toEqual([{ changed: true }, { changed: true }]);
  expect(await runsOfOwner()).toEqual(before);
});

test.each(doors)('taken away by an operator, it ends no run of another (by %s)', async (_door, forge) => {
  const jobId = await forge(runId);
  const before = await runsOfOwner();
  expect(await queue.remove(jobId)).toBe(true);
  expect(await runsOfOwner()).toEqual(before);
});

for (const state of ['queued', 'cancelled'])
  test.each(doors)(
    `dead and tried again, it says nothing of a ${state} run and begins none (by %s)`,
    async (_door, forge) => {
      if (state === 'cancelled') await owner.call('POST', `/v1/runs/${runId}/cancel`);
      const before = await runsOfOwner();
      expect(before[0]).toMatchObject({ id: runId, status: state });
      const answers = [];
      for (const named of [runId, randomUUID()]) {
        const jobId = await forge(named);
        await die(jobId);
        const { status, body } = await forger.call('POST', `/v1/jobs/${jobId}/retry`);
        answers.push({ status, body: JSON.stringify(body).replaceAll(jobId, '<id>') });
      }
      expect(answers[0]).toEqual(answers[1]);
      expect(await runsOfOwner()).toEqual(before);
    },
  );

test('cancelled, one by SQL that names no run at all is gone like any other', async () => {
  for (const payload of [{ runId: 'x' }, {}]) {
    const jobId = await producer.call('sync.run', payload, { user_id: forger.userId });
    expect((await forger.call('POST', `/v1/jobs/${jobId}/cancel`)).body).toEqual({ changed: true });
  }
});

test('the job of the run itself still ends it', async () => {
  const [job] = await queue.list({ payload: { runId } });
  expect((await owner.call('POST', `/v1/jobs/${job!.id}/cancel`)).body).toEqual({ changed: true });
  expect((await owner.call('GET', `/v1/runs/${runId}`)).body).toMatchObject({ status: 'cancelled' });
});
