// What an update of Telegram says, trap by trap (Bot API 10.1; messaging notes of 2026-11-20).

import { describe, expect, test } from 'vitest';
import { inbox } from '../../src/connectors/telegram/inbox.ts';
import { UPDATE_KINDS } from '../../src/connectors/telegram/update-kinds.ts';
import { cutUpdate } from '../../src/connectors/telegram/updates.ts';
import { webhook } from '../../src/connectors/telegram/webhook.ts';
import { AppError } from '../../src/core/errors.ts';

const receivedAt = new Date('2026-11-20T12:00:00Z');
const ADA = { id: 501, is_bot: false, first_name: 'Ada', last_name: 'L', username: 'ada' };
const PRIVATE = { id: 501, type: 'private', first_name: 'Ada', last_name: 'L', username: 'ada' };
const GROUP = { id: -1001234567890, type: 'supergroup', title: 'Tide', is_forum: true };

const message = (over: object = {}) => ({
  message_id: 7,
  date: 1_763_640_000,
  chat: PRIVATE,
  from: ADA,
  text: 'hi',
  ...over,
});
const read = (kind: string, value: unknown, id = 1) => {
  const { event } = cutUpdate({ update_id: id, [kind]: value }, '42');
  return inbox.read({ ...event, receivedAt });
};
const one = (kind: string, over: object = {}) => read(kind, message(over)).messages![0]!;

describe('cutting updates', () => {
  test('an event is named by its id and what it says: ids may come again for other updates', () => {
    const first = cutUpdate({ update_id: 9, message: message() }, '42').event;
    const again = cutUpdate({ message: message(), update_id: 9 }, '42').event;
    const reset = cutUpdate({ update_id: 9, message: message({ text: 'other' }) }, '42').event;
    expect(again.eventKey).toBe(first.eventKey);
    expect(reset.eventKey).not.toBe(first.eventKey);
    expect(first).toMatchObject({ accountId: '42', kind: 'message', lane: '501' });
  });

  test('a webhook’s update is the same event as the polled one', () => {
    const update = { update_id: 9, message: message() };
    expect(webhook.eventsOf(update, '42')).toEqual([cutUpdate(update, '42').event]);
    expect(() => webhook.eventsOf({ surprise: 1 }, '42')).toThrow(AppError);
  });

  test.each([
    ['callback_query', { id: 'q', from: ADA, message: message({ chat: GROUP }), data: 'x' }, String(GROUP.id)],
    ['business_message', message({ business_connection_id: 'bc' }), 'bc/501'],
    ['poll', { id: 'p' }, 'bot'],
  ])('the lane of %s is its chat', (kind, value, lane) => {
    expect(cutUpdate({ update_id: 1, [kind]: value }, '42').event.lane).toBe(lane);
  });
});

describe('messages', () => {
  test('a private message with its chat', () => {
    const { messages, conversations } = read(
      'message',
      message({ entities: [{ type: 'bold', offset: 0, length: 2 }] }),
    );
    expect(messages).toMatchObject([
      {
        chatKey: '501',
        platformMessageId: '7',
        direction: 'inbound',
        role: 'user',
        senderId: '501',
        senderName: 'Ada L',
        content: 'hi',
        status: 'received',
        messageType: 'text',
        sentAt: new Date('2025-11-20T12:00:00Z'),
        details: { entities: [{ type: 'bold', offset: 0, length: 2 }] },
      },
    ]);
    expect(conversations).toMatchObject([
      {
        chatKey: '501',
        kind: 'direct',
        title: 'Ada L',
        participants: [{ id: '501', name: 'Ada L' }],
        details: { username: 'ada' },
      },
    ]);
  });

  test('an edit is the same message with a later stamp', () => {
    const edited = one('edited_message', { text: 'hello', edit_date: 1_763_640_060 });
    expect(edited).toMatchObject({
      platformMessageId: '7',
      content: 'hello',
      editedAt: new Date('2025-11-20T12:01:00Z'),
    });
    expect(edited.sourceUpdatedAt!.getTime()).toBeGreaterThan(one('message').sourceUpdatedAt!.getTime());
  });

  test('an edit does not make its chat newer than its message', () => {
    const { conversations } = read('edited_message', message({ edit_date: 1_900_000_000 }));
    expect(conversations![0]!.lastMessageAt).toEqual(new Date('2025-11-20T12:00:00Z'));
  });

  test('business chats are a space of their own, in both directions', () => {
    const theirs = one('business_message', { business_connection_id: 'bc' });
    const ours = one('business_message', { business_connection_id: 'bc', from: { ...ADA, id: 600 } });
    const byBot = one('business_message', { business_connection_id: 'bc', sender_business_bot: { id: 42 } });
    expect(theirs).toMatchObject({ chatKey: 'bc/501', direction: 'inbound' });
    expect(ours).toMatchObject({ chatKey: 'bc/501', direction: 'outbound', role: 'assistant', status: 'sent' });
    expect(byBot).toMatchObject({ direction: 'outbound' });
  });

  test('deleted business messages are told by their ids', () => {
    const value = { business_connection_id: 'bc', chat: PRIVATE, message_ids: [7, 8] };
    expect(read('deleted_business_messages', value).removed).toEqual([
      { chatKey: 'bc/501', platformMessageId: '7', removedAt: receivedAt },
      { chatKey: 'bc/501', platformMessageId: '8', removedAt: receivedAt },
    ]);
  });

  test('of a message that a chat wrote, the sender is the chat', () => {
    const fake = { id: 777000, is_bot: false, first_name: 'Telegram' };
    expect(
      one('message', { chat: GROUP, from: fake, sender_chat: { ...GROUP, id: -100, title: 'News' } }),
    ).toMatchObject({
      senderId: '-100',
      senderName: 'News',
    });
  });

  test('a channel post has no person', () => {
    const post = one('channel_post', { chat: { id: -5, type: 'channel', title: 'C' }, from: undefined });
    expect(post).toMatchObject({ senderId: null, senderName: null, direction: 'inbound' });
  });

  test('members of an album carry its id', () => {
    expect(one('message', { media_group_id: '77', text: undefined, caption: 'a', photo: [] }).details).toEqual({
      mediaGroupId: '77',
    });
  });

  test('the largest size of a photo is the attachment, with the id that is the file’s for ever', () => {
    const size = (n: number) => ({ file_id: `f${n}`, file_unique_id: `u${n}`, width: n, height: n, file_size: n });
    const sent = one('message', { text: undefined, caption: 'look', photo: [size(90), size(800), size(320)] });
    expect(sent.attachments).toEqual([{ id: 'u800', type: 'photo', name: null, reference: 'f800', sizeBytes: 800 }]);
    expect(sent).toMatchObject({ content: 'look', messageType: 'photo' });
  });

  test('an animation is one file, although it comes as a document too', () => {
    const file = { file_id: 'f', file_unique_id: 'u', file_name: 'a.mp4', mime_type: 'video/mp4', file_size: 9 };
    expect(one('message', { text: undefined, animation: file, document: file }).attachments).toEqual([
      { id: 'u', type: 'animation', name: 'a.mp4', reference: 'f', mimeType: 'video/mp4', sizeBytes: 9 },
    ]);
  });

  test('a venue is told whole, and is no location', () => {
    const venue = { title: 'Pier', address: 'Sea 1', location: { latitude: 1, longitude: 2 } };
    expect(one('message', { text: undefined, venue, location: venue.location })).toMatchObject({
      messageType: 'venue',
      details: { venue },
    });
  });

  test('a reply names a message of its own chat only', () => {
    expect(one('message', { reply_to_message: { message_id: 3, chat: PRIVATE } }).replyToId).toBe('3');
    expect(one('message', { reply_to_message: { message_id: 3, chat: GROUP } }).replyToId).toBeNull();
  });

  test('a message that is not accessible, with date 0, becomes none', () => {
    expect(() => read('message', message({ date: 0 }))).toThrow(/date/);
  });

  test('ids of supergroups stay exact', () => {
    expect(one('message', { chat: GROUP }).chatKey).toBe('-1001234567890');
  });
});

describe('groups', () => {
  const service = (over: object) => read('message', message({ chat: GROUP, text: undefined, ...over }));

  test('who comes and goes is a member and a message of the system', () => {
    const came = service({ new_chat_members: [ADA, { ...ADA, id: 502, is_bot: true }] });
    expect(came.members).toMatchObject([
      { memberId: '501', status: 'member', name: 'Ada L', isBot: false },
      { memberId: '502', status: 'member', isBot: true },
    ]);
    expect(came.messages).toMatchObject([
      { role: 'system', senderType: 'system', messageType: 'new_chat_members', content: null },
    ]);
    expect(service({ left_chat_member: ADA }).members).toMatchObject([{ memberId: '501', status: 'left' }]);
  });

  test.each([
    ['creator', {}, 'owner'],
    ['administrator', {}, 'administrator'],
    ['kicked', {}, 'banned'],
    ['restricted', { is_member: true }, 'restricted'],
    ['restricted', { is_member: false }, 'left'],
  ])('a change to %s %j is %s', (status, over, expected) => {
    const change = { chat: GROUP, from: ADA, date: 1_763_640_000, new_chat_member: { status, user: ADA, ...over } };
    const { members, events } = read('chat_member', change);
    expect(members).toMatchObject([{ chatKey: String(GROUP.id), memberId: '501', status: expected }]);
    expect(events).toMatchObject([{ kind: 'chat_member', actorId: '501', chatKey: String(GROUP.id) }]);
  });

  test('a migration is told by both chats', () => {
    const old = { id: -5, type: 'group', title: 'Tide' };
    const at = new Date('2025-11-20T12:00:00Z');
    expect(read('message', message({ chat: old, text: undefined, migrate_to_chat_id: GROUP.id })).migrations).toEqual([
      { fromChatKey: '-5', toChatKey: String(GROUP.id), at },
    ]);
    expect(service({ migrate_from_chat_id: -5 }).migrations).toEqual([
      { fromChatKey: '-5', toChatKey: String(GROUP.id), at },
    ]);
  });
});

describe('everything else', () => {
  test('a button that was pressed is kept as it came, without a message', () => {
    const query = { id: 'q', from: ADA, message: { chat: PRIVATE, message_id: 1, date: 0 }, data: 'yes' };
    expect(read('callback_query', query)).toMatchObject({
      events: [
        {
          kind: 'callback_query',
          chatKey: '501',
          actorId: '501',
          occurredAt: receivedAt,
          body: { callback_query: query },
        },
      ],
    });
  });

  test.each(['message_reaction', 'inline_query', 'poll_answer', 'business_connection', 'chat_boost', 'of_tomorrow'])(
    '%s is kept raw',
    (kind) => {
      const value = { anything: [1, 'x', null] };
      const records = read(kind, value);
      expect(records.events).toMatchObject([{ kind, body: { [kind]: value }, chatKey: null }]);
      expect(records.messages).toBeUndefined();
    },
  );

  test('every kind of the API is asked for by name', () => {
    expect(UPDATE_KINDS).toHaveLength(25);
    expect(new Set(UPDATE_KINDS).size).toBe(25);
  });

  test('what has lost its shape says where', () => {
    expect(() => read('message', message({ chat: { id: 1, type: 'cave' } }))).toThrow(
      expect.objectContaining({ code: 'record.invalid', details: { path: 'chat.type' } }) as Error,
    );
  });
});
