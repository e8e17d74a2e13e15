import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { deferred } from '../../src/core/async.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Database } from '../../src/db/database.ts';
import { createCredentialAccess } from '../../src/sync/credential-access.ts';
import { refreshCredential } from '../../src/sync/refresh.ts';
import type { UpworkSimulator } from '../simulators/upwork/simulator.ts';
import {
  createRefreshWorld,
  movableClock,
  startPlatform,
  takeLease,
  tokenOf,
  type Connected,
  type RefreshWorld,
} from '../support/refresh-world.ts';
import type { RefreshWorkerAnswer, RefreshWorkerTask } from '../support/fixtures/refresh-worker.ts';

const STRICT = { strictSingleUse: true };
const TOKEN = { operation: 'token' } as const;
const HOUR_MS = 3_600_000;

let world: RefreshWorld;

beforeAll(async () => {
  world = await createRefreshWorld();
});

const asked = (sim: UpworkSimulator): number => sim.journal.countsByOperation()['token'] ?? 0;

/** True when the platform still takes this token. */
const isAlive = (sim: UpworkSimulator, token: string): boolean => sim.oauth.accountOf(token) !== undefined;

/** A child process that asks for the account's token; its answer comes when it has one. */
async function child(
  sim: UpworkSimulator,
  to: Connected,
): Promise<{ process: ChildProcess; workerId: string; answer: Promise<RefreshWorkerAnswer> }> {
  const { workerId, leaseToken } = await takeLease(world.database, world.database.open('tidemark_worker', 1), to);
  const script = new URL('../support/fixtures/refresh-worker.ts', import.meta.url);
  const forked = fork(script, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  onTestFinished(() => void forked.kill('SIGKILL'));
  const answer = once(forked, 'message').then(([message]) => message as RefreshWorkerAnswer);
  const task: RefreshWorkerTask = {
    databaseUrl: world.database.urlOf('tidemark_worker'),
    secretKey: Buffer.from(world.keys.secretKey.reveal()).toString('base64'),
    baseUrl: sim.baseUrl,
    integrationId: to.integrationId,
    leaseToken,
    workerId,
  };
  forked.send(task);
  return { process: forked, workerId, answer };
}

/** Kills a worker process after the platform has rotated and before anything was stored; the reaper then finds it. */
async function crashInBetween(sim: UpworkSimulator, to: Connected): Promise<void> {
  sim.traps.slowTokenMs = 60_000;
  const { process, workerId } = await child(sim, to);
  await expect.poll(() => sim.oauth.refreshes, { timeout: 20_000 }).toBe(1);
  const exited = once(process, 'exit');
  process.kill('SIGKILL');
  await exited;
  sim.traps.slowTokenMs = 0;
  await world.reap(workerId);
}

/** The same database; `onTx` may turn the outcome of a transaction into another one. */
function watched(db: Database, onTx: <T>(result: Promise<T>) => Promise<T>): Database {
  return {
    role: db.role,
    query: db.query.bind(db),
    close: () => db.close(),
    tx: (scope, work) => onTx(db.tx(scope, work)),
  };
}

describe('many workers, one grant', () => {
  test('20 workers need a token at once and the endpoint is slower than any lock: one refresh, all get it', async () => {
    const sim = await startPlatform({ tokens: STRICT, traps: { slowTokenMs: 2_500 } });
    const to = await world.connect(sim);
    const workers = await Promise.all(
      Array.from({ length: 20 }, () => world.worker(sim, to, { db: world.database.open('tidemark_worker', 1) })),
    );
    const tokens = await Promise.all(workers.map(tokenOf));
    expect(asked(sim)).toBe(1);
    expect(new Set(tokens).size).toBe(1);
    expect(isAlive(sim, tokens[0]!)).toBe(true);
    expect(await world.credential(to)).toEqual({ version: 2, refresh_intent_version: null, refresh_failed_at: null });
  });

  test('two processes share one refresh', async () => {
    const sim = await startPlatform({ tokens: STRICT, traps: { slowTokenMs: 1_500 } });
    const to = await world.connect(sim);
    const children = await Promise.all([child(sim, to), child(sim, to)]);
    const answers = await Promise.all(children.map(({ answer }) => answer));
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]).toHaveProperty('token');
    expect(asked(sim)).toBe(1);
  });

  test('requests of one run that are refused with the same token ask for one renewal', async () => {
    const sim = await startPlatform({ tokens: STRICT });
    const to = await world.connect(sim, 20 * HOUR_MS);
    const { deps, job } = await world.worker(sim, to);
    const access = createCredentialAccess(deps, job);
    const rejected = await access.current();
    const renewed = await Promise.all([access.renew(rejected), access.renew(rejected), access.renew(rejected)]);
    expect(new Set(renewed).size).toBe(1);
    expect(asked(sim)).toBe(1);
  });

  test('a token that is refused right after its refresh is not refreshed again', async () => {
    const sim = await startPlatform();
    const { deps, job } = await world.worker(sim, await world.connect(sim, 20 * HOUR_MS));
    const access = createCredentialAccess(deps, job);
    const renewed = await access.renew(await access.current());
    await expect(access.renew(renewed)).rejects.toMatchObject({ code: 'platform.unauthorized' });
    expect(asked(sim)).toBe(1);
  });
});

describe('a crash between rotation and commit', () => {
  test('on a strict platform says "rotation in doubt: reconnect", and keeps saying it', async () => {
    const sim = await startPlatform({ tokens: STRICT });
    const to = await world.connect(sim);
    await crashInBetween(sim, to);
    const next = await world.worker(sim, to);
    const inDoubt = { code: 'credential.rotation_in_doubt', message: expect.stringContaining('reconnect') };
    await expect(tokenOf(next)).rejects.toMatchObject(inDoubt);
    expect(next.events).toContainEqual(expect.objectContaining({ event: 'credential.rotation_in_doubt' }));
    await world.passCooldown(to);
    await expect(tokenOf(await world.worker(sim, to))).rejects.toMatchObject(inDoubt);
  });

  test('heals with the old token while the platform honours it', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim);
    await crashInBetween(sim, to);
    expect(isAlive(sim, await tokenOf(await world.worker(sim, to)))).toBe(true);
    expect(await world.credential(to)).toMatchObject({ version: 2, refresh_intent_version: null });
  });

  test('a failure that came later does not clear the doubt', async () => {
    const sim = await startPlatform({ tokens: STRICT });
    const to = await world.connect(sim);
    await crashInBetween(sim, to);
    sim.faults.add({ match: TOKEN, fault: { kind: 'status', status: 429 } });
    await expect(tokenOf(await world.worker(sim, to))).rejects.toMatchObject({ code: 'platform.rate_limited' });
    await expect(tokenOf(await world.worker(sim, to))).rejects.toMatchObject({ code: 'credential.rotation_in_doubt' });
  });
});

describe('what the token endpoint answers', () => {
  test('an answer without refresh_token keeps the old one', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim);
    sim.faults.add({
      match: TOKEN,
      fault: { kind: 'garbage-page', garble: (body) => ({ ...(body as object), refresh_token: undefined }) },
    });
    const { deps, job } = await world.worker(sim, to);
    const credential = await createCredentialAccess(deps, job).current();
    expect(credential.reveal()).toMatchObject({ refresh_token: to.added.tokens.refreshToken });
    expect(credential.reveal()).not.toMatchObject({ access_token: to.added.tokens.accessToken });
  });

  test('a dead grant says so and is asked once per run', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim);
    sim.oauth.revoke(to.added.account.id);
    const { deps, job } = await world.worker(sim, to);
    const access = createCredentialAccess(deps, job);
    for (let request = 0; request < 3; request++) {
      await expect(access.current()).rejects.toMatchObject({ code: 'credential.grant_dead', kind: 'auth' });
      await world.passCooldown(to);
    }
    expect(asked(sim)).toBe(1);
    expect(await world.credential(to)).toMatchObject({ version: 1, refresh_intent_version: null });
  });

  test('a connection that never came about leaves the token unspent and nothing in doubt', async () => {
    const sim = await startPlatform({ tokens: STRICT });
    const to = await world.connect(sim);
    const port = Number(new URL(sim.baseUrl).port);
    const worker = await world.worker(sim, to);
    await sim.stop();
    await expect(tokenOf(worker)).rejects.toMatchObject({ code: 'http.unavailable' });
    expect(await world.credential(to)).toMatchObject({ refresh_intent_version: null });
    await sim.start(port);
    await world.passCooldown(to);
    expect(isAlive(sim, await tokenOf(worker))).toBe(true);
  });

  test('an answer lost on the wire is in doubt and heals while the old token is honoured', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim);
    sim.faults.add({ match: TOKEN, fault: { kind: 'reset-after-processing' } });
    await expect(tokenOf(await world.worker(sim, to))).rejects.toMatchObject({ code: 'http.unavailable' });
    expect(await world.credential(to)).toMatchObject({ version: 1, refresh_intent_version: 1 });
    await world.passCooldown(to);
    expect(isAlive(sim, await tokenOf(await world.worker(sim, to)))).toBe(true);
    expect(await world.credential(to)).toMatchObject({ version: 2, refresh_intent_version: null });
  });

  test('a broken account is asked once in 30 seconds, by whomever', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim);
    sim.faults.add({ match: TOKEN, times: Infinity, fault: { kind: 'status', status: 503 } });
    const workers = await Promise.all(Array.from({ length: 8 }, () => world.worker(sim, to)));
    const outcomes = await Promise.allSettled(workers.map(tokenOf));
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(asked(sim)).toBe(1);
    const pause = await tokenOf(workers[0]!).catch((error: unknown) => error as AppError);
    expect(pause).toMatchObject({ code: 'platform.unavailable', kind: 'transient' });
    expect((pause as AppError).retryAfterMs).toBeGreaterThan(0);
    await world.passCooldown(to);
    await tokenOf(workers[0]!).catch(() => undefined);
    expect(asked(sim)).toBe(2);
  });
});

describe('a run and its token', () => {
  test('a token that ends inside a long run is refreshed at the next request', async () => {
    const sim = await startPlatform({ tokens: STRICT });
    const clock = movableClock();
    const { deps, job } = await world.worker(sim, await world.connect(sim, 20 * HOUR_MS), { clock });
    const access = createCredentialAccess(deps, job);
    const first = await access.current();
    clock.advance(20 * HOUR_MS + 1);
    const [second, third] = await Promise.all([access.current(), access.current()]);
    expect(second).toBe(third);
    expect(second).not.toBe(first);
    expect(asked(sim)).toBe(1);
  });

  test('a refresh ahead of time that fails leaves the living token in use', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim, HOUR_MS);
    sim.faults.add({ match: TOKEN, times: Infinity, fault: { kind: 'status', status: 503 } });
    const { deps, job } = await world.worker(sim, to);
    const access = createCredentialAccess(deps, job);
    for (let request = 0; request < 3; request++)
      expect((await access.current()).reveal()).toMatchObject({ access_token: to.added.tokens.accessToken });
    expect(asked(sim)).toBe(1);
  });

  test('an abort while the platform rotates does not throw the new pair away', async () => {
    const sim = await startPlatform({ tokens: STRICT });
    const to = await world.connect(sim);
    const held = deferred();
    sim.faults.add({ match: TOKEN, fault: { kind: 'hold', until: held.promise } });
    const run = new AbortController();
    const refresh = tokenOf(await world.worker(sim, to, { signal: run.signal })).catch(() => undefined);
    await sim.journal.waitForRequest(({ operation }) => operation === 'token');
    run.abort();
    held.resolve();
    await refresh;
    expect(await world.credential(to)).toMatchObject({ version: 2, refresh_intent_version: null });
  });
});

describe('leases and the database', () => {
  test('a refresh that outlives its lease stores nothing, whoever came after keeps his', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim);
    const held = deferred();
    sim.faults.add({ match: TOKEN, fault: { kind: 'hold', until: held.promise } });
    const stale = await world.worker(sim, to);
    const outcome = tokenOf(stale).catch((error: unknown) => error as AppError);
    await sim.journal.waitForRequest(({ operation }) => operation === 'token');
    await world.reap(stale.job.workerId);
    const winner = await tokenOf(await world.worker(sim, to));
    held.resolve();
    expect(await outcome).toMatchObject({ code: 'sync.lease_lost', kind: 'conflict' });
    expect(await world.credential(to)).toMatchObject({ version: 2, refresh_intent_version: null });
    expect(await tokenOf(await world.worker(sim, to))).toBe(winner);
  });

  test('a slow worker whose announcement ran out cannot overwrite, and takes the newer pair', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim);
    const held = deferred();
    sim.faults.add({ match: TOKEN, fault: { kind: 'hold', until: held.promise } });
    const slow = tokenOf(await world.worker(sim, to));
    await sim.journal.waitForRequest(({ operation }) => operation === 'token');
    await world.database.asSuperuser(
      `update integration_credentials set refresh_intent_at = refresh_intent_at - interval '1 hour'
       where integration_id = $1`,
      [to.integrationId],
    );
    const winner = await tokenOf(await world.worker(sim, to));
    held.resolve();
    expect(await slow).toBe(winner);
    expect(await world.credential(to)).toMatchObject({ version: 2 });
  });

  test('a database that is away while the new pair must be stored is waited for', async () => {
    const sim = await startPlatform({ tokens: STRICT });
    const to = await world.connect(sim);
    const held = deferred();
    const refused = deferred();
    sim.faults.add({ match: TOKEN, fault: { kind: 'hold', until: held.promise } });
    const pool = world.database.open('tidemark_worker', 1);
    const db = watched(pool, async (result) => {
      result.catch(() => refused.resolve());
      return await result;
    });
    const refresh = tokenOf(await world.worker(sim, to, { db }));
    await sim.journal.waitForRequest(({ operation }) => operation === 'token');
    await world.database.asSuperuser(`alter database ${world.database.name} connection limit 0`);
    onTestFinished(async () => {
      await world.database.asSuperuser(`alter database ${world.database.name} connection limit -1`);
    });
    await world.database.asSuperuser(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and usename = 'tidemark_worker'`,
    );
    held.resolve();
    await refused.promise;
    await world.database.asSuperuser(`alter database ${world.database.name} connection limit -1`);
    expect(isAlive(sim, await refresh)).toBe(true);
    expect(await world.credential(to)).toMatchObject({ version: 2, refresh_intent_version: null });
  });

  test('a commit whose answer was lost is recognised as our own', async () => {
    const sim = await startPlatform({ tokens: STRICT });
    const to = await world.connect(sim);
    const worker = await world.worker(sim, to);
    const db = watched(worker.deps.db, async (result) => {
      const value = await result;
      // The storing transaction is the one that leaves version 2 behind: its answer is lost once.
      if (!lost && (await world.credential(to)).version === 2) {
        lost = true;
        throw new AppError('db.unavailable', 'the connection broke after commit');
      }
      return value;
    });
    let lost = false;
    const credential = await refreshCredential({ ...worker.deps, db }, worker.job, 1);
    expect(lost).toBe(true);
    expect(credential.version).toBe(2);
    expect(asked(sim)).toBe(1);
  });
});

describe('sealed columns', () => {
  test.each(['another user', 'the same user'])(
    'a ciphertext copied to an integration of %s does not open',
    async (whose) => {
      const sim = await startPlatform();
      const from = await world.connect(sim, 20 * HOUR_MS);
      const to = await world.connect(sim, 20 * HOUR_MS);
      if (whose === 'the same user') {
        await world.database.asSuperuser(`delete from integration_credentials where integration_id = $1`, [
          to.integrationId,
        ]);
        await world.database.asSuperuser(`update integrations set user_id = $2 where id = $1`, [
          to.integrationId,
          from.userId,
        ]);
        await world.database.asSuperuser(
          `insert into integration_credentials (integration_id, user_id, ciphertext, wrapped_key, key_id, version, expires_at)
         select $1, user_id, ciphertext, wrapped_key, key_id, version, expires_at
         from integration_credentials where integration_id = $2`,
          [to.integrationId, from.integrationId],
        );
      } else {
        await world.database.asSuperuser(
          `update integration_credentials c set ciphertext = f.ciphertext, wrapped_key = f.wrapped_key
         from integration_credentials f where c.integration_id = $1 and f.integration_id = $2`,
          [to.integrationId, from.integrationId],
        );
      }
      const worker = await world.worker(sim, whose === 'the same user' ? { ...to, userId: from.userId } : to);
      await expect(tokenOf(worker)).rejects.toMatchObject({ code: 'vault.open_failed' });
      expect(worker.events.map(({ event }) => event)).toEqual(['vault.open_refused']);
      expect(asked(sim)).toBe(0);
    },
  );
});
