// Messages in a table by months: stored once whatever month they are in, moved when their instant moves, found by their
// conversation whichever of the two comes first.

import { beforeAll, beforeEach, expect, test } from 'vitest';
import type { ConversationRecord, MessageRecord } from '../../src/core/records.ts';
import { conversationsTable } from '../../src/store/record-tables/conversations.ts';
import { messagesTable } from '../../src/store/record-tables/messages.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createSyncWorld, type SyncWorld } from '../support/sync-world.ts';
import { openDoor, type UpsertDoor } from '../support/upsert-door.ts';

let database: TestDatabase;
let world: SyncWorld;
let door: UpsertDoor;

beforeAll(async () => {
  database = await createTestDatabase();
});

beforeEach(async () => {
  world = await createSyncWorld(database);
  door = await openDoor(world);
});

const monthsAgo = (months: number): Date => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 10, 12, 0, 0, 123));
};

const message: MessageRecord = {
  chatKey: 'r1',
  platformMessageId: 's 1',
  direction: 'inbound',
  role: 'user',
  senderType: 'client',
  senderId: '88',
  senderName: 'Northwind "Traders"',
  content: 'Hello {world}, \\ and "so" on',
  attachments: [{ id: 'f1', type: 'FILE', name: 'brief.pdf' }],
  status: 'received',
  sentAt: monthsAgo(1),
  editedAt: null,
  messageType: 'text',
  replyToId: null,
  details: { mediaGroupId: '7' },
  sourceUpdatedAt: monthsAgo(1),
};

const talk: ConversationRecord = {
  chatKey: 'r1',
  kind: 'direct',
  title: 'Room',
  topic: null,
  participants: [],
  upworkContractId: null,
  unreadCount: null,
  isHidden: false,
  lastMessageAt: null,
  lastReadAt: null,
  startedAt: null,
  details: {},
  sourceUpdatedAt: null,
};

interface Stored {
  readonly id: string;
  readonly content: string | null;
  readonly part: string;
  readonly is_removed: boolean;
  readonly conversation_id: string | null;
  readonly key_points_here: boolean;
}

/** Every stored message of the account, with its partition and whether its key leads to it. */
async function stored(): Promise<readonly Stored[]> {
  return await database.asSuperuser<Stored>(
    `select m.id, m.content, m.tableoid::regclass::text as part, m.deleted_at is not null as is_removed,
       m.conversation_id, k.message_id is not null and k.deleted_at is not distinct from m.deleted_at as key_points_here
     from messages m
     left join message_keys k on k.integration_id = m.integration_id and k.chat_key = m.chat_key
       and k.platform_message_id = m.platform_message_id and k.message_id = m.id and k.sent_at = m.sent_at
       and k.content_hash = m.content_hash
     where m.integration_id = $1
     order by m.platform_message_id`,
    [world.integrationId],
  );
}

const partOf = (at: Date): string => `messages_${at.toISOString().slice(0, 7).replace('-', '')}`;

const none = { inserted: 0, changed: 0, unchanged: 0, stale: 0 };
const one = { ...none, inserted: 1 };
const changed = { ...none, changed: 1 };

test('a message is stored in its month, and the same one again is nothing new', async () => {
  expect(await door.upsert(messagesTable, message)).toMatchObject(one);
  expect(await door.upsert(messagesTable, message)).toMatchObject({ ...none, unchanged: 1 });
  expect(await stored()).toMatchObject([
    { content: message.content, part: partOf(message.sentAt), is_removed: false, key_points_here: true },
  ]);
});

test('the same id in another conversation is another message', async () => {
  await door.upsert(messagesTable, message);
  expect(await door.upsert(messagesTable, { ...message, chatKey: 'r2' })).toMatchObject(one);
  expect(await stored()).toHaveLength(2);
});

test('an edit changes the row in place, and an older version that comes later changes nothing', async () => {
  await door.upsert(messagesTable, message);
  const [first] = await stored();
  const edit = { ...message, content: 'Edited', editedAt: monthsAgo(0), sourceUpdatedAt: monthsAgo(0) };
  expect(await door.upsert(messagesTable, edit)).toMatchObject(changed);
  expect(await door.upsert(messagesTable, message)).toMatchObject({ ...none, stale: 1 });
  expect(await stored()).toMatchObject([{ id: first!.id, content: 'Edited', key_points_here: true }]);
});

test('an edit that comes before its original stays when the original comes', async () => {
  const edit = { ...message, content: 'Edited', sourceUpdatedAt: monthsAgo(0) };
  await door.upsert(messagesTable, edit);
  expect(await door.upsert(messagesTable, message)).toMatchObject({ ...none, stale: 1 });
  expect(await stored()).toMatchObject([{ content: 'Edited' }]);
});

test('a message whose instant moves lies in its new month only, under its old id', async () => {
  await door.upsert(messagesTable, message);
  const [first] = await stored();
  for (const at of [monthsAgo(2), monthsAgo(40), monthsAgo(0)]) {
    expect(await door.upsert(messagesTable, { ...message, sentAt: at })).toMatchObject(changed);
    const part = at < monthsAgo(2) ? 'messages_default' : partOf(at);
    expect(await stored()).toMatchObject([{ id: first!.id, part, key_points_here: true }]);
  }
});

test('a removed message is marked in both tables and lives again when it comes back', async () => {
  await door.upsert(messagesTable, message);
  await door.upsert(messagesTable, { ...message, platformMessageId: 's' });
  expect(await door.remove(messagesTable, ['r1 s 1', 'r1 unknown'])).toMatchObject({ removed: 1 });
  expect(await stored()).toMatchObject([
    { is_removed: false, key_points_here: true },
    { is_removed: true, key_points_here: true },
  ]);
  expect(await door.upsert(messagesTable, message)).toMatchObject(changed);
  expect(await stored()).toMatchObject([{ is_removed: false }, { is_removed: false, key_points_here: true }]);
});

test.each(['first', 'last'] as const)('messages find their conversation when it comes %s', async (when) => {
  const other = { ...message, platformMessageId: 's 2', sentAt: monthsAgo(20) };
  if (when === 'first') await door.upsert(conversationsTable, talk);
  await door.upsert(messagesTable, message);
  await door.upsert(messagesTable, other);
  await door.upsert(messagesTable, { ...message, chatKey: 'r2' });
  if (when === 'last') await door.upsert(conversationsTable, talk);
  const [conversation] = await database.asSuperuser<{ id: string }>(
    'select id from conversations where integration_id = $1',
    [world.integrationId],
  );
  const linked = (await stored()).map(({ conversation_id: id }) => id === conversation!.id);
  expect(linked.filter((isLinked) => isLinked)).toHaveLength(2);
  expect(linked).toHaveLength(3);
});

test('a conversation key with white space is refused: it could not be told from another key', async () => {
  await expect(door.upsert(messagesTable, { ...message, chatKey: 'r 1' })).rejects.toMatchObject({
    code: 'db.constraint',
  });
});

test('a page of a month reads that month and no other', async () => {
  await door.upsert(messagesTable, message);
  const plan = await database.asSuperuser<{ 'QUERY PLAN': string }>(
    `explain select content from messages
     where integration_id = '${world.integrationId}' and chat_key = 'r1'
       and sent_at >= date_trunc('month', now()) and sent_at < date_trunc('month', now()) + interval '1 month'
     order by sent_at desc limit 20`,
  );
  const parts = plan.flatMap((line) => /messages_\d{6}|messages_default/.exec(line['QUERY PLAN'])?.[0] ?? []);
  expect(new Set(parts).size).toBeLessThanOrEqual(1);
});
