// What Telegram Desktop writes is read as the Bot API would have told it.

import { describe, expect, test } from 'vitest';
import {
  account,
  BEGIN_S,
  bytesOf,
  chat,
  cut,
  exportFile,
  message,
  one,
  parse,
  readAll,
  type MessageOptions,
  type Raw,
} from '../support/telegram-export.ts';

describe('ids', () => {
  test('a chat id without the -100 prefix becomes the Bot API’s, also where it has not ten digits', async () => {
    const keyOf = async (type: string, id: number): Promise<string> =>
      (await parse(chat([], { type, id }))).talks[0]!.chatKey;
    expect(await keyOf('public_supergroup', 1_234_567_890)).toBe('-1001234567890');
    expect(await keyOf('private_channel', 777)).toBe('-1000000000777');
    expect(await keyOf('private_channel', 12_345_678_901)).toBe('-1012345678901');
    expect(await keyOf('private_group', 777)).toBe('history/-777');
    expect(await keyOf('bot_chat', 7_000_000_001)).toBe('history/7000000001');
  });

  test('an id past 2^53 keeps its digits', async () => {
    const text = JSON.stringify(chat([message()], { type: 'private_group', id: 1 }))
      .replace('"id":1,"messages"', '"id":9007199254740993,"messages"')
      .replace('{"id":1', '{"id":9007199254740995');
    const { talks, messages } = await parse(text);
    expect([talks[0]!.chatKey, messages[0]!.platformMessageId]).toEqual([
      'history/-9007199254740993',
      '9007199254740995',
    ]);
  });

  test('messages of before a group became a supergroup keep their negative ids', async () => {
    expect(await one({ id: -999_678_450, at: 1 })).toMatchObject({ platformMessageId: '-999678450' });
  });

  test.each([
    ['user123', '123'],
    ['channel777', '-1000000000777'],
    ['chat5', '-5'],
    [123, '123'],
  ])('the sender %s is %s', async (written, id) => {
    expect(await one({ from_id: written })).toMatchObject({ senderId: id });
  });

  test('a file of before bare ids has the kind of peer in its ids', async () => {
    const old = { date_unixtime: undefined, date: '2021-03-18T15:20:24' };
    const options = { timezone: 'UTC' };
    const { talks, messages } = await parse(
      account([
        chat([message({ ...old, from_id: 4_294_967_296 + 77 })], { id: 8_589_934_592 + 1_234_567_890 }),
        chat([message({ ...old, from_id: 8_589_934_592 + 55 })], { type: 'private_group', id: 8_589_934_592 + 5 }),
        chat([], { type: 'personal_chat', id: 4_294_967_296 + 77 }),
      ]),
      options,
    );
    expect(talks.map(({ chatKey }) => chatKey)).toEqual(['-1001234567890', 'history/-5', 'history/77']);
    expect(messages.map(({ senderId }) => senderId)).toEqual(['77', '-1000000000055']);
    // The same number in a file of today is a user's whole id.
    expect(await one({}, { type: 'personal_chat', id: 4_294_967_296 + 77 })).toMatchObject({
      chatKey: 'history/4294967373',
    });
  });
});

describe('times', () => {
  test('instants come as text, and as a number from other exporters', async () => {
    const at = new Date((BEGIN_S + 1) * 1_000);
    expect(await one({})).toMatchObject({ sentAt: at, editedAt: null, sourceUpdatedAt: at });
    expect(await one({ date_unixtime: BEGIN_S + 1 })).toMatchObject({ sentAt: at });
  });

  test('an edit is the version of the message', async () => {
    const editedAt = new Date((BEGIN_S + 60) * 1_000);
    expect(await one({ edited_unixtime: String(BEGIN_S + 60) })).toMatchObject({ editedAt, sourceUpdatedAt: editedAt });
  });

  const old = { date_unixtime: undefined, date: '2021-03-18T15:20:24' };

  test('an old export has local times, which need a zone', async () => {
    expect(await one(old, {}, { timezone: 'Europe/Berlin' })).toMatchObject({
      sentAt: new Date('2021-03-18T14:20:24Z'),
    });
    await expect(one(old)).rejects.toMatchObject({ code: 'usage.invalid' });
  });

  test.each([
    ['2021-03-28T01:59:59', '2021-03-28T00:59:59Z', 'before the clock is set forward'],
    ['2021-03-28T02:30:00', '2021-03-28T01:30:00Z', 'in the hour that is left out'],
    ['2021-03-28T03:00:00', '2021-03-28T01:00:00Z', 'after it'],
    ['2021-10-31T02:30:00', '2021-10-31T00:30:00Z', 'in the hour that comes twice'],
    ['2021-10-31T03:00:00', '2021-10-31T02:00:00Z', 'after that'],
  ])('%s in Berlin is %s: %s', async (date, instant) => {
    expect(await one({ ...old, date }, {}, { timezone: 'Europe/Berlin' })).toMatchObject({ sentAt: new Date(instant) });
  });

  test('old exporters wrote 1970 for a message that was never edited', async () => {
    const options = { timezone: 'UTC' };
    expect(await one({ ...old, edited: '1970-01-01T03:00:00' }, {}, options)).toMatchObject({ editedAt: null });
  });

  test.each(['', '0', '-5', 'yesterday', '99999999999999'])('the instant %j is none', async (seconds) => {
    await expect(one({ date_unixtime: seconds, date: undefined })).rejects.toMatchObject({ code: 'record.invalid' });
  });
});

describe('messages', () => {
  test('text is one text, or pieces of which some are marked', async () => {
    const text = [
      'see ',
      { type: 'text_link', text: 'this', href: 'https://example.test/x' },
      { type: 'bold', text: '!' },
    ];
    expect(await one({ text })).toMatchObject({ content: 'see this!', details: { links: ['https://example.test/x'] } });
    expect(await one({ text: '' })).toMatchObject({ content: null, messageType: 'text' });
    expect(await one({ text: [] })).toMatchObject({ content: null });
  });

  test('a deleted account has an id and no name', async () => {
    expect(await one({ from: null })).toMatchObject({ senderName: null, senderId: '77' });
  });

  test('an answer names its message, unless that is in another chat', async () => {
    expect(await one({ reply_to_message_id: 5 })).toMatchObject({ replyToId: '5' });
    expect(await one({ reply_to_message_id: 5, reply_to_peer_id: 'channel9' })).toMatchObject({
      replyToId: null,
      details: { replyToPeerId: 'channel9' },
    });
  });

  test('a service message is the system’s', async () => {
    const given = { type: 'service', actor: 'Ada', actor_id: 'user77', action: 'pin_message', message_id: 4, text: '' };
    expect(await one({ ...given, from: undefined, from_id: undefined })).toMatchObject({
      role: 'system',
      senderType: 'system',
      senderId: '77',
      senderName: 'Ada',
      direction: null,
      messageType: 'pin_message',
      content: null,
      details: { messageId: '4' },
    });
  });

  const skipped = '(File not included. Change data exporting settings to download.)';

  test.each<readonly [string, MessageOptions, unknown]>([
    [
      'a photo',
      { photo: 'photos/photo_1@03-05-2026_10-00-00.jpg', photo_file_size: 9 },
      { type: 'photo', name: null, sizeBytes: 9 },
    ],
    ['a photo that was left out', { photo: skipped.replace('File', 'Photo') }, { type: 'photo', name: null }],
    [
      'a file',
      { file: 'files/brief (1).pdf', file_name: 'brief.pdf', file_size: 12, mime_type: 'application/pdf' },
      { type: 'document', name: 'brief.pdf', sizeBytes: 12, mimeType: 'application/pdf' },
    ],
    ['a file without its own name', { file: 'files/brief.pdf' }, { type: 'document', name: 'brief.pdf' }],
    ['a file that was left out', { file: skipped, file_name: 'brief.pdf' }, { type: 'document', name: 'brief.pdf' }],
    [
      'a file with its name before the words',
      { file: `brief.pdf ${skipped}` },
      { type: 'document', name: 'brief.pdf' },
    ],
    ['a nameless file that was left out', { file: skipped }, { type: 'document', name: null }],
    [
      'a file that was too large',
      { file: '(File exceeds maximum size. Change data exporting settings to download.)' },
      { name: null },
    ],
    ['a sticker', { file: skipped, media_type: 'sticker', sticker_emoji: '🎉' }, { type: 'sticker', name: null }],
    [
      'a voice message',
      { file: 'voice_messages/audio_1@03-05-2026_10-00-00.ogg', media_type: 'voice_message' },
      { type: 'voice', name: null },
    ],
    ['a round video', { file: skipped, media_type: 'video_message' }, { type: 'video_note', name: null }],
    [
      'a video',
      { file: 'video_files/video_1@03-05-2026_10-00-00.mp4', media_type: 'video_file' },
      { type: 'video', name: null },
    ],
    ['a song', { file: 'files/song.mp3', media_type: 'audio_file' }, { type: 'audio', name: 'song.mp3' }],
  ])('%s is an attachment, without the placeholder path', async (_what, given, attachment) => {
    const read = await one(given);
    expect(read.attachments).toMatchObject([attachment as Raw]);
    expect(read.messageType).toBe(read.attachments[0]!.type);
    expect(JSON.stringify(read)).not.toContain('not included');
  });

  test.each([
    ['contact', { contact_information: { first_name: 'A', last_name: '', phone_number: '+1 555 0100' } }],
    ['location', { location_information: { latitude: 50.1, longitude: 14.4 } }],
    ['location', { location_information: null }],
    ['venue', { place_name: 'Café', location_information: { latitude: 50.1, longitude: 14.4 } }],
    ['poll', { poll: { question: 'q', closed: false, total_voters: 0, answers: [] } }],
    ['game', { game_title: 'g' }],
    ['invoice', { invoice_information: { title: 't' } }],
  ])('a %s is known by its member, and nobody’s phone number is kept', async (type, given) => {
    const read = await one({ ...given, text: '' });
    expect(read).toMatchObject({ messageType: type, attachments: [] });
    expect(JSON.stringify(read)).not.toContain('555');
  });

  test('a message that the exporting program did not know has no date and is refused', async () => {
    const { pages } = await readAll(cut(bytesOf(chat([{ id: 7, type: 'unsupported' }]))));
    expect(() => exportFile().parseMessage(pages[0]!.messages[0]!.raw)).toThrow(
      'a message that the exporting program knew',
    );
    expect(exportFile().keyOf(pages[0]!.messages[0]!.raw)).toBe('-1001234567890 7');
  });

  test('a control character in the exporter’s own spelling is read', async () => {
    const text = JSON.stringify(chat([message({ text: 'a_TAB_b \\x0B "c"' })])).replace('_TAB_', '\\x0B');
    expect((await parse(text)).messages[0]!.content).toBe('a\u000Bb \\x0B "c"');
  });

  test('one that is no JSON inside is refused, and the next one is read', async () => {
    const text = JSON.stringify(chat([message({ id: 1 }), message({ id: 2 })])).replace('"text 1"', 'nonsense');
    const file = exportFile();
    const { pages, error } = await readAll(cut(bytesOf(text)));
    const [first, second] = pages[0]!.messages;
    expect(error).toBeNull();
    expect(() => file.parseMessage(first!.raw)).toThrow(expect.objectContaining({ code: 'record.invalid' }));
    expect(file.parseMessage(second!.raw)).toMatchObject({ platformMessageId: '2' });
  });

  test('a chat of an unknown type is refused with its messages, not the file', async () => {
    const file = exportFile();
    const { pages, error } = await readAll(
      cut(bytesOf(account([chat([message()], { type: null }), chat([message()])]))),
    );
    expect([error, pages.length]).toEqual([null, 2]);
    const refused = expect.objectContaining({ code: 'record.invalid' });
    expect(() => file.parseTalk(pages[0]!.talk.raw)).toThrow(refused);
    expect(() => file.parseMessage(pages[0]!.messages[0]!.raw)).toThrow(refused);
    expect(file.keyOf(pages[0]!.messages[0]!.raw)).toBeNull();
  });

  test('no reason quotes what was written', async () => {
    const { pages } = await readAll(cut(bytesOf(chat([{ ...message(), text: { secret: 'hunter2' } }]))));
    const thrown = (() => {
      try {
        return exportFile().parseMessage(pages[0]!.messages[0]!.raw);
      } catch (error) {
        return error as Error;
      }
    })();
    expect(thrown).toMatchObject({ code: 'record.invalid' });
    expect((thrown as Error).message).not.toContain('hunter2');
  });
});

describe('direction', () => {
  const bot = { accountId: '900' };
  test.each([
    ['in a group, what others say', { from_id: 'user77' }, {}, 'inbound'],
    ['in a group, what the connected bot says', { from_id: 'user900' }, {}, 'outbound'],
    ['in a channel, its own posts', { from_id: 'channel1234567890' }, { type: 'public_channel' }, null],
    ['in a chat of two, what the other one says', { from_id: 'user5' }, { type: 'personal_chat', id: 5 }, 'inbound'],
    ['in a chat of two, what the exporter says', { from_id: 'user77' }, { type: 'personal_chat', id: 5 }, 'outbound'],
    [
      'in the chat with the connected bot, what the bot says',
      { from_id: 'user900' },
      { type: 'bot_chat', id: 900 },
      'outbound',
    ],
    [
      'in the chat with the connected bot, what the exporter says',
      { from_id: 'user77' },
      { type: 'bot_chat', id: 900 },
      'inbound',
    ],
    ['among saved messages, everything', { from_id: 'user77' }, { type: 'saved_messages', id: 77 }, 'outbound'],
  ] as const)('%s', async (_where, given, inChat, direction) => {
    expect(await one(given, inChat, bot)).toMatchObject({
      direction,
      status: direction === 'outbound' ? 'sent' : 'received',
    });
  });
});
