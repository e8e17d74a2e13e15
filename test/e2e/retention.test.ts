// Retention in an installation: postings that a real worker fetched grow old, a worker that erases them is killed, another one
// does the rest, and the next full pass brings them again. With the command line an operator looks and erases.

import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { ROOT } from '../architecture/source-files.ts';
import { CHILD_ENV } from '../support/child-env.ts';
import { createKillWorld, type Account } from '../support/kill-world.ts';
import { ownRows } from '../support/retention-world.ts';
import { startTestScheduler } from '../support/test-scheduler.ts';
import { waitFor } from '../support/wait.ts';

vi.setConfig({ testTimeout: 120_000 });

const POSTINGS = 700;
const PROPOSALS = 20;
const RETENTION = '{"upwork":"24h"}';

const world = await createKillWorld({
  postings: POSTINGS,
  proposals: PROPOSALS,
  settings: { TIDEMARK_RETENTION: RETENTION },
});
const { asSuperuser } = world.database;

/** Postings that proposals and contracts of a user name: his own, whatever their age. */
function ownedBy({ added }: Account): number {
  const { proposals, work } = world.sim.state;
  const named = [...proposals.values(), ...work.contracts.all.values()].filter(
    ({ accountId }) => accountId === added.account.id,
  );
  return new Set(named.map(({ postingId }) => postingId)).size;
}

const run = promisify(execFile);

/** A command as an operator types it, with the api's login; what it answered, or its exit code and complaint. */
async function tidemark(retention: string, ...args: readonly string[]): Promise<unknown> {
  const env = {
    ...CHILD_ENV,
    DATABASE_URL: world.database.urlOf('tidemark_api'),
    TIDEMARK_RETENTION: retention,
  };
  return await run(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...args, '--json'], { env }).then(
    ({ stdout }) => JSON.parse(stdout) as unknown,
    (error: { code: number; stderr: string }) => ({ code: error.code, said: error.stderr }),
  );
}

async function count(account: Account): Promise<number> {
  const [row] = await asSuperuser<{ count: number }>('select count(*)::int as count from jobs where user_id = $1', [
    account.userId,
  ]);
  return row!.count;
}

/** Two days pass for the copies of a user. */
async function age({ userId }: Account): Promise<void> {
  await asSuperuser(`update jobs set updated_at = updated_at - interval '2 days', seen_at = null where user_id = $1`, [
    userId,
  ]);
}

async function cursorOf({ integrationId }: Account): Promise<unknown> {
  const [row] = await asSuperuser(
    `select cursor, coverage::text from integration_streams where integration_id = $1 and stream = 'jobs'`,
    [integrationId],
  );
  return row;
}

const told = (rows: number, dryRun: boolean): unknown => ({
  dryRun,
  limits: { upwork: '24h' },
  rows: [
    { platform: 'upwork', table: 'jobs', rows },
    { platform: 'upwork', table: 'sync_quarantine', rows: 0 },
  ],
  unfinished: 0,
});

test('what a killed worker left is erased by the next one, and a full pass brings it again', async () => {
  const [old, young] = [await world.connect(), await world.connect()];
  const first = world.startWorker();
  await world.settled();
  await first.stop();
  expect([await count(old), await count(young)]).toEqual([POSTINGS, POSTINGS]);
  await age(old);
  await asSuperuser('delete from retention_passes');
  const own = await ownRowsOfUsers();
  const cursor = await cursorOf(old);
  // Before the batch in hand is committed.
  const victim = world.startWorker({ at: { statement: 'with expired as' }, nth: 2, does: 'SIGKILL' });
  // A scheduler that begins now looks for due passes at once.
  const url = new Secret(world.database.urlOf('tidemark_scheduler'));
  const scheduler = await startTestScheduler(world.config, url);
  try {
    expect(await victim.exited).toEqual([null, 'SIGKILL']);
    expect(await count(old)).toBeGreaterThan(ownedBy(old));
    const next = world.startWorker();
    await waitFor(async () => (await count(old)) === ownedBy(old), {
      timeoutMs: 30_000,
      what: 'the rest to be erased',
    });
    await waitFor(async () => (await asSuperuser('select from retention_passes')).length === 2, {
      timeoutMs: 30_000,
      what: 'both users to be passed over',
    });
    expect(await next.stop()).toEqual([0, null]);
  } finally {
    await scheduler.stop();
  }
  expect(await count(young)).toBe(POSTINGS);
  expect(await ownRowsOfUsers()).toEqual(own);
  expect(await cursorOf(old)).toEqual(cursor);
  await asSuperuser(
    `update integration_streams set next_sync_at = now(), last_full_at = now() - interval '2 days'
     where integration_id = $1 and stream = 'jobs'`,
    [old.integrationId],
  );
  const last = world.startWorker();
  await waitFor(async () => (await count(old)) === POSTINGS, { timeoutMs: 30_000, what: 'the postings to come again' });
  await world.settled();
  await last.stop();
});

/** Proposals and profiles: what runs and jobs leave behind changes all the time. */
async function ownRowsOfUsers(): Promise<unknown> {
  const { proposals, upwork_profiles: profiles, contracts, offers, users } = await ownRows(world.database);
  return { proposals, profiles, contracts, offers, users };
}

test('an operator sees what would go, and has it erased', async () => {
  const account = await world.connect();
  const worker = world.startWorker();
  await world.settled();
  // The scheduler finds nothing due meanwhile.
  await asSuperuser('insert into retention_passes values ($1, now()) on conflict do nothing', [account.userId]);
  await age(account);
  expect(await tidemark(RETENTION, 'retention', '--dry-run')).toEqual(told(POSTINGS - ownedBy(account), true));
  expect(await count(account)).toBe(POSTINGS);
  expect(await tidemark('', 'retention')).toEqual({ dryRun: false, limits: {}, rows: [], unfinished: 0 });
  expect(await count(account)).toBe(POSTINGS);
  expect(await tidemark(RETENTION, 'retention')).toEqual(told(POSTINGS - ownedBy(account), false));
  expect(await count(account)).toBe(ownedBy(account));
  expect(await tidemark(RETENTION, 'retention', '--dry-run')).toEqual(told(0, true));
  await worker.stop();
});

test('a limit that is none is refused before anything happens', async () => {
  expect(await tidemark('{"upwork":"soon"}', 'retention')).toEqual({
    code: 2,
    said: expect.stringContaining('upwork: expected 1m to 3650d') as string,
  });
});
