// `tidemark integrations import` as an operator runs it: real processes with the worker's login, a file that is
// larger than the heap, and a process that is killed in the middle.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import type { DatabaseRole } from '../../src/db/database.ts';
import { generateKeyPair, renderPublicKeys } from '../../src/vault/key-ring.ts';
import { ROOT } from '../architecture/source-files.ts';
import { CHILD_ENV } from '../support/child-env.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { account, chat, message, type Raw } from '../support/telegram-export.ts';
import { waitFor } from '../support/wait.ts';

const LIMIT_MS = 240_000;
const HEAP_MB = 64;
const MANY = 50_000;
const database = await createTestDatabase();
const publicKeys = renderPublicKeys([generateKeyPair().publicKey]);
let folder = '';
let integrationId = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-import-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  const userId = uuidv7();
  integrationId = uuidv7();
  await database.asSuperuser(`insert into users (id, email, name) values ($1, $2, 'Test')`, [
    userId,
    `${userId}@example.test`,
  ]);
  await database.asSuperuser(
    `insert into integrations (id, user_id, platform_id, status) values ($1, $2, 'telegram', 'connected')`,
    [integrationId, userId],
  );
});

interface Flags {
  readonly node?: readonly string[];
  readonly role?: DatabaseRole;
}

function start(args: readonly string[], { node = [], role = 'tidemark_worker' }: Flags = {}) {
  const child = spawn(
    process.execPath,
    [...node, path.join(ROOT, 'src/cli/main.ts'), 'integrations', 'import', integrationId, ...args],
    {
      env: {
        ...CHILD_ENV,
        DATABASE_URL: database.urlOf(role),
        TIDEMARK_DATA_DIR: path.join(folder, 'data'),
        TIDEMARK_PUBLIC_KEYS: publicKeys,
      },
    },
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, ended };
}

const run = (args: readonly string[], flags?: Flags) => start(args, flags).ended;

async function file(name: string, content: unknown): Promise<string> {
  const place = path.join(folder, name);
  await writeFile(place, typeof content === 'string' ? content : JSON.stringify(content));
  return place;
}

/** An export of one chat that was never in memory. */
async function bigFile(name: string, count: number): Promise<string> {
  const place = path.join(folder, name);
  await pipeline(function* () {
    yield '{"name":"Team","type":"private_supergroup","id":1234567890,"messages":[';
    for (let id = 1; id <= count; id += 1) {
      yield `${id === 1 ? '' : ','}\n ${JSON.stringify(message({ id, text: ['word '.repeat(300), { type: 'bold', text: `${id}` }] }))}`;
    }
    yield ']}';
  }, createWriteStream(place));
  return place;
}

async function stored(): Promise<number> {
  const [row] = await database.asSuperuser<{ count: number }>(
    'select count(*)::integer as count from message_keys where integration_id = $1',
    [integrationId],
  );
  return row!.count;
}

const heap = { node: [`--max-old-space-size=${HEAP_MB}`] };

test(
  'a file that is larger than the heap needs no larger one, and an import that is killed goes on when it is repeated',
  { timeout: LIMIT_MS },
  async () => {
    const place = await bigFile('big.json', MANY);
    // The file alone would fill that heap.
    expect((await stat(place)).size).toBeGreaterThan(HEAP_MB * 1024 * 1024);
    const killed = start(['--file', place], heap);
    const before = await waitFor(
      async () => {
        const count = await stored();
        return count >= 5_000 && count;
      },
      { what: 'the first pages', timeoutMs: 60_000 },
    );
    killed.child.kill('SIGKILL');
    await killed.ended;
    const { code, stdout, stderr } = await run(['--file', place, '--json'], heap);
    expect([code, stderr.includes('heap')], stderr).toEqual([0, false]);
    const { counts } = JSON.parse(stdout) as { counts: { messages: Record<string, number> } };
    expect(counts.messages).toMatchObject({ read: MANY, changed: 0, refused: 0 });
    expect(counts.messages['unchanged']).toBeGreaterThanOrEqual(before);
    expect(await stored()).toBe(MANY);
    const history = await database.asSuperuser(
      'select status, error_code from import_history where integration_id = $1 order by started_at',
      [integrationId],
    );
    expect(history).toEqual([
      { status: 'failed', error_code: 'import.taken_over' },
      { status: 'success', error_code: null },
    ]);
  },
);

test('people are told what came of it, and what was refused', { timeout: LIMIT_MS }, async () => {
  const bad: Raw = { ...message({ id: 3 }), date_unixtime: 'x' };
  const place = await file('account.json', account([chat([message({ id: 1 }), message({ id: 2 }), bad])]));
  const dry = await run(['--file', place, '--dry-run']);
  expect(dry).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('would import 2 of 3 messages in 1 talks') as string,
  });
  expect(await stored()).toBe(0);
  const { code, stdout, stderr } = await run(['--file', place]);
  expect([code, await stored()]).toEqual([0, 2]);
  expect(stdout).toContain(
    '3 messages in 1 talks (1 new): 2 new, 0 changed, 0 unchanged, 0 left as received, 0 twice, 1 refused',
  );
  expect(stdout).toMatch(/chats\.list\.0\.messages\.2\.date_unixtime\s+expected seconds since 1970/);
  expect(stderr).toContain('bytes: ');
});

test('an old export is read in the zone that was said', { timeout: LIMIT_MS }, async () => {
  const place = await file('old.json', chat([{ ...message(), date_unixtime: undefined, date: '2021-01-05T12:00:00' }]));
  expect(await run(['--file', place])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--timezone') as string,
  });
  expect(await run(['--file', place, '--timezone', 'Nowhere/Town'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('expected an IANA zone') as string,
  });
  expect(await run(['--file', place, '--timezone', 'Asia/Tokyo'])).toMatchObject({ code: 0 });
  const rows = await database.asSuperuser('select sent_at from message_keys where integration_id = $1', [
    integrationId,
  ]);
  expect(rows).toEqual([{ sent_at: new Date('2021-01-05T03:00:00Z') }]);
});

test('what is no export ends with 1, wrong usage with 2', { timeout: LIMIT_MS }, async () => {
  const html = await file('messages.html', '<html></html>');
  expect(await run(['--file', html])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^tidemark: byte 0: expected .* \[import\.file_invalid\]$/m) as string,
  });
  expect(await run(['--file', path.join(folder, 'absent.json')])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('ENOENT') as string,
  });
  expect(await run(['--file', folder])).toMatchObject({ code: 2 });
  const place = await file('single.json', chat([message()]));
  expect(await run(['--file', place], { role: 'tidemark_api' })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('login of the worker') as string,
  });
  integrationId = uuidv7();
  expect(await run(['--file', place])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('integration of telegram') as string,
  });
});
