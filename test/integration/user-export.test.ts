// A person's data as files: everything that is his, exact, and nothing of anybody else.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { exportUser, type ExportIndex } from '../../src/ops/export-user.ts';
import { findUser } from '../../src/store/users.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { TENANT_TABLES, WORKER_TABLES } from '../support/matrix.ts';
import { createSyncWorld, listed, type SyncWorld } from '../support/sync-world.ts';

const database = await createTestDatabase();
const api = database.open('tidemark_api', 2);
const NEVER = new AbortController().signal;

function newFolder(): string {
  const parent = mkdtempSync(path.join(tmpdir(), 'tidemark-export-'));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  return path.join(parent, 'mine');
}

async function exported({ userId }: Pick<SyncWorld, 'userId'>, folder = newFolder()) {
  const user = (await api.tx({ kind: 'ops' }, (tx) => findUser(tx, userId)))!;
  const seen: string[] = [];
  const onTable = (_done: number, _total: number, table: string): void => void seen.push(table);
  const index: ExportIndex = await exportUser(api, { user, folder, signal: NEVER, onTable });
  const rowsOf = (table: string) =>
    readFileSync(path.join(folder, `${table}.ndjson`), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { folder, index, seen, rowsOf };
}

test('has every row of the user in every table, and none of another user', async () => {
  const [mine, other] = [await createSyncWorld(database), await createSyncWorld(database)];
  const records = Array.from({ length: 2_500 }, (_, n) => ({ id: `p${n}`, amount: '12.340000', text: `Größe ${n}` }));
  await mine.sync(listed([records, [null, { id: 'q' }]]));
  await other.sync(listed([[{ id: 'theirs', text: 'canary-of-the-other' }]]));
  const { folder, index, rowsOf, seen } = await exported(mine);

  // The bookkeeping of syncs is no data of a person.
  const expected = Object.keys(TENANT_TABLES).filter((table) => !WORKER_TABLES.has(table));
  expect(index.tables.map(({ table }) => table).sort()).toEqual(expected.sort());
  for (const { table, rows } of index.tables) {
    const column = table === 'users' ? 'id' : 'user_id';
    const [stored] = await database.asSuperuser<{ count: number }>(
      `select count(*)::int as count from ${table} where ${column} = $1`,
      [mine.userId],
    );
    expect([table, rows, rowsOf(table).length]).toEqual([table, stored!.count, stored!.count]);
    expect(rowsOf(table).every((row) => row[column] === mine.userId)).toBe(true);
  }
  expect(rowsOf('proposals').find((row) => row['upwork_proposal_id'] === 'p7')).toMatchObject({
    bid_amount: '12.340000',
    bid_currency: 'USD',
    cover_letter: 'Größe 7',
    created_at: expect.stringMatching(/\+00:00$/),
  });
  const files = readdirSync(folder);
  const text = files.map((file) => readFileSync(path.join(folder, file), 'utf8')).join('\n');
  for (const word of ['canary-of-the-other', other.userId, other.integrationId])
    expect(text.includes(word), word).toBe(false);
  for (const secret of ['wrapped_key', 'lease_token']) expect(text.includes(`"${secret}"`), secret).toBe(false);
  const columns = index.tables.find(({ table }) => table === 'integration_credentials')!.columns;
  expect(columns.map(({ name }) => name)).not.toContain('ciphertext');
  expect(JSON.parse(readFileSync(path.join(folder, 'index.json'), 'utf8'))).toEqual(index);
  expect(seen.at(-1)).toBe('');
  expect(files.every((file) => (statSync(path.join(folder, file)).mode & 0o777) === 0o600)).toBe(true);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

test('of a user who is switched off works, into a new folder only', async () => {
  const mine = await createSyncWorld(database);
  await database.asSuperuser('update users set is_active = false where id = $1', [mine.userId]);
  const { folder } = await exported(mine);
  await expect(exported(mine, folder)).rejects.toMatchObject({ code: 'usage.invalid' });
});

test('that is interrupted has no index, which says that it is whole', async () => {
  const mine = await createSyncWorld(database);
  const user = (await api.tx({ kind: 'ops' }, (tx) => findUser(tx, mine.userId)))!;
  const [folder, stopping] = [newFolder(), new AbortController()];
  const onTable = (done: number): void => {
    if (done === 3) stopping.abort();
  };
  await expect(exportUser(api, { user, folder, signal: stopping.signal, onTable })).rejects.toThrow(/abort/i);
  expect(readdirSync(folder)).not.toContain('index.json');
});
