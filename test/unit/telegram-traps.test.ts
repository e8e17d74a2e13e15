// Where a message of Telegram is not what it looks like (Bot API 10.1, 2026-06-11; messaging notes of 2026-11-20).

import { describe, expect, test } from 'vitest';
import { inbox } from '../../src/connectors/telegram/inbox.ts';
import { sending } from '../../src/connectors/telegram/sending.ts';
import { parseExactJson } from '../../src/connectors/toolkit/exact-json.ts';
import { cutUpdate } from '../../src/connectors/telegram/updates.ts';

const BOT = '42';
const receivedAt = new Date('2026-11-20T12:00:00Z');
const AT = 1_763_640_000;
const ADA = { id: 501, is_bot: false, first_name: 'Ada' };
const PRIVATE = { id: 501, type: 'private', first_name: 'Ada' };
const GROUP = { id: -1001234567890, type: 'supergroup', title: 'Tide', is_forum: true };

const cut = (kind: string, value: unknown) => cutUpdate({ update_id: 1, [kind]: value }, BOT).event;
const read = (kind: string, value: unknown) => inbox.read({ ...cut(kind, value), receivedAt });
const message = (over: object) => ({ message_id: 7, date: AT, chat: GROUP, from: ADA, ...over });
const one = (over: object, kind = 'message') => read(kind, message(over)).messages![0]!;

describe('spaces of chats', () => {
  test('a guest’s message is in no chat of the bot, although the ids may be those of one', () => {
    const guest = message({ chat: PRIVATE, text: 'help me', guest_query_id: 'q' });
    const { messages, conversations } = read('guest_message', guest);
    expect(messages).toMatchObject([{ chatKey: 'guest/501', content: 'help me', details: { guestQueryId: 'q' } }]);
    expect(conversations).toMatchObject([{ chatKey: 'guest/501' }]);
    expect(cut('guest_message', guest).lane).toBe('guest/501');
    expect(one({ chat: PRIVATE, text: 'mine' }).chatKey).toBe('501');
  });

  test.each(['guest/501', 'history/501'])('nothing can be sent to %s', (chat) => {
    expect(() => sending.check({ type: 'text', chat, text: 'x' })).toThrow(/chat id/);
  });
});

describe('ids', () => {
  test('messages with the id 0, which the platform sends later, are not one message', () => {
    const video = (n: number) => ({ video: { file_id: `f${n}`, file_unique_id: `u${n}` } });
    const [first, second] = [one({ message_id: 0, ...video(1) }), one({ message_id: 0, ...video(2) })];
    expect(first).toMatchObject({ platformMessageId: 'scheduled/1763640000/u1', details: { isScheduled: true } });
    expect(second.platformMessageId).not.toBe(first.platformMessageId);
  });

  test.each([['9007199254740991'], [Number.MAX_SAFE_INTEGER], [-1]])('the date %s is none', (date) => {
    expect(() => one({ date, text: 'x' })).toThrow(
      expect.objectContaining({ code: 'record.invalid', details: { path: 'date' } }) as Error,
    );
  });
});

describe('replies', () => {
  test('in a topic every message names the topic’s first one, and answers nothing by that', () => {
    const topic = { message_thread_id: 3, is_topic_message: true };
    expect(one({ ...topic, text: 'x', reply_to_message: { message_id: 3, chat: GROUP } })).toMatchObject({
      replyToId: null,
      details: { threadId: '3' },
    });
    expect(one({ ...topic, text: 'x', reply_to_message: { message_id: 5, chat: GROUP } }).replyToId).toBe('5');
  });

  test('a quote, and an answer to what stands elsewhere, are kept', () => {
    const quote = { text: 'pier', position: 4 };
    const elsewhere = { origin: { type: 'hidden_user', sender_user_name: 'B', date: AT }, message_id: 9 };
    expect(one({ text: 'x', quote, external_reply: elsewhere }).details).toEqual({ quote, externalReply: elsewhere });
  });
});

describe('what a chat tells of itself', () => {
  test.each<[string, unknown, object]>([
    ['new_chat_title', 'Ebb', { new_chat_title: 'Ebb' }],
    ['forum_topic_created', { name: 'Nets', icon_color: 1 }, { forum_topic_created: { name: 'Nets', icon_color: 1 } }],
    ['message_auto_delete_timer_changed', { message_auto_delete_time: 60 }, {}],
    ['pinned_message', { chat: GROUP, message_id: 3, date: 0 }, { messageId: '3' }],
    ['delete_chat_photo', true, { delete_chat_photo: true }],
  ])('%s is said with what it says', (type, value, details) => {
    expect(one({ [type]: value })).toMatchObject({ messageType: type, role: 'system', content: null, details });
  });

  test('papers of a person are not kept', () => {
    const papers = { data: [], credentials: { data: 'sealed', hash: 'h', secret: 's' } };
    expect(one({ passport_data: papers })).toMatchObject({ messageType: 'passport_data', details: {} });
  });

  test('what stands beside it is not taken for it', () => {
    const beside = {
      sender_tag: 'captain',
      direct_messages_topic: { topic_id: 5 },
      effect_id: 'e',
      is_paid_post: true,
    };
    expect(one({ ...beside, new_chat_title: 'Ebb' })).toMatchObject({ messageType: 'new_chat_title', role: 'system' });
    expect(one({ ...beside, event_of_tomorrow: { a: 1 } })).toMatchObject({
      messageType: 'event_of_tomorrow',
      details: { event_of_tomorrow: { a: 1 } },
    });
  });

  test('a giveaway is content', () => {
    const giveaway = { chats: [GROUP], winners_selection_date: AT, winner_count: 3 };
    expect(one({ giveaway })).toMatchObject({ messageType: 'giveaway', role: 'user', details: { giveaway } });
  });

  test('what the bot itself did is outbound', () => {
    const bot = { id: 42, is_bot: true, first_name: 'Tide' };
    expect(one({ from: bot, pinned_message: { chat: GROUP, message_id: 3, date: AT } })).toMatchObject({
      direction: 'outbound',
      status: 'sent',
      role: 'system',
    });
  });
});

describe('files', () => {
  test('a live photo is two files', () => {
    const still = { file_id: 'f1', file_unique_id: 'u1', width: 9, height: 9 };
    const moving = { file_id: 'f2', file_unique_id: 'u2', width: 9, height: 9, mime_type: 'video/mp4' };
    expect(one({ live_photo: { ...moving, photo: [still] }, photo: [still] })).toMatchObject({
      messageType: 'live_photo',
      attachments: [
        { id: 'u2', type: 'live_photo', mimeType: 'video/mp4' },
        { id: 'u1', type: 'photo' },
      ],
    });
  });
});

test('where somebody is, is told in numbers, whole or not', () => {
  const text = '{"latitude":52,"longitude":13.404954,"horizontal_accuracy":1.5}';
  const location = parseExactJson(text);
  expect(one({ location }).details).toEqual({ location: JSON.parse(text) as unknown });
  const query = { id: 'q', from: ADA, query: '1.5', offset: '', location };
  expect(read('inline_query', query).events![0]!.body).toEqual({
    inline_query: { ...query, location: JSON.parse(text) as unknown },
  });
});

describe('members', () => {
  const stamp = (records: ReturnType<typeof read>) => records.members![0]!.sourceUpdatedAt!.getTime();

  test('a ban is not undone by the message that somebody has left, which comes with it', () => {
    const banned = { chat: GROUP, from: ADA, date: AT, new_chat_member: { status: 'kicked', user: ADA } };
    const left = read('message', message({ left_chat_member: ADA }));
    expect(stamp(left)).toBeLessThan(stamp(read('chat_member', banned)));
  });

  test('a status that nobody knows yet does not cost the event', () => {
    const change = { chat: GROUP, from: ADA, date: AT, new_chat_member: { status: 'guest', user: ADA } };
    const { events, members } = read('chat_member', change);
    expect(events).toMatchObject([{ kind: 'chat_member', body: { chat_member: change } }]);
    expect(members).toEqual([]);
  });
});

describe('everything else', () => {
  test.each<[string, object, object]>([
    ['chat_boost', { chat: GROUP, boost: { boost_id: 'b', add_date: AT } }, { occurredAt: new Date(AT * 1_000) }],
    ['removed_chat_boost', { chat: GROUP, boost_id: 'b', remove_date: AT }, { occurredAt: new Date(AT * 1_000) }],
    ['poll_answer', { poll_id: 'p', voter_chat: { id: -5, type: 'channel' } }, { actorId: '-5', chatKey: null }],
    ['message_reaction', { chat: GROUP, message_id: 3, date: AT, actor_chat: GROUP }, { actorId: '-1001234567890' }],
    ['callback_query', { id: 'q', from: ADA, message: { chat: 'odd' }, data: 'x' }, { actorId: '501', chatKey: null }],
  ])('%s says when, where and who, as far as it can be read', (kind, value, expected) => {
    expect(read(kind, value).events).toMatchObject([{ kind, body: { [kind]: value }, ...expected }]);
  });

  test('a body that could not be cut is a dead letter, and not an empty event', () => {
    const body = { surprise: 1 };
    expect(() => inbox.read({ accountId: BOT, eventKey: 'unread:1', kind: 'unread', body, receivedAt })).toThrow(
      expect.objectContaining({ code: 'record.invalid' }) as Error,
    );
  });

  test('deleted messages of no business are none of the bot’s own chats', () => {
    expect(() => read('deleted_business_messages', { chat: PRIVATE, message_ids: [7] })).toThrow(
      expect.objectContaining({ code: 'record.invalid', details: { path: 'business_connection_id' } }) as Error,
    );
  });

  test('a lane that is too long for one is the bot’s', () => {
    expect(cut('message', message({ business_connection_id: 'b'.repeat(300) })).lane).toBe('bot');
  });
});
