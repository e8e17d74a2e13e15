// A worker that dies with a code in hand: whatever it did, the code is never sent a second time, and its user learns where he stands.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { ExchangeStep } from '../../src/ops/exchange/held-exchange.ts';
import { createOAuthExchangeHandler } from '../../workers/oauth-exchange.ts';
import { createConnectWorld, type Exchange } from '../support/connect-world.ts';
import type { ExchangeTask } from '../support/fixtures/exchange-worker.ts';
import { NO_STREAM } from '../support/http.ts';

const world = await createConnectWorld();
const { sim, engine } = world;
const handle = createOAuthExchangeHandler(world.exchangeDeps);
const tokenRequests = (): number => sim.journal.countsByOperation()['token'] ?? 0;

beforeEach(() => {
  sim.journal.clear();
  sim.faults.clear();
});

async function received(): Promise<{ readonly userId: string; readonly exchangeId: string }> {
  sim.addAccount();
  const userId = await world.addUser();
  const { exchangeId, authorizeUrl } = await world.begin(userId);
  await world.consent(authorizeUrl);
  return { userId, exchangeId };
}

/** Kills a worker process at a step, as the reaper then finds it; the exchange after another worker had the job. */
async function killedAt(step: ExchangeStep): Promise<Exchange> {
  const { userId, exchangeId } = await received();
  const { jobId, kind, queue, payload, workClass, attempt, takeovers, workerId } = await world.jobOf(
    userId,
    exchangeId,
  );
  const child = fork(path.join(import.meta.dirname, '../support/fixtures/exchange-worker.ts'));
  onTestFinished(() => void child.kill('SIGKILL'));
  const task: ExchangeTask = {
    databaseUrl: engine.address.databaseUrl,
    secretKey: Buffer.from(world.keys.secretKey.reveal()).toString('base64'),
    baseUrl: sim.baseUrl,
    step,
    job: { jobId, kind, queue, payload, userId, workClass, attempt, takeovers, workerId },
  };
  child.send(task);
  expect(await once(child, 'message')).toContain(step);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await engine.asSuperuser(`update workers set status = 'dead' where id = $1`, [workerId]);
  await engine.asSuperuser('select revoke_leases($1)', [workerId]);
  await handle(await world.jobOf(userId, exchangeId));
  return await world.exchange(exchangeId);
}

test('killed between intent and commit, the exchange is in doubt and the code is not sent again', async () => {
  expect(await killedAt('exchanged')).toMatchObject({ status: 'failed', error: { code: 'oauth.exchange_in_doubt' } });
  expect(tokenRequests()).toBe(1);
});

test('killed after the intent and before the request, it is in doubt too, and nothing is sent', async () => {
  expect(await killedAt('announced')).toMatchObject({
    status: 'failed',
    error: { code: 'oauth.exchange_in_doubt', message: expect.stringContaining('Connect again') },
  });
  expect(tokenRequests()).toBe(0);
});

test.for(['stored', 'probed'] as const)('killed when the tokens were %s, another worker finishes', async (step) => {
  expect(await killedAt(step)).toMatchObject({ status: 'done', error: null });
  expect(tokenRequests()).toBe(1);
});

test('a platform that cannot be asked keeps the code for the next attempt', async () => {
  const { userId, exchangeId } = await received();
  const busy = new AppError('platform.rate_limited', 'slow down', { retryAfterMs: 1_000 });
  const closed = createOAuthExchangeHandler({
    ...world.exchangeDeps,
    httpFor: () => ({ ...NO_STREAM, request: () => Promise.reject(busy) }),
  });
  await expect(closed(await world.jobOf(userId, exchangeId))).rejects.toMatchObject({ code: 'platform.rate_limited' });
  expect((await world.exchange(exchangeId)).status).toBe('received');
  await handle(await world.jobOf(userId, exchangeId));
  expect((await world.exchange(exchangeId)).status).toBe('done');
});

test('a platform that is away after the exchange keeps the tokens for the next attempt', async () => {
  const { userId, exchangeId } = await received();
  sim.faults.add({ match: { operationName: 'ReadAccount' }, fault: { kind: 'status', status: 503 }, times: 3 });
  await expect(handle(await world.jobOf(userId, exchangeId))).rejects.toMatchObject({ code: 'platform.unavailable' });
  await handle(await world.jobOf(userId, exchangeId));
  expect((await world.exchange(exchangeId)).status).toBe('done');
  expect(tokenRequests()).toBe(1);
});
