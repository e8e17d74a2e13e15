import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { retire, rotateToNewest } from '../../src/app/key-rotation.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Database } from '../../src/db/database.ts';
import { rotateKeys } from '../../src/ops/rotate-keys.ts';
import { insertCredential } from '../../src/store/credentials.ts';
import { verifyOpenings } from '../../src/store/credential-openings.ts';
import { registerWorker } from '../../src/store/workers.ts';
import { keyUsage, nextWrappedKeys, retireKey, SEALED_TABLES } from '../../src/store/wrapped-keys.ts';
import { generateKeyPair, publicRing, type KeyPair } from '../../src/vault/key-ring.ts';
import { createLiveKeys } from '../../src/vault/live-keys.ts';
import { createOpener } from '../../src/vault/opener.ts';
import { createSealer } from '../../src/vault/sealer.ts';
import { addSecretKey, readSecretKeys, removeSecretKey } from '../../src/vault/secret-keys-file.ts';
import { createKeyWatch, workerKeysOf } from '../../workers/key-watch.ts';
import { RUNTIME_ROLES } from '../support/matrix.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { NEEDS_POSTGRES_15, startPostgres15 } from '../support/postgres15.ts';
import { seedSealed, sealFor, startSyncs, type Account } from '../support/rotation-world.ts';
import { eventRecorder, waitFor } from '../support/wait.ts';

const NEVER = new AbortController().signal;
let folder = '';
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-keys-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A secret keys file with these keys, the last one newest. */
async function keyFile(...pairs: readonly KeyPair[]): Promise<string> {
  const file = path.join(folder, `keys-${files++}.json`);
  for (const pair of pairs) await addSecretKey(file, pair, new Date());
  return file;
}

const openerOf = (...pairs: readonly KeyPair[]) =>
  createOpener(new Map(pairs.map((pair) => [pair.publicKey.id, pair])));
const sealerOf = ({ publicKey }: KeyPair) => createSealer(publicRing([publicKey]));

interface World {
  readonly database: TestDatabase;
  readonly worker: Database;
  readonly older: KeyPair;
  readonly newer: KeyPair;
  readonly accounts: readonly Account[];
}

async function worldOf(count: number, superuserUrl?: string): Promise<World> {
  const database = await createTestDatabase(superuserUrl);
  const [older, newer] = [generateKeyPair(), generateKeyPair()];
  const accounts = await seedSealed(database, sealerOf(older), count);
  return { database, worker: database.open('tidemark_worker', 4), older, newer, accounts };
}

const underOf = async ({ worker }: World, { publicKey }: KeyPair): Promise<number> =>
  (await keyUsage(worker)).filter(({ keyId }) => keyId === publicKey.id).reduce((sum, { rows }) => sum + rows, 0);

const optionsOf = ({ worker, older, newer }: World) => ({
  worker,
  opener: openerOf(older, newer),
  target: newer.publicKey,
  signal: NEVER,
});

const configOf = (file: string) => loadConfig({ TIDEMARK_SECRET_KEYS_FILE: file, TIDEMARK_DATA_DIR: folder });

const server15 = await startPostgres15();
const large = await worldOf(2_000);
const small = await worldOf(12);
const fifteen = server15 === null ? null : await worldOf(12, server15.superuserUrl);

describe('2,000 accounts while syncs go on', () => {
  test('nothing fails to open at any moment, no refresh is lost, and all ends up under the new key', async () => {
    const { database, worker, older, newer, accounts } = large;
    // Half of what is refreshed meanwhile comes from a process that still seals to the older key.
    const turn = { isNew: false };
    const sealer = createSealer({
      get current() {
        turn.isNew = !turn.isNew;
        return (turn.isNew ? newer : older).publicKey;
      },
    });
    const some = accounts.filter((_account, index) => index % 100 === 0);
    const syncs = await startSyncs(database, worker, { sealer, opener: openerOf(older, newer) }, some);
    await waitFor(() => syncs.refreshed() > 5, { what: 'syncs to go on' });
    const before = syncs.refreshed();
    const rotation = await rotateKeys({ ...optionsOf(large), batchSize: 100 });
    await waitFor(() => syncs.refreshed() > before + 5, { what: 'syncs to go on after it' });
    await syncs.stop();
    expect(rotation.rewrapped).toBeGreaterThan(3_900);
    expect(rotation.failed).toBe(0);
    expect(syncs.opened()).toBeGreaterThan(40);
    const last = await rotateKeys(optionsOf(large));
    expect(last).toMatchObject({ failed: 0, left: 0 });
    expect(await underOf(large, newer)).toBe(4_001);
  });

  test('each key that was taken out is a line of its account’s chain, written before', async () => {
    const { database, accounts, older } = large;
    const { integrationId } = accounts[1]!;
    expect(await verifyOpenings(database.open('tidemark_api', 1), integrationId)).toEqual({ lines: 1, brokenAt: null });
    const lines = await database.asSuperuser(
      'select reason, key_id from credential_openings where integration_id = $1',
      [integrationId],
    );
    expect(lines).toEqual([{ reason: 'rotation', key_id: older.publicKey.id }]);
  });

  test('interrupted between two batches it stops, and goes on where it was', async () => {
    const { worker, older, newer } = large;
    const stop = new AbortController();
    const back = { worker, opener: openerOf(older, newer), target: older.publicKey, batchSize: 200 };
    const onProgress = (done: number): void => {
      if (done >= 600) stop.abort();
    };
    await expect(rotateKeys({ ...back, signal: stop.signal, onProgress })).rejects.toThrow('abort');
    expect(await underOf(large, older)).toBe(600);
    expect(await rotateKeys({ ...back, signal: NEVER })).toMatchObject({ rewrapped: 3_401, left: 0 });
  });
});

const servers: readonly (readonly [string, World | null])[] = [
  ['PostgreSQL 18', small],
  ['PostgreSQL 15', fifteen],
];
describe.each(servers)('on %s', (_name, world) => {
  if (world === null) {
    test('keys rotate', (context) => context.skip(NEEDS_POSTGRES_15));
    return;
  }
  const { database, worker, older, newer, accounts } = world;

  test('every table with a wrapped key is known to the rotation', async () => {
    const tables = await database.asSuperuser<{ name: string }>(
      `select c.relname::text as name from pg_attribute a join pg_class c on c.oid = a.attrelid
       where a.attname = 'wrapped_key' and c.relkind in ('r', 'p') order by 1`,
    );
    expect(tables.map(({ name }) => name)).toEqual(SEALED_TABLES);
  });

  test('no function hands out a ciphertext, and nobody but the worker may call one', async () => {
    const rows = await database.asSuperuser<{ name: string; answer: string; callers: string[] }>(
      `select proname::text as name, pg_get_function_result(p.oid) as answer,
         array(select r from unnest($1::text[]) as r where has_function_privilege(r, p.oid, 'execute')) as callers
       from pg_proc p
       where proname = any (array['next_wrapped_keys', 'replace_wrapped_keys', 'key_usage', 'retired_key_ids', 'retire_key'])`,
      [[...RUNTIME_ROLES, 'tidemark_producer']],
    );
    expect(rows).toHaveLength(5);
    for (const { answer, callers } of rows) {
      expect(answer).not.toContain('ciphertext');
      expect(callers).toEqual(['tidemark_worker']);
    }
    const api = nextWrappedKeys(database.open('tidemark_api', 1), {
      table: 'oauth_apps',
      currentKeyId: '',
      after: null,
      limit: 1,
    });
    await expect(api).rejects.toMatchObject({ code: 'db.forbidden' });
    const { rows: seen } = await worker.query('select from integration_credentials');
    expect(seen).toEqual([]);
  });

  test('rows that do not unwrap are counted, named and left; all others move', async () => {
    const [altered, foreign] = [accounts[3]!, accounts[5]!];
    await database.asSuperuser(
      `update integration_credentials set wrapped_key = set_byte(wrapped_key, 40, 255 - get_byte(wrapped_key, 40))
       where integration_id = $1`,
      [altered.integrationId],
    );
    const stranger = generateKeyPair();
    await database.asSuperuser('update integration_credentials set key_id = $2 where integration_id = $1', [
      foreign.integrationId,
      stranger.publicKey.id,
    ]);
    const rotation = await rotateKeys(optionsOf(world));
    expect(rotation).toMatchObject({ rewrapped: 23, failed: 2, left: 2 });
    const { id: olderId } = older.publicKey;
    expect(rotation.failures.map(({ integrationId, keyId, code }) => [integrationId, keyId, code])).toEqual([
      [altered.integrationId, olderId, 'vault.open_failed'],
      [foreign.integrationId, stranger.publicKey.id, 'vault.key_missing'],
    ]);
  });

  test('a key is not retired while rows use it, and the refusal says how many of which table', async () => {
    const file = await keyFile(older, newer);
    const refused = retire({ config: configOf(file), worker, keyId: older.publicKey.id, file: 'remove' });
    await expect(refused).rejects.toMatchObject({
      code: 'vault.key_in_use',
      message: expect.stringContaining('1 of integration_credentials') as string,
    });
    expect([...(await readSecretKeys(file)).keys()]).toHaveLength(2);
    await database.asSuperuser('delete from integration_credentials where key_id <> $1', [newer.publicKey.id]);
  });

  test('a row that was sealed and is not committed yet is waited for, and then counts', async () => {
    const api = database.open('tidemark_api', 2);
    const sealed = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const writing = api.tx({ kind: 'ops' }, async (tx) => {
      await insertCredential(tx, sealFor(sealerOf(older), accounts[3]!, 1));
      sealed.resolve();
      await goOn.promise;
    });
    await sealed.promise;
    const retiring = retireKey(worker, older.publicKey.id);
    await waitFor(
      async () =>
        (await database.asSuperuser(`select from pg_locks where mode = 'ShareLock' and not granted`)).length > 0,
      { what: 'the retirement to wait' },
    );
    goOn.resolve();
    await writing;
    expect(await retiring).toEqual([{ table: 'integration_credentials', rows: 1 }]);
    await database.asSuperuser('delete from integration_credentials where key_id <> $1', [newer.publicKey.id]);
  });

  test('a retired key is gone from the file, and refused from whoever still seals to it', async () => {
    const file = await keyFile(older, newer);
    const config = configOf(file);
    const retired = await retire({ config, worker, keyId: older.publicKey.id, file: 'remove' });
    expect(retired.removedFromFile).toBe(true);
    expect(retired.keepUntil.getTime() - Date.now()).toBeCloseTo(30 * 86_400_000, -6);
    expect([...(await readSecretKeys(file)).keys()]).toEqual([newer.publicKey.id]);
    const sealed = sealFor(sealerOf(older), accounts[3]!, 1);
    const late = database.open('tidemark_api', 1).tx({ kind: 'ops' }, (tx) => insertCredential(tx, sealed));
    await expect(late).rejects.toMatchObject({
      code: 'vault.key_retired',
      kind: 'config',
      message: expect.stringContaining('TIDEMARK_PUBLIC_KEYS') as string,
    });
    // Again is no error, and a rotation back to it is.
    expect(await retire({ config, worker, keyId: older.publicKey.id, file: 'keep' })).toMatchObject({
      removedFromFile: false,
    });
    await expect(rotateKeys({ ...optionsOf(world), target: older.publicKey })).rejects.toMatchObject({
      code: 'vault.key_retired',
    });
    const start = createKeyWatch({
      db: worker,
      workerId: 'unused',
      keys: createLiveKeys({ file, ring: new Map(), publicKeys: publicRing([older.publicKey]), log: eventRecorder() }),
      log: eventRecorder(),
    }).start();
    await expect(start).rejects.toMatchObject({ code: 'vault.key_retired' });
  });

  test('neither the current key nor one that nobody knows is retired', async () => {
    const config = configOf(await keyFile(newer));
    const keyId = newer.publicKey.id;
    await expect(retire({ config, worker, keyId, file: 'remove' })).rejects.toMatchObject({ code: 'vault.key_in_use' });
    const typo = retire({ config, worker, keyId: '0123456789abcdef', file: 'remove' });
    await expect(typo).rejects.toMatchObject({ code: 'usage.invalid' });
  });
});

describe('a worker at work', () => {
  async function startWatch(file: string, workerId: string, everyMs: number) {
    const log = eventRecorder();
    const keys = createLiveKeys({ file, ring: await readSecretKeys(file), publicKeys: undefined, log });
    const { worker } = large;
    const watch = createKeyWatch({ db: worker, workerId, keys, log, everyMs });
    await watch.start();
    onTestFinished(() => watch.stop());
    const told = { hostname: 'watched', pid: 7, concurrency: 1, engine: 'pgboss' as const };
    await registerWorker(worker, { id: workerId, ...told, keys: workerKeysOf(keys) });
    onTestFinished(async () => {
      await large.database.asSuperuser('delete from workers where id = $1', [workerId]);
    });
    return { keys, log };
  }

  test('opens what was sealed to a key that was added to the file a moment ago, without a restart', async () => {
    const [first, added] = [generateKeyPair(), generateKeyPair()];
    const file = await keyFile(first);
    const { keys, log } = await startWatch(file, '01890000-0000-7000-8000-0000000000a1', 3_600_000);
    await addSecretKey(file, added, new Date());
    const context = { purpose: 'credential', userId: 'u', integrationId: 'i', platform: 'upwork', version: 1 } as const;
    const sealed = sealerOf(added).seal(new Secret('hello'), context);
    expect(createOpener(keys.secretKeys).open(sealed, context).reveal()).toBe('hello');
    expect(log.of('vault.keys_changed')).toHaveLength(1);
    // From then on it seals to it too, as the file says.
    expect(createSealer(keys.publicKeys).seal(new Secret('x'), context).keyId).toBe(added.publicKey.id);
    await removeSecretKey(file, first.publicKey.id);
    await rm(file);
    keys.look();
    expect(keys.ids()).toEqual([added.publicKey.id, first.publicKey.id]);
    expect(log.of('vault.keys_unreadable')).toHaveLength(1);
  });

  test('tells which keys it holds; nothing is rewrapped to one that it lacks, nor retired while it seals to it', async () => {
    const { worker, older, newer } = large;
    const theirs = await keyFile(older);
    const ours = await keyFile(older, newer);
    await startWatch(theirs, '01890000-0000-7000-8000-0000000000a2', 100);
    const options = { config: configOf(ours), worker, signal: NEVER, takeUpMs: 300, onProgress: () => undefined };
    const waited: string[] = [];
    const onWait = (who: string): void => void waited.push(who);
    const refused = rotateToNewest({ ...options, holders: 'required', onWait });
    await expect(refused).rejects.toMatchObject({
      code: 'vault.key_in_use',
      message: expect.stringContaining('watched (process 7)') as string,
    });
    const retiring = retire({ config: options.config, worker, keyId: older.publicKey.id, file: 'remove' });
    await expect(retiring).rejects.toThrow('watched (process 7) seal to it');
    const rotating = rotateToNewest({ ...options, takeUpMs: 10_000, holders: 'required', onWait });
    await waitFor(() => waited.length === 2, { what: 'the rotation to wait for the worker' });
    await addSecretKey(theirs, newer, new Date());
    expect(await rotating).toMatchObject({ keyId: newer.publicKey.id, failed: 0, left: 0 });
    const events = await large.database.asSuperuser(`select event, details from security_logs order by at`);
    expect(events.at(-1)).toMatchObject({ event: 'key.rotated', details: { keyId: newer.publicKey.id, left: 0 } });
  });
});
