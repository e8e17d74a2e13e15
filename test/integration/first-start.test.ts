// An unconfigured machine on which several processes start at the same moment: one database, one set of passwords, one key.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabaseUrls } from '../../src/app/database-urls.ts';
import { loadPublicKeys } from '../../src/app/keys.ts';
import { migrateAt } from '../../src/app/migrations.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';

test('processes that start together agree on passwords, database, schema and keys', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-first-'));
  // The server's user, when root starts it, must get to its data below this folder.
  await chmod(folder, 0o711);
  const config = loadConfig({ TIDEMARK_DATA_DIR: path.join(folder, 'data') });
  const signal = AbortSignal.timeout(60_000);
  const start = async () => {
    const urls = await openDatabaseUrls(config, silentLog);
    onTestFinished(async () => await urls.server?.stop());
    await migrateAt(urls, silentLog, signal);
    const db = openDatabase({ url: urls.of('tidemark_worker'), role: 'tidemark_worker', poolSize: 1 });
    onTestFinished(() => db.close());
    const { rows } = await db.query<{ login: string }>('select session_user::text as login');
    return {
      login: rows[0]?.login,
      key: (await loadPublicKeys(config)).current.id,
      url: urls.of('tidemark_worker').reveal(),
    };
  };
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const starts = await Promise.all(Array.from({ length: 5 }, start));
  expect(new Set(starts.map((one) => JSON.stringify(one)))).toHaveLength(1);
  expect(starts[0]?.login).toBe('tidemark_worker');
});
