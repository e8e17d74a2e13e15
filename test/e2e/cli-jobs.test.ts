import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test, vi } from 'vitest';
import { ROOT } from '../architecture/source-files.ts';
import { CHILD_ENV } from '../support/child-env.ts';
import { apiQueue } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';

vi.setConfig({ testTimeout: 120_000 });

const run = promisify(execFile);
const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const queue = apiQueue(engine.databases.api, engine.driver);

/** A command as an operator types it, with the api's login; what it answered, or its exit code and complaint. */
async function tidemark(...args: readonly string[]): Promise<unknown> {
  const login = new URL(engine.address.databaseUrl);
  login.username = 'tidemark_api';
  const env = { ...CHILD_ENV, DATABASE_URL: login.href };
  return await run(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...args, '--json'], { env }).then(
    ({ stdout }) => JSON.parse(stdout) as unknown,
    (error: { code: number; stderr: string }) => ({ code: error.code, said: error.stderr }),
  );
}

test('a delayed job is brought forward, a waiting one taken away, old ones cleaned', async () => {
  const enqueue = async (runAt?: Date): Promise<string> => {
    const payload = { integrationId: randomUUID() };
    const at = runAt === undefined ? {} : { runAt };
    return (await queue.enqueue({ kind: 'credential.refresh', payload, userId: null, ...at })).jobId;
  };
  const delayed = await enqueue(new Date(Date.now() + 3_600_000));
  expect(await tidemark('jobs', 'promote', delayed)).toEqual({ id: delayed, promoted: true });
  expect(await queue.get(delayed)).toMatchObject({ state: 'waiting' });
  expect(await tidemark('jobs', 'promote', delayed)).toMatchObject({
    code: 2,
    said: expect.stringContaining('no delayed job') as string,
  });
  expect(await tidemark('jobs', 'remove', delayed)).toEqual({ id: delayed, removed: true });
  expect(await queue.get(delayed)).toBeNull();
  expect(await tidemark('jobs', 'remove', 'nothing')).toMatchObject({ code: 2 });
  const cancelled = await enqueue();
  await queue.cancel(cancelled);
  expect(await tidemark('queues', 'clean', 'maintenance', '--state', 'cancelled')).toEqual({
    queue: 'maintenance',
    cleaned: 0,
  });
  expect(await tidemark('queues', 'clean', 'maintenance', '--state', 'cancelled', '--hours', '0')).toEqual({
    queue: 'maintenance',
    cleaned: 1,
  });
  expect(await tidemark('queues', 'clean', 'maintenance', '--state', 'active')).toMatchObject({ code: 2 });
  expect(await tidemark('queues', 'clean', 'nowhere', '--state', 'dead')).toMatchObject({ code: 2 });
});
