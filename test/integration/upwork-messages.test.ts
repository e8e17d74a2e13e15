// What was written in rooms, from a simulated Upwork: who said it, which rooms are opened, and each trap by its name.

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Plan } from '../../src/connectors/contract/stream.ts';
import { parseStory } from '../../src/connectors/upwork/schemas/stories.ts';
import { DAY_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { sharedFile } from '../simulators/shared-folder.ts';
import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import { createUpworkSimulator, type UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { officialSchema } from '../simulators/upwork/validate.ts';
import type { Room, Story } from '../simulators/upwork/work-model.ts';
import { contextOf, readAll, streamNamed, type Pass } from '../support/upwork.ts';

const SDL = sharedFile('specs/upwork/upwork.graphql');
const NOW = new Date('2026-10-02T12:00:00Z');
const MONTH_AGO = new Date('2026-09-02T12:00:00Z');

let sim: UpworkSimulator;
let ada: AddedAccount;
let accountId = '';

beforeEach(async () => {
  sim = createUpworkSimulator({ now: () => NOW, official: SDL === undefined ? undefined : officialSchema(SDL) });
  ada = sim.addAccount();
  accountId = ada.account.id;
  await sim.start();
});

afterEach(async () => {
  await sim.stop();
  expect(sim.violations, 'queries and answers fit the official schema').toEqual([]);
});

const read = (cursor: unknown = null, until = NOW): Promise<Pass> =>
  readAll('messages', contextOf(sim, ada), cursor, until);

const addRoom = (given: Partial<Room> = {}): string =>
  sim.state.work.rooms.add({ accountId, createdAt: MONTH_AGO, ...given }).id;

const addStory = (roomId: string, given: Partial<Story> = {}): string =>
  sim.state.work.stories.add({ accountId, roomId, createdAt: MONTH_AGO, updatedAt: MONTH_AGO, ...given }).id;

const keysIn = (pass: Pass): string[] => [...pass.records.keys()].sort();

function allKeys(): string[] {
  return [...sim.state.work.stories.all.values()].map(({ id, roomId }) => `${roomId} ${id}`).sort();
}

async function costOf(pass: () => Promise<unknown>): Promise<number> {
  const before = sim.journal.total;
  await pass();
  return sim.journal.total - before;
}

test('every story of every room comes with who said it and which way it went', async () => {
  const pair = addRoom({ listing: 'hidden' });
  const group = addRoom({ type: 'GROUP', listing: 'typed' });
  const edited = new Date(MONTH_AGO.getTime() + MINUTE_MS);
  const mine = addStory(pair, { authorId: accountId, message: 'Hello', updatedAt: edited });
  const theirs = addStory(pair, { attachments: [{ id: 'f1', type: 'FILE', name: 'brief.pdf' }] });
  const unknown = addStory(group, { message: null });
  const pass = await read();
  const found = (room: string, id: string) => parseStory(pass.records.get(`${room} ${id}`));
  expect(found(pair, mine)).toMatchObject({
    chatKey: pair,
    direction: 'outbound',
    role: 'user',
    senderType: 'freelancer',
    senderId: accountId,
    content: 'Hello',
    status: 'sent',
    sentAt: MONTH_AGO,
    editedAt: edited,
    sourceUpdatedAt: edited,
  });
  expect(found(pair, theirs)).toMatchObject({
    direction: 'inbound',
    senderType: 'client',
    senderName: 'Northwind Traders',
    attachments: [{ id: 'f1', type: 'FILE', name: 'brief.pdf' }],
    status: 'received',
    editedAt: null,
  });
  expect(found(group, unknown)).toMatchObject({ direction: 'inbound', senderType: null, content: null });
  expect(pass.cursor).toEqual({ mark: NOW.toISOString(), pass: null });
});

test('the total of stories lies, so a list is read to its end', async () => {
  const room = addRoom();
  for (let n = 0; n < 250; n += 1) addStory(room, { createdAt: new Date(MONTH_AGO.getTime() + n) });
  expect(keysIn(await read())).toEqual(allKeys());
});

test('stories of the system, which have no author, are kept and are no complaint', async () => {
  const room = addRoom();
  for (let n = 0; n < 120; n += 1) addStory(room, { authorId: n % 7 === 0 ? null : accountId });
  const pass = await read();
  expect(keysIn(pass)).toEqual(allKeys());
  expect(pass.problems).toEqual([]);
  const roles = [...pass.records.values()].map((raw) => parseStory(raw).role);
  expect(roles.filter((role) => role === 'system')).toHaveLength(18);
});

test('a cursor that comes again is the end of a short list, and a complaint behind a full page', async () => {
  sim.traps.storyCursorStuck = true;
  const short = addRoom();
  for (let n = 0; n < 3; n += 1) addStory(short);
  const first = await read();
  expect([keysIn(first), first.problems]).toEqual([allKeys(), []]);
  const long = addRoom();
  for (let n = 0; n < 130; n += 1) addStory(long);
  const second = await read();
  expect(second.records.size).toBe(103);
  expect(second.problems).toMatchObject([{ code: 'sync.cursor_stuck' }]);
});

test('only rooms in which something was written are opened, favoured ones as well', async () => {
  const rooms = Array.from({ length: 40 }, (_, n) => addRoom({ listing: n % 2 === 0 ? 'favorite' : 'default' }));
  for (const room of rooms) for (let n = 0; n < 5; n += 1) addStory(room);
  const first = await read();
  const fresh = [rooms[2]!, rooms[5]!].map((room) => `${room} ${addStory(room, { createdAt: NOW, updatedAt: NOW })}`);
  const later = new Date(NOW.getTime() + MINUTE_MS);
  let second: Pass | undefined;
  // Who asks, the lists of rooms at once, and one page of each changed room.
  expect(await costOf(async () => (second = await read(first.cursor, later)))).toBe(4);
  expect(keysIn(second!)).toEqual(fresh);
});

test('a day of a changed room is read again, because people correct what they wrote', async () => {
  const room = addRoom();
  const yesterday = new Date(NOW.getTime() - DAY_MS / 2);
  const corrected = addStory(room, { createdAt: yesterday, message: 'tpyo' });
  const first = await read();
  sim.state.work.stories.change(corrected, { message: 'typo' });
  addStory(room, { createdAt: NOW });
  const second = await read(first.cursor, new Date(NOW.getTime() + MINUTE_MS));
  expect(parseStory(second.records.get(`${room} ${corrected}`)).content).toBe('typo');
});

test('a range that silently finds nothing is not believed', async () => {
  sim.traps.storyRange = 'empty';
  const room = addRoom();
  for (let n = 0; n < 130; n += 1) addStory(room);
  const first = await read();
  const fresh = addStory(room, { createdAt: NOW });
  let second: Pass | undefined;
  expect(await costOf(async () => (second = await read(first.cursor, new Date(NOW.getTime() + MINUTE_MS))))).toBe(5);
  expect(keysIn(second!)).toContain(`${room} ${fresh}`);
});

test('a pass that broke off opens neither the rooms nor the pages behind it again', async () => {
  const rooms = Array.from({ length: 3 }, () => addRoom());
  for (const room of rooms) for (let n = 0; n < 250; n += 1) addStory(room);
  const stream = streamNamed('messages');
  const plan: Plan<unknown> = { type: 'full', cursor: null, since: null, until: NOW };
  const stored = new Set<string>();
  const take = (records: readonly unknown[]): void => {
    for (const raw of records) stored.add(stream.keyOf(raw)!);
  };
  let cursor: unknown = null;
  let pages = 0;
  for await (const page of stream.read(plan, contextOf(sim, ada))) {
    take(page.records);
    cursor = page.checkpoint ?? cursor;
    pages += 1;
    // The rooms, three pages of the first and two of the second.
    if (pages === 6) break;
  }
  const rest = await readAll('messages', contextOf(sim, ada), stream.cursor.schema.parse(cursor));
  take([...rest.records.values()]);
  expect([...stored].sort()).toEqual(allKeys());
  expect(rest.records.size).toBe(50 + 250);
});

test('a backfill keeps what was written in its window', async () => {
  const room = addRoom();
  const ids = [1, 2, 3].map((n) => addStory(room, { createdAt: new Date(MONTH_AGO.getTime() + n * DAY_MS) }));
  const stream = streamNamed('messages');
  const [since, until] = [2, 3].map((n) => new Date(MONTH_AGO.getTime() + n * DAY_MS)) as [Date, Date];
  const found: unknown[] = [];
  for await (const page of stream.read({ type: 'backfill', cursor: null, since, until }, contextOf(sim, ada)))
    found.push(...page.records.map((raw) => stream.keyOf(raw)));
  expect(found).toEqual([`${room} ${ids[1]}`]);
});
