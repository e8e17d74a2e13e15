// The engine on a Redis cluster and behind a sentinel: every script keeps to one slot, whatever the queues it is about.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createBullMqDriver } from '../../queues/drivers/bullmq/driver.ts';
import type { EngineDriver } from '../../queues/driver.ts';
import { Secret } from '../../src/core/secret.ts';
import { eventRecorder, waitFor } from '../support/wait.ts';
import { derivedJob, engineJob, TEST_OUTPUT as output, TEST_QUEUE } from '../support/engine-jobs.ts';
import { freePort } from '../support/free-port.ts';
import { hasRedisServer, NEEDS_REDIS_SERVER, startRedis, startRedisCluster } from '../support/redis.ts';

const missing = hasRedisServer() ? '' : ` (${NEEDS_REDIS_SERVER})`;
const WORKER = 'worker-1';

async function startDriver(url: Secret): Promise<EngineDriver> {
  const driver = createBullMqDriver({ url, log: eventRecorder() });
  onTestFinished(() => driver.stop());
  await driver.start();
  return driver;
}

/** Every verb once, over several queues. */
async function runVerbs(driver: EngineDriver): Promise<void> {
  const [first, second, third, fourth] = [engineJob(), engineJob({ queue: 'webhooks' }), engineJob(), engineJob()];
  const derived = derivedJob('k');
  await driver.add([first, second, third, { ...fourth, runAt: new Date(Date.now() + 60_000) }, derived]);
  expect(await driver.add([derivedJob('k')])).toEqual([derived.id]);
  const queues = [TEST_QUEUE, 'webhooks', 'metrics'].map((name) => ({ name, limit: 5 }));
  const held = await driver.claim({ workerId: WORKER, queues, limit: 10 });
  expect(held).toHaveLength(4);
  expect(await driver.heldBy([WORKER], 10)).toHaveLength(4);
  const tokenOf = (id: string): string => held.find((claim) => claim.id === id)!.token;
  const settlement = { job: derived, token: tokenOf(derived.id), state: 'completed', output } as const;
  const { settled } = await driver.exchange([settlement], { workerId: WORKER, queues, limit: 1 });
  expect(settled).toEqual(new Set([derived.id]));
  await driver.complete([{ job: first, token: tokenOf(first.id), state: 'cancelled', output }]);
  await driver.bury([{ job: second, token: tokenOf(second.id), output }]);
  await driver.putBack([{ job: third, token: tokenOf(third.id), runAt: new Date() }]);
  expect(await driver.missing([third, fourth, first])).toEqual([first.id]);
  expect(await driver.counts(TEST_QUEUE)).toMatchObject({ waiting: 1, delayed: 1, active: 0, cancelled: 1 });
  expect(await driver.get(second.id)).toMatchObject({ state: 'failed', queue: 'webhooks' });
  const states = ['waiting', 'delayed', 'cancelled'] as const;
  expect(await driver.list({ queues: [TEST_QUEUE], states, limit: 10 })).toHaveLength(3);
  expect(await driver.remove([third, { id: second.id, queue: 'webhooks-dead' }])).toHaveLength(2);
  expect(await driver.epoch()).toBe(await driver.epoch());
  await driver.maintain(new AbortController().signal);
}

async function expectWakes(driver: EngineDriver): Promise<void> {
  await waitFor(() => driver.capabilities.wakes, { what: 'the subscription' });
  const heard: string[] = [];
  driver.onWake((reason) => void heard.push(reason));
  await driver.wake('admission');
  await driver.add([engineJob()]);
  await waitFor(() => heard.includes('admission') && heard.includes('jobs'), { what: 'hints' });
}

describe.skipIf(missing !== '')(`BullMQ engine on many servers${missing}`, () => {
  test('a cluster of three nodes runs every verb, and each of its nodes is looked at', async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.stop());
    const driver = await startDriver(cluster.url);
    await runVerbs(driver);
    await expectWakes(driver);
    const sizes = await Promise.all(cluster.nodes.map(async (node) => Number(await node.do('dbsize'))));
    expect(sizes.filter((size) => size > 0)).toHaveLength(1);
    await driver.rebuild();
    await expectWakes(driver);
    await cluster.nodes[2]!.do('config', 'set', 'maxmemory-policy', 'allkeys-random');
    await expect(startDriver(cluster.url)).rejects.toMatchObject({
      message: expect.stringContaining('allkeys-random'),
    });
  });

  test('commands to a cluster whose node is gone fail, and work again when it is back', async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.stop());
    const driver = await startDriver(cluster.url);
    await driver.add([engineJob()]);
    const sizes = await Promise.all(cluster.nodes.map(async (node) => Number(await node.do('dbsize'))));
    const home = cluster.nodes[sizes.findIndex((size) => size > 0)]!;
    await home.end('SIGKILL');
    await expect(driver.add([engineJob()])).rejects.toMatchObject({ code: 'queue.engine_failed' });
    await home.again();
    const added = engineJob();
    await waitFor(() => driver.add([added]), { what: 'the cluster', timeoutMs: 20_000 });
    expect(await driver.missing([added])).toEqual([]);
  }, 90_000);

  test('a sentinel tells where Redis is', async () => {
    const redis = await startRedis();
    const folder = await mkdtemp(path.join(tmpdir(), 'tm-sentinel-'));
    const [port, file] = [await freePort(), path.join(folder, 'sentinel.conf')];
    await writeFile(
      file,
      `port ${port}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor main 127.0.0.1 ${redis.port} 1\n`,
    );
    const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
    onTestFinished(async () => {
      const exited = once(sentinel, 'exit');
      sentinel.kill('SIGKILL');
      await exited;
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    });
    const url = new Secret(`redis-sentinel://127.0.0.1:${port}/main`);
    const driver = await waitFor(() => startDriver(url), { what: 'the sentinel' });
    await runVerbs(driver);
    await expectWakes(driver);
  });
});
