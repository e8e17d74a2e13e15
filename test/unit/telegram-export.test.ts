// Telegram Desktop's export is found in the file wherever its bytes are cut, and what is none is refused.

import { describe, expect, test } from 'vitest';
import { account, bytesOf, chat, cut, message, parse, readAll } from '../support/telegram-export.ts';

describe('the file', () => {
  test('of one chat is that chat', async () => {
    const { talks, messages } = await parse(chat([message({ id: 1 }), message({ id: 2 })]));
    expect(talks).toMatchObject([{ chatKey: '-1001234567890', kind: 'group', title: 'Team' }]);
    expect(messages.map(({ platformMessageId, chatKey }) => [chatKey, platformMessageId])).toEqual([
      ['-1001234567890', '1'],
      ['-1001234567890', '2'],
    ]);
  });

  test('of an account is its chats and those it left, whatever else has messages in it', async () => {
    const value = account(
      [
        chat([message()], { type: 'personal_chat', id: 5 }),
        chat([], { type: 'private_group', id: 6, name: null }),
        chat([message()], { type: 'saved_messages', id: 77, name: undefined }),
      ],
      [chat([message()], { type: 'public_channel', id: 8 })],
    );
    const { talks, messages } = await parse(value);
    expect(talks.map(({ chatKey, kind, title }) => [chatKey, kind, title])).toEqual([
      ['history/5', 'direct', 'Team'],
      ['history/-6', 'group', null],
      ['history/77', 'direct', null],
      ['-1000000000008', 'channel', 'Team'],
    ]);
    expect(talks[3]!.details).toMatchObject({ isLeft: true });
    expect(messages).toHaveLength(3);
  });

  test('says where each record is in it', async () => {
    const { pages } = await readAll(cut(bytesOf(account([chat([]), chat([message(), message({ id: 2 })])]))));
    expect(pages.map(({ talk }) => talk.path)).toEqual(['chats.list.0', 'chats.list.1']);
    expect(pages[1]!.messages.map(({ path }) => path)).toEqual(['chats.list.1.messages.0', 'chats.list.1.messages.1']);
  });

  test('comes in pages of at most a thousand, of one chat each', async () => {
    const many = Array.from({ length: 2_001 }, (_, index) => message({ id: index + 1 }));
    const { pages } = await readAll(cut(bytesOf(account([chat(many), chat([message()], { id: 2 })]))));
    expect(pages.map(({ messages }) => messages.length)).toEqual([1_000, 1_000, 1, 1]);
    expect(pages.map(({ readBytes }) => readBytes)).toEqual(
      pages.map(({ readBytes }) => readBytes).toSorted((a, b) => a - b),
    );
  });

  test('comes in smaller pages when its messages are long', async () => {
    const long = Array.from({ length: 6 }, (_, index) => message({ id: index, text: 'x'.repeat(400_000) }));
    const { pages } = await readAll(cut(bytesOf(chat(long))));
    expect(pages.map(({ messages }) => messages.length)).toEqual([3, 3]);
  });

  test('may be cut between any two bytes', async () => {
    const value = account([
      chat([
        message({ text: ['a "quoted" \\ [word], ', { type: 'bold', text: 'žluť 🎉 {' }] }),
        message({ id: 2, n: -1.5e3, ok: null }),
      ]),
    ]);
    const bytes = bytesOf(value);
    const whole = await readAll(cut(bytes));
    expect(whole.error).toBeNull();
    for (let at = 0; at <= bytes.length; at += 1) expect(await readAll(cut(bytes, [at]))).toEqual(whole);
  });

  test('may begin with a byte order mark, and that may be cut too', async () => {
    const marked = bytesOf(`\uFEFF${JSON.stringify(chat([message()]))}`);
    for (const cuts of [[], [1], [2], [1, 2], [3]]) {
      const { pages, error } = await readAll(cut(marked, cuts));
      expect([error, pages.length]).toEqual([null, 1]);
    }
  });

  test('that breaks off anywhere gives what came before and says at which byte', async () => {
    const bytes = bytesOf(chat([message({ id: 1 }), message({ id: 2 }), message({ id: 3 })]));
    const third = new TextDecoder().decode(bytes).indexOf('"id": 3');
    const { pages, error } = await readAll(cut(bytes.subarray(0, third + 20)));
    expect(pages.flatMap(({ messages }) => messages)).toHaveLength(2);
    expect(error).toMatchObject({ code: 'import.file_invalid', kind: 'fatal' });
    expect((error as Error).message).toContain(`byte ${third + 20}`);
  });

  test('with garbage in it gives what came before, also out of the same chunk', async () => {
    const text = JSON.stringify(chat([message({ id: 1 }), message({ id: 2 })]));
    const { pages, error } = await readAll(cut(bytesOf(text.replace('{"id":2', '\u0000\u0000garbage'))));
    expect(pages.flatMap(({ messages }) => messages)).toHaveLength(1);
    expect(error).toMatchObject({ code: 'import.file_invalid' });
  });

  test.each([
    ['a page of HTML', '<!DOCTYPE html><html></html>'],
    ['another kind of JSON', '{"users": [{"name": "x"}]}'],
    ['a list', '[{"id": 1, "messages": []}]'],
    ['a number', '17'],
    ['nothing', ''],
    ['text in UTF-16', '\uFFFE{'],
    ['two documents', `${JSON.stringify(chat([]))} {}`],
    ['a bracket of another kind', '{"chats": {"list": [}'],
    ['a member without a colon', '{"chats" {"list": []}}'],
    ['a chat without its id', JSON.stringify({ name: 'x', type: 'personal_chat', messages: [message()] })],
  ])('that is %s is refused', async (_what, text) => {
    const { error } = await readAll(cut(bytesOf(text)));
    expect(error).toMatchObject({ code: 'import.file_invalid' });
  });

  test('with brackets without end is refused before it fills the memory', async () => {
    const { error } = await readAll(cut(bytesOf('['.repeat(100_000))));
    expect(error).toMatchObject({ code: 'import.file_invalid' });
  });

  test('with a message that has no end is refused before it fills the memory', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield bytesOf('{"type":"personal_chat","id":1,"messages":["');
      for (;;) yield await Promise.resolve(new Uint8Array(64 * 1024).fill(0x61));
    }
    expect((await readAll(endless())).error).toMatchObject({ code: 'import.file_invalid' });
  });

  test('of an account without chats is an empty one', async () => {
    expect(await readAll(cut(bytesOf(account([]))))).toEqual({ pages: [], error: null });
  });
});
