// A Telegram export beside what the bot received: stored once however often it is imported, never over what is newer, and never
// for another user.

import { beforeAll, beforeEach, expect, test } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import type { ConversationRecord, MessageRecord } from '../../src/core/records.ts';
import { beginImport, holdImport } from '../../src/store/imports.ts';
import { linkMigrated, removeMessages } from '../../src/store/message-facts.ts';
import { createImportWorld, BOT_ID, type ImportWorld } from '../support/import-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { account, BEGIN_S, bytesOf, chat, cut, message, type Raw } from '../support/telegram-export.ts';

const KEY = '-1001234567890';
let database: TestDatabase;
let world: ImportWorld;

beforeAll(async () => {
  database = await createTestDatabase();
});

beforeEach(async () => {
  world = await createImportWorld(database);
});

const many = (count: number): readonly Raw[] => Array.from({ length: count }, (_, index) => message({ id: index + 1 }));
const at = (seconds: number): Date => new Date((BEGIN_S + seconds) * 1_000);
const none = { new: 0, changed: 0, unchanged: 0, kept: 0, duplicate: 0, refused: 0 };

/** As a bot was told it. */
function received(id: number, given: Partial<MessageRecord> = {}): MessageRecord {
  return {
    chatKey: KEY,
    platformMessageId: String(id),
    direction: 'inbound',
    role: 'user',
    senderType: 'client',
    senderId: '77',
    senderName: 'Ada L.',
    content: 'as received',
    attachments: [{ id: 'unique', type: 'photo', name: null, reference: 'file' }],
    status: 'received',
    sentAt: at(id),
    editedAt: null,
    messageType: 'text',
    replyToId: null,
    details: {},
    sourceUpdatedAt: at(id),
    ...given,
  };
}

const talk: ConversationRecord = {
  chatKey: KEY,
  kind: 'group',
  title: 'Team as received',
  topic: null,
  participants: [],
  upworkContractId: null,
  unreadCount: null,
  isHidden: false,
  lastMessageAt: null,
  lastReadAt: null,
  startedAt: null,
  details: { username: 'team' },
  sourceUpdatedAt: null,
};

async function talks(): Promise<readonly Record<string, unknown>[]> {
  return await database.asSuperuser(
    'select chat_key, title, last_message_at, details from conversations where integration_id = $1 order by chat_key',
    [world.integrationId],
  );
}

test('an account is stored with its talks, and each message belongs to its own', async () => {
  const report = await world.import(
    account(
      [chat(many(1_500)), chat([message()], { type: 'personal_chat', id: 5, name: 'Bob' })],
      [chat([], { id: 9 })],
    ),
  );
  expect(report).toMatchObject({
    status: 'success',
    problems: [],
    counts: { talks: { read: 3, new: 3, refused: 0 }, messages: { ...none, read: 1_501, new: 1_501 } },
  });
  expect(await talks()).toMatchObject([
    { chat_key: '-1000000000009', last_message_at: null },
    { chat_key: KEY, title: 'Team', last_message_at: at(1_500) },
    { chat_key: 'history/5', title: 'Bob', last_message_at: at(1) },
  ]);
  const stored = await world.messages();
  expect(stored).toHaveLength(1_501);
  expect(new Set(stored.map(({ conversation_id }) => conversation_id)).size).toBe(2);
  expect(stored.every(({ conversation_id }) => conversation_id !== null)).toBe(true);
  expect(await world.imports()).toMatchObject([
    {
      status: 'success',
      source: 'telegram_desktop',
      file_name: 'result.json',
      counts: report.counts,
      error_code: null,
    },
  ]);
});

test('the same file again changes nothing', async () => {
  const file = account([chat(many(1_200)), chat([], { id: 9 }), chat([message()], { type: 'saved_messages', id: 77 })]);
  await world.import(file);
  const before = [await world.messages(), await talks()];
  const { counts } = await world.import(file);
  expect(counts).toEqual({
    talks: { read: 3, new: 0, refused: 0 },
    messages: { ...none, read: 1_201, unchanged: 1_201 },
  });
  expect([await world.messages(), await talks()]).toEqual(before);
});

test('a newer export brings what is new and what was edited, an older one after it changes nothing', async () => {
  const older = chat(many(3), { name: 'Old name' });
  const edited = message({ id: 2, text: 'edited', edited_unixtime: String(BEGIN_S + 100) });
  const newer = chat([many(1)[0], edited, message({ id: 3 }), message({ id: 4 })]);
  await world.import(older);
  expect((await world.import(newer)).counts.messages).toMatchObject({ new: 1, changed: 1, unchanged: 2 });
  const before = [await world.messages(), await talks()];
  expect((await world.import(older)).counts.messages).toMatchObject({ new: 0, changed: 0, unchanged: 3 });
  expect([await world.messages(), await talks()]).toEqual(before);
  expect(await talks()).toMatchObject([{ title: 'Team' }]);
});

test('an import that was broken off is resumed by importing again', async () => {
  const file = chat(many(3_500));
  const stopping = new AbortController();
  const broken = world.import(file, {
    signal: stopping.signal,
    onProgress: (_bytes, messages) => messages >= 2_000 && stopping.abort(),
  });
  await expect(broken).rejects.toMatchObject({ name: 'AbortError' });
  expect(await world.messages()).toHaveLength(2_000);
  expect(await world.imports()).toMatchObject([{ status: 'cancelled', counts: { messages: { read: 2_000 } } }]);
  const { counts } = await world.import(file);
  expect(counts.messages).toMatchObject({ read: 3_500, new: 1_500, unchanged: 2_000 });
  expect(await world.messages()).toHaveLength(3_500);
});

test('an import whose process died is ended by the next one, and can write nothing more', async () => {
  const id = uuidv7();
  const { integrationId } = world;
  const dead = { id, integrationId, platform: 'telegram', source: 'telegram_desktop', fileName: 'result.json' };
  const token = (await beginImport(world.worker, dead))!;
  const hold = () => world.worker.tx({ kind: 'lease', token }, (tx) => holdImport(tx, id));
  expect(await hold()).toBe(true);
  await world.import(chat(many(1)));
  expect(await hold()).toBe(false);
  expect(await world.imports()).toMatchObject([
    { id, status: 'failed', error_code: 'import.taken_over' },
    { status: 'success', error_code: null },
  ]);
});

test('an import stops when another one of the integration begins', async () => {
  const bytes = bytesOf(chat(many(3_000)));
  async function* interrupted(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, bytes.length / 2);
    await world.import(chat(many(1)));
    yield bytes.subarray(bytes.length / 2);
  }
  await expect(world.import(null, { chunks: interrupted() })).rejects.toMatchObject({ code: 'import.taken_over' });
  expect(await world.imports()).toMatchObject([{ error_code: 'import.taken_over' }, { status: 'success' }]);
  expect((await world.messages()).length).toBeLessThan(3_000);
});

test('a broken file leaves what came before it, and the error says how far that is', async () => {
  const bytes = bytesOf(chat(many(2_500)));
  const broken = world.import(null, { chunks: cut(bytes.subarray(0, Math.floor(bytes.length * 0.9))) });
  await expect(broken).rejects.toMatchObject({ code: 'import.file_invalid' });
  const stored = (await world.messages()).length;
  expect(stored).toBeGreaterThan(2_000);
  const [record] = await world.imports();
  expect(record).toMatchObject({
    status: 'failed',
    error_code: 'import.file_invalid',
    counts: { messages: { read: stored } },
  });
  await expect(broken).rejects.toThrow(`${stored} messages of 1 talks before that`);
});

test.each([
  ['HTML', '<html></html>'],
  ['JSON of something else', '{"orders": []}'],
])('%s is no export: a clear error, and nothing is stored', async (_what, text) => {
  await expect(world.import(text)).rejects.toMatchObject({ code: 'import.file_invalid' });
  expect(await world.messages()).toEqual([]);
});

test('a dry run writes nothing and finds what would be refused', async () => {
  const before = await world.everything();
  const report = await world.import(chat([...many(2), { id: 3, type: 'unsupported' }]), { mode: 'check' });
  expect(report).toMatchObject({
    importId: null,
    status: 'partial',
    counts: { talks: { read: 1 }, messages: { read: 3, refused: 1 } },
    problems: [{ path: 'messages.2.date_unixtime' }],
  });
  expect(await world.everything()).toBe(before);
});

test('what the bot received meets what is imported in one row, and stays as it was received', async () => {
  await world.tell({ talks: [talk], messages: [received(2)] });
  const { counts } = await world.import(chat(many(3)));
  expect(counts).toMatchObject({ talks: { new: 0 }, messages: { read: 3, new: 2, kept: 1 } });
  const stored = await world.messages();
  expect(stored.map(({ content }) => content)).toEqual(['text 1', 'as received', 'text 3']);
  expect(new Set(stored.map(({ conversation_id }) => conversation_id)).size).toBe(1);
  expect(await talks()).toMatchObject([{ title: 'Team as received', details: { username: 'team' } }]);
});

test('a newer edit that the bot received is not overwritten by the file', async () => {
  await world.tell({ messages: [received(2, { editedAt: at(500), sourceUpdatedAt: at(500) })] });
  const older = message({ id: 2, edited_unixtime: String(BEGIN_S + 400) });
  expect((await world.import(chat([older]))).counts.messages).toMatchObject({ kept: 1, changed: 0 });
  const newer = message({ id: 2, text: 'newest', edited_unixtime: String(BEGIN_S + 600) });
  expect((await world.import(chat([newer]))).counts.messages).toMatchObject({ kept: 0, changed: 1 });
  expect(await world.messages()).toMatchObject([{ content: 'newest' }]);
});

test('an edit that the bot receives after the import wins', async () => {
  await world.import(chat(many(2)));
  await world.tell({ messages: [received(2, { editedAt: at(500), sourceUpdatedAt: at(500) })] });
  expect((await world.import(chat(many(2)))).counts.messages).toMatchObject({ unchanged: 1, kept: 1 });
  expect((await world.messages()).map(({ content }) => content)).toEqual(['text 1', 'as received']);
});

test('a message that was removed at the platform does not come back with a file', async () => {
  await world.tell({ messages: [received(1), received(2)], removed: [`${KEY} 2`] });
  expect((await world.import(chat(many(2)))).counts.messages).toMatchObject({ kept: 2 });
  expect((await world.messages()).map(({ platform_message_id }) => platform_message_id)).toEqual(['1']);
});

test('nor does one that was removed before anybody saw it', async () => {
  const { integrationId, userId } = world;
  const target = { integrationId, userId, timezone: 'UTC', now: new Date() };
  const removed = { chatKey: KEY, platformMessageId: '2', removedAt: at(900) };
  await world.act(async (tx) => void (await removeMessages(tx, target, [removed])));
  const newest = message({ id: 2, edited_unixtime: String(BEGIN_S + 2_000) });
  expect((await world.import(chat([message(), newest]))).counts.messages).toMatchObject({ new: 1, kept: 1 });
  expect((await world.messages()).map(({ platform_message_id }) => platform_message_id)).toEqual(['1']);
});

test('a supergroup of which only the key was known gets its name, and still knows the group that it was', async () => {
  const { integrationId, userId } = world;
  const migration = { fromChatKey: '-5', toChatKey: KEY, at: at(0) };
  await world.act((tx) => linkMigrated(tx, { integrationId, userId, now: new Date() }, [migration]));
  await world.import(chat(many(1)));
  const rows = await database.asSuperuser(
    'select title, migrated_from_chat_key from conversations where integration_id = $1 and chat_key = $2',
    [integrationId, KEY],
  );
  expect(rows).toEqual([{ title: 'Team', migrated_from_chat_key: '-5' }]);
});

test('what the bot sent and what the export says of it may differ by the clocks of both', async () => {
  await world.tell({ messages: [received(2, { sentAt: at(5), sourceUpdatedAt: null })] });
  expect((await world.import(chat(many(2)))).counts.messages).toMatchObject({ new: 1, kept: 1, refused: 0 });
});

test('in a chat of two the exporter’s numbers are not the bot’s: both talks lie beside each other', async () => {
  await world.tell({ messages: [received(2, { chatKey: '5', sentAt: at(9_000), sourceUpdatedAt: at(9_000) })] });
  const report = await world.import(chat(many(2), { type: 'personal_chat', id: 5 }));
  expect(report).toMatchObject({ status: 'success', counts: { messages: { new: 2, refused: 0 } } });
  const stored = (await world.messages()).map(({ chat_key: key, content }) => [key, content]);
  expect(stored).toEqual([
    ['5', 'as received'],
    ['history/5', 'text 1'],
    ['history/5', 'text 2'],
  ]);
});

test('bad records are counted, told without their content, and sealed in quarantine once', async () => {
  const bad = Array.from({ length: 25 }, (_, index) => ({ ...message({ id: 100 + index }), date_unixtime: 'hunter2' }));
  const value = account([chat([...many(2), ...bad]), chat([message()], { type: 'hunter2', id: 3 })]);
  await world.import(value);
  const { counts, problems, status } = await world.import(value);
  expect(status).toBe('partial');
  expect(counts).toMatchObject({ talks: { read: 2, refused: 1 }, messages: { read: 28, unchanged: 2, refused: 26 } });
  expect(problems).toHaveLength(20);
  expect(problems[0]).toEqual({ path: 'chats.list.0.messages.2.date_unixtime', reason: 'expected seconds since 1970' });
  expect(JSON.stringify(problems)).not.toContain('hunter2');
  const rows = await database.asSuperuser(
    'select record_key, stream, reason, reason_code, redacted, user_id from sync_quarantine where integration_id = $1',
    [world.integrationId],
  );
  expect(rows).toHaveLength(26);
  expect(rows).toContainEqual(
    expect.objectContaining({ record_key: `${KEY} 100`, stream: 'history', user_id: world.userId }),
  );
  expect(JSON.stringify(rows)).not.toContain('hunter2');
});

test('texts that a database cannot keep are cleaned, not refused', async () => {
  const { counts } = await world.import(chat([message({ text: 'a\u0000b\ud800' })]));
  expect(counts.messages).toMatchObject({ new: 1, refused: 0 });
  expect(await world.messages()).toMatchObject([{ content: 'ab\ufffd' }]);
});

test('a message that is in the file twice is stored once', async () => {
  const { counts } = await world.import(chat([message(), message({ text: 'again' })]));
  expect(counts.messages).toMatchObject({ read: 2, new: 1, duplicate: 1 });
  expect(await world.messages()).toMatchObject([{ content: 'again' }]);
});

test('the connected bot is the account: what it says in the file is outbound', async () => {
  await world.import(chat([message({ from_id: `user${BOT_ID}` })]));
  const rows = await database.asSuperuser('select direction from messages where integration_id = $1', [
    world.integrationId,
  ]);
  expect(rows).toEqual([{ direction: 'outbound' }]);
});

test('a file without instants needs a zone, which is told before anything is stored', async () => {
  const old = { ...message(), date_unixtime: undefined };
  await expect(world.import(chat([old]))).rejects.toMatchObject({ code: 'usage.invalid' });
  expect(await world.messages()).toEqual([]);
});

test.each([
  ['of another platform', `update integrations set platform_id = 'upwork' where id = $1`],
  ['that is disconnected', `update integrations set status = 'disconnected' where id = $1`],
  ['that is gone', 'delete from integrations where id = $1'],
])('an integration %s takes no import', async (_which, change) => {
  await database.asSuperuser(change, [world.integrationId]);
  for (const mode of ['store', 'check'] as const)
    await expect(world.import(chat(many(1)), { mode })).rejects.toMatchObject({ code: 'usage.invalid' });
});

test('only the worker begins an import, and its lease is gone after it', async () => {
  const { integrationId } = world;
  const args = { id: uuidv7(), integrationId, platform: 'telegram', source: 'x', fileName: 'y' };
  for (const role of ['tidemark_api', 'tidemark_scheduler', 'tidemark_readonly', 'tidemark_backup'] as const) {
    await expect(beginImport(database.open(role), args)).rejects.toMatchObject({ code: 'db.forbidden' });
  }
  await world.import(chat(many(1)));
  const leases = await database.asSuperuser('select from tidemark_private.leases where user_id = $1', [world.userId]);
  expect(leases).toEqual([]);
});

test('nobody but begin_import makes rows that stand for the right to import', async () => {
  await world.import(chat(many(1)));
  const [first] = await world.imports();
  const insert = world.worker.tx({ kind: 'none' }, (tx) =>
    tx.query(
      `insert into import_history (id, user_id, integration_id, source, file_name) values ($1, $2, $3, 'x', 'y')`,
      [uuidv7(), world.userId, world.integrationId],
    ),
  );
  await expect(insert).rejects.toMatchObject({ code: 'db.forbidden' });
  expect(first).toMatchObject({ status: 'success' });
});
