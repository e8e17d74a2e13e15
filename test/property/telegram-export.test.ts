// However the bytes of an export come, the records are the same, and they are those that were written.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { account, bytesOf, chat, cut, exportFile, message, readAll } from '../support/telegram-export.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.oneof(fc.string(), fc.record({ type: fc.constant('bold'), text: fc.string({ unit: 'grapheme' }) })), {
    maxLength: 4,
  }),
);

const chats = fc.array(
  fc.record({
    id: fc.integer({ min: 1, max: 2 ** 40 }),
    type: fc.constantFrom('personal_chat', 'private_group', 'public_supergroup', 'private_channel'),
    name: fc.option(fc.string()),
    messages: fc.array(fc.record({ id: fc.integer(), text, extra: fc.jsonValue({ maxDepth: 3 }) }), { maxLength: 6 }),
  }),
  { maxLength: 4 },
);

test('any chunking of any account gives the same records', async () => {
  await fc.assert(
    fc.asyncProperty(chats, fc.array(fc.nat(), { maxLength: 20 }), fc.boolean(), async (given, places, isPretty) => {
      const value = account(
        given.map(({ messages, ...header }) =>
          chat(
            messages.map((each) => message({ ...each, at: 1 })),
            header,
          ),
        ),
      );
      const bytes = bytesOf(isPretty ? value : JSON.stringify(value));
      const cuts = places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b);
      const whole = await readAll(cut(bytes));
      expect(await readAll(cut(bytes, cuts))).toEqual(whole);
      const file = exportFile();
      const read = whole.pages.flatMap((page) => page.messages.map(({ raw }) => file.parseMessage(raw)));
      const written = given.flatMap(({ messages }) => messages);
      expect(read.map(({ platformMessageId }) => platformMessageId)).toEqual(written.map(({ id }) => String(id)));
      const texts = written.map((each) =>
        typeof each.text === 'string'
          ? each.text
          : each.text.map((part) => (typeof part === 'string' ? part : part.text)).join(''),
      );
      expect(read.map(({ content }) => content ?? '')).toEqual(texts);
    }),
    { numRuns: 150 },
  );
});

test('an export that breaks off anywhere gives the beginning of what the whole one gives', async () => {
  await fc.assert(
    fc.asyncProperty(chats, fc.nat(), fc.nat(), async (given, place, other) => {
      const value = account(
        given.map(({ messages, ...header }) =>
          chat(
            messages.map((each) => message({ ...each, at: 1 })),
            header,
          ),
        ),
      );
      const bytes = bytesOf(value);
      const paths = async (part: Uint8Array, cuts: readonly number[] = []): Promise<readonly string[]> =>
        (await readAll(cut(part, cuts))).pages.flatMap(({ messages }) => messages.map(({ path }) => path));
      const broken = bytes.subarray(0, place % bytes.length);
      const got = await paths(broken);
      expect((await paths(bytes)).slice(0, got.length)).toEqual(got);
      expect(await paths(broken, [other % (broken.length + 1)])).toEqual(got);
    }),
    { numRuns: 100 },
  );
});
