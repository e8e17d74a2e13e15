// A month written into a file before it goes: what is dropped is what is in the file.

import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportPartition } from '../../src/ops/export-partition.ts';
import { makeMonth } from '../../src/store/partitions.ts';
import { addMetricAccount } from '../support/metrics.ts';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();
const owner = database.open('tidemark_owner', 2);
const scheduler = database.open('tidemark_scheduler', 2);
const signal = new AbortController().signal;
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tm-export-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const linesOf = async (file: string): Promise<readonly Record<string, unknown>[]> =>
  gunzipSync(await readFile(file))
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('holds every row of the month, of all users, and its hash; the month goes when that is asked for', async () => {
  await makeMonth(scheduler, 'audit_logs', '2020-05-01');
  await database.asSuperuser(
    `insert into audit_logs (at, action, outcome, target) select '2020-05-05T10:00:00Z', 'a' || n, 'done', E'line\\nbreak' from generate_series(1, 2500) n`,
  );
  await database.asSuperuser(`insert into audit_logs (at, action, outcome) values ('2020-06-01', 'later', 'done')`);
  const kept = await exportPartition({ owner, name: 'audit_logs_202005', folder, dropBefore: null, signal });
  expect(kept).toMatchObject({ rows: 2_500, dropped: null });
  const lines = await linesOf(kept.file);
  expect(new Set(lines.map(({ action }) => action)).size).toBe(2_500);
  expect(
    createHash('sha256')
      .update(await readFile(kept.file))
      .digest('hex'),
  ).toBe(kept.sha256);
  expect((await stat(kept.file)).mode & 0o777).toBe(0o600);
  const gone = await exportPartition({ owner, name: 'audit_logs_202005', folder, dropBefore: new Date(), signal });
  expect(gone).toMatchObject({ rows: 2_500, dropped: 'gone' });
  expect(await database.asSuperuser(`select action from audit_logs where at < '2021-01-01'`)).toEqual([
    { action: 'later' },
  ]);
  expect(await readdir(folder)).toEqual(['audit_logs_202005.ndjson.gz']);
});

test('of messages has those of every tenant, and stays while a day of theirs is open', async () => {
  await makeMonth(scheduler, 'messages', '2020-05-01');
  const worker = database.open('tidemark_worker', 1);
  for (const account of [await addMetricAccount(database, worker), await addMetricAccount(database, worker)])
    await database.asSuperuser(
      `insert into messages (id, integration_id, user_id, chat_key, platform_message_id, status, sent_at, content_hash)
       values (gen_random_uuid(), $1, $2, 'c', 'p', 'received', '2020-05-05', '')`,
      [account.integrationId, account.userId],
    );
  const asked = { owner, name: 'messages_202005', folder, dropBefore: new Date(), signal };
  expect(await exportPartition(asked)).toMatchObject({ rows: 2, dropped: 'unsealed' });
});

test('is refused to who would see only a part of it, and of what is no month', async () => {
  const asApi = { owner: database.open('tidemark_api', 1), name: 'messages_202005', folder, dropBefore: null, signal };
  await expect(exportPartition(asApi)).rejects.toMatchObject({ code: 'usage.invalid' });
  for (const name of ['users', 'messages_default', 'messages_209912', "messages_202005'; drop table users"])
    await expect(exportPartition({ ...asApi, owner, name })).rejects.toMatchObject({ code: 'not_found' });
});

test('leaves no file and drops nothing when it is ended on the way', async () => {
  const stop = new AbortController();
  stop.abort();
  const asked = {
    owner,
    name: 'messages_202005',
    folder: path.join(folder),
    dropBefore: new Date(),
    signal: stop.signal,
  };
  const before = await readdir(folder);
  await expect(exportPartition(asked)).rejects.toMatchObject({ name: 'AbortError' });
  expect(await readdir(folder)).toEqual(before);
});
