// Key rotation as an operator does it: real processes, killed in the middle, and what they say.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type DatabaseRole } from '../../src/db/database.ts';
import { Secret } from '../../src/core/secret.ts';
import { generateKeyPair, publicRing } from '../../src/vault/key-ring.ts';
import { createSealer } from '../../src/vault/sealer.ts';
import { addSecretKey, readSecretKeys } from '../../src/vault/secret-keys-file.ts';
import { ROOT } from '../architecture/source-files.ts';
import { CHILD_ENV } from '../support/child-env.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { seedSealed, type Account } from '../support/rotation-world.ts';
import { waitFor } from '../support/wait.ts';

const LIMIT_MS = 60_000;
const ACCOUNTS = 1_600;
const database = await createTestDatabase();
const older = generateKeyPair();
let folder = '';
let keyFile = '';
let accounts: readonly Account[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-keys-'));
  keyFile = path.join(folder, 'vault-keys.json');
  await addSecretKey(keyFile, older, new Date());
  accounts = await seedSealed(database, createSealer(publicRing([older.publicKey])), ACCOUNTS);
}, LIMIT_MS);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function start(args: readonly string[], role: DatabaseRole = 'tidemark_worker') {
  const child = spawn(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), 'keys', ...args], {
    env: {
      ...CHILD_ENV,
      DATABASE_URL: database.urlOf(role),
      TIDEMARK_DATA_DIR: path.join(folder, 'data'),
      TIDEMARK_SECRET_KEYS_FILE: keyFile,
      TIDEMARK_BACKUP_DAYS: '7',
    },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, ended, said: () => stderr };
}

const keys = (args: readonly string[], role?: DatabaseRole) => start(args, role).ended;
const idsInFile = async (): Promise<readonly string[]> => [...(await readSecretKeys(keyFile)).keys()];

async function countUnder(keyId: string): Promise<number> {
  const [row] = await database.asSuperuser<{ count: number }>(
    `select (select count(*) from integration_credentials where key_id = $1)::int
       + (select count(*) from sync_quarantine where key_id = $1)::int
       + (select count(*) from oauth_apps where key_id = $1)::int as count`,
    [keyId],
  );
  return row!.count;
}

test(
  'a rotation that is killed in the middle goes on where it was, and then the old key is retired',
  { timeout: LIMIT_MS },
  async () => {
    const sealed = 2 * ACCOUNTS + 1;
    // One account's chain is held: the third batch waits, and the process is killed there.
    const held = accounts.map(({ integrationId }) => integrationId).toSorted()[1_200]!;
    const owner = openDatabase({
      url: new Secret(database.urlOf('tidemark_owner')),
      role: 'tidemark_owner',
      poolSize: 1,
    });
    const letGo = Promise.withResolvers<void>();
    const isHeld = Promise.withResolvers<void>();
    const holding = owner.tx({ kind: 'none' }, async (tx) => {
      await tx.query(`insert into tidemark_private.opening_heads (integration_id, seq, hash) values ($1, 0, '')`, [
        held,
      ]);
      isHeld.resolve();
      await letGo.promise;
      throw new Error('nothing of this stays');
    });
    holding.catch(() => undefined);
    await isHeld.promise;
    const first = start(['rotate', '--generate']);
    await waitFor(() => first.said().includes('rewrapped: 1000/3201 (31 %)'), {
      timeoutMs: 30_000,
      what: 'two batches',
    });
    first.child.kill('SIGKILL');
    await first.ended;
    letGo.resolve();
    await expect(holding).rejects.toThrow('nothing of this stays');
    await owner.close();
    const [newest = ''] = await idsInFile();
    expect(first.said()).toContain(`TIDEMARK_PUBLIC_KEYS=${newest}:`);
    expect(await countUnder(newest)).toBe(1_000);

    const refused = await keys(['retire', older.publicKey.id]);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('600 of integration_credentials') as string,
    });

    await database.asSuperuser('update integration_credentials set key_id = $2 where integration_id = $1', [
      held,
      '00112233aabbccdd',
    ]);
    const second = await keys(['rotate', '--json']);
    expect(second.code).toBe(1);
    expect(JSON.parse(second.stdout)).toMatchObject({
      keyId: newest,
      rewrapped: sealed - 1_001,
      failed: 1,
      left: 1,
      failures: [{ integrationId: held, keyId: '00112233aabbccdd', code: 'vault.key_missing' }],
    });
    const told = await keys(['rotate']);
    expect(told.code).toBe(1);
    expect(told.stdout).toContain('1 left as found, because the data key did not unwrap');
    expect(told.stdout).toContain(held);
    await database.asSuperuser('delete from integration_credentials where integration_id = $1', [held]);

    const retired = await keys(['retire', older.publicKey.id]);
    const until = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
    expect(retired).toMatchObject({ code: 0, stdout: expect.stringContaining(`until ${until}`) as string });
    expect(await idsInFile()).toEqual([newest]);
    expect(await readFile(keyFile, 'utf8')).not.toContain(older.publicKey.id);

    const status = JSON.parse((await keys(['status', '--json'])).stdout) as { readonly keys: readonly unknown[] };
    expect(status.keys).toEqual([
      {
        id: newest,
        current: true,
        seals: true,
        opens: true,
        state: 'current',
        rows: { integration_credentials: ACCOUNTS - 1, oauth_apps: 1, sync_quarantine: ACCOUNTS },
        workers: [],
      },
      { id: older.publicKey.id, current: false, seals: false, opens: false, state: 'retired', rows: {}, workers: [] },
    ]);
  },
);

test(
  'who has no login of the worker is told so, and still sees what the machine knows',
  { timeout: LIMIT_MS },
  async () => {
    const [rotation, status] = await Promise.all([keys(['rotate'], 'tidemark_api'), keys(['status'], 'tidemark_api')]);
    expect(rotation).toMatchObject({ code: 2, stderr: expect.stringContaining('the login of the worker') as string });
    expect(status.code).toBe(0);
    expect(status.stdout).toContain('seals and opens');
    expect(status.stderr).toContain('not shown');
  },
);

test('a key that the machine seals to is not retired', { timeout: LIMIT_MS }, async () => {
  const [newest = ''] = await idsInFile();
  expect(await keys(['retire', newest])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('current') as string,
  });
});
