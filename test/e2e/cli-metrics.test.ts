// `tidemark rollup` and `tidemark verify` as an operator types them, with the api's login; the test rolls up what is marked, as a worker
// does.

import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT } from '../architecture/source-files.ts';
import { CHILD_ENV } from '../support/child-env.ts';
import type { Fact } from '../support/metric-facts.ts';
import { createMetricWorld, type MetricWorld } from '../support/metric-world.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { waitFor } from '../support/wait.ts';

const database = await createTestDatabase();
const worker = database.open('tidemark_worker');
const api = database.open('tidemark_api');
const run = promisify(execFile);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function tidemark(...args: readonly string[]): Promise<Ended> {
  const env = { ...CHILD_ENV, DATABASE_URL: database.urlOf('tidemark_api') };
  return await run(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...args], { env }).then(
    (ended) => ({ code: 0, ...ended }),
    (error: Ended) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
  );
}

const order = (key: string, day: string): Fact => ({
  kind: 'order',
  key,
  at: new Date(`${day}T12:00:00Z`),
  endedAt: null,
  cents: 1_001,
  currency: 'USD',
  flag: false,
});

async function withOrders(): Promise<MetricWorld> {
  const world = await createMetricWorld(database, { worker, api });
  await world.put([order('a', '2026-05-01'), order('b', '2026-05-02'), order('c', '2026-05-09')]);
  return world;
}

test('rollup has the known days of everybody in the range computed again, and tells how far it is', async () => {
  const worlds = [await withOrders(), await withOrders()];
  for (const world of worlds) await world.roll();
  await database.asSuperuser('update user_metrics set orders = 7');
  const command = tidemark('rollup', '--from', '2026-05-01', '--to', '2026-05-05');
  await waitFor(
    async () => {
      for (const world of worlds) await world.roll();
      const [left] = await database.asSuperuser<{ count: number }>(
        `select count(*)::int as count from user_metrics where orders = 7 and date <= '2026-05-05'`,
      );
      return left!.count === 0;
    },
    { what: 'the days to be marked', timeoutMs: 30_000 },
  );
  const { code, stdout, stderr } = await command;
  expect({ code, stdout }).toEqual({ code: 0, stdout: '4 days of 2 users marked, 4 rolled up\n' });
  expect(stderr).toContain('days: 4/4 (100 %)');
  const rest = await database.asSuperuser(`select from user_metrics where orders = 7`);
  expect(rest).toHaveLength(2);
  await database.asSuperuser('delete from users');
});

test('verify ends well when all is well, and with 1 when a row was altered by hand, which it names', async () => {
  const world = await withOrders();
  await world.roll();
  await world.seal('2026-05-01');
  expect(await tidemark('verify', '--user', world.userId)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/2026-05-01 +sealed[^]*2 days computed again, 0 differences, 1 sealed, 0 about/),
  });
  await database.asSuperuser(`update user_metrics set orders = 7 where date = '2026-05-02'`);
  const { code, stdout, stderr } = await tidemark('verify', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    users: 1,
    checked: 2,
    waiting: 0,
    sealed: [{ userId: world.userId, day: '2026-05-01' }],
    differences: [{ userId: world.userId, day: '2026-05-02', what: 'orders', stored: '7', computed: '1' }],
  });
  expect(stderr).toContain('metrics.different');
  expect(await tidemark('verify', '--from', '2026-05-03')).toMatchObject({ code: 0 });
});

test.for([
  ['rollup', '--from', '2026-02-30', '--to', '2026-03-01'],
  ['rollup', '--from', '2026-03-02', '--to', '2026-03-01'],
  ['verify', '--from', 'yesterday'],
])('%s %s %s is wrong usage', async (args) => {
  expect(await tidemark(...args)).toMatchObject({ code: 2, stdout: '' });
});
