// The simulated Telegram takes messages and files of a bot, or refuses them, as the fact sheet of the platform says.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { TelegramBot } from '../simulators/telegram/bot-handle.ts';
import type { Person } from '../simulators/telegram/directory.ts';
import { defaultLimits, UNLIMITED } from '../simulators/telegram/limits.ts';
import type { TelegramMessage } from '../simulators/telegram/model.ts';
import { ask, type Answer, type AskOptions } from '../simulators/telegram/plain-client.ts';
import { createTelegramSimulator, type TelegramSimulator } from '../simulators/telegram/simulator.ts';
import { manualTime, type ManualTime } from '../simulators/telegram/time.ts';

let time: ManualTime;
let sim: TelegramSimulator;
let bot: TelegramBot;
let ada: Person;
let ben: Person;

beforeEach(async () => {
  time = manualTime(new Date('2026-11-20T10:00:00Z'));
  sim = createTelegramSimulator({ time, limits: UNLIMITED, traps: { antiHammering: false } });
  await sim.start();
  bot = sim.addBot({ username: 'tide_bot' });
  ada = sim.addPerson({ firstName: 'Ada', username: 'ada' });
  ben = sim.addPerson({ firstName: 'Ben' });
});
afterEach(() => sim.stop());

const call = (method: string, parameters: object = {}, options?: AskOptions): Promise<Answer> =>
  ask(sim.baseUrl, bot.token, method, { ...parameters }, options);
const send = (parameters: object = {}): Promise<Answer> =>
  call('sendMessage', { chat_id: ada.chat.id, text: 'hello', ...parameters });

describe('sending', () => {
  it('a message that was accepted comes back whole, and its sender never hears of it again', async () => {
    const { result } = await send({ reply_markup: { inline_keyboard: [[{ text: 'Go', callback_data: 'go' }]] } });
    expect(result).toEqual({
      message_id: 1,
      from: bot.user,
      chat: ada.chat,
      date: 1_795_168_800,
      text: 'hello',
      reply_markup: { inline_keyboard: [[{ text: 'Go', callback_data: 'go' }]] },
    });
    expect((await call('getUpdates')).result).toEqual([]);
    expect(sim.sentTo(bot, ada.chat)).toEqual([result]);
  });

  it('marked-up text becomes entities in UTF-16 units', async () => {
    const html = await send({ text: '🦊 <b>bold &amp; <i>both</i></b>', parse_mode: 'HTML' });
    const markdown = await send({ text: '*bold* \\[plain\\] [link](https://a.example)', parse_mode: 'MarkdownV2' });
    expect(html.result).toMatchObject({
      text: '🦊 bold & both',
      entities: [
        { type: 'bold', offset: 3, length: 11 },
        { type: 'italic', offset: 10, length: 4 },
      ],
    });
    expect(markdown.result).toMatchObject({
      text: 'bold [plain] link',
      entities: [{ type: 'bold' }, { type: 'text_link', offset: 13, length: 4, url: 'https://a.example' }],
    });
  });

  it.each<[string, object]>([
    ['chat_id is empty', { chat_id: '' }],
    ['chat not found', { chat_id: 123 }],
    ['message text is empty', { text: '' }],
    ['message is too long', { text: 'x'.repeat(4_097) }],
    [
      'can\'t parse entities: can\'t find end tag corresponding to start tag "b"',
      { text: '<b>open', parse_mode: 'HTML' },
    ],
    [
      "can't parse entities: character '.' is reserved and must be escaped with the preceding '\\'",
      { text: 'a.b', parse_mode: 'MarkdownV2' },
    ],
    ['message to be replied not found', { reply_parameters: { message_id: 9 } }],
    ['business connection not found', { business_connection_id: 'none' }],
  ])('refuses what it cannot take: %s', async (what, parameters) => {
    expect(await send(parameters)).toMatchObject({ status: 400, description: `Bad Request: ${what}` });
    expect(bot.sent).toEqual([]);
  });

  it.each([
    ['blocked', 403, 'Forbidden: bot was blocked by the user'],
    ['deactivated', 403, 'Forbidden: user is deactivated'],
    ['not_started', 403, "Forbidden: bot can't initiate conversation with a user"],
    ['no_rights', 400, 'Bad Request: not enough rights to send text messages to the chat'],
  ] as const)('a private chat may be closed: %s', async (trouble, status, description) => {
    bot.trouble(ada.chat, trouble);
    expect(await send()).toMatchObject({ status, ok: false, description });
    bot.trouble(ada.chat, null);
    expect((await send()).status).toBe(200);
  });

  it.each(['group', 'supergroup', 'channel'] as const)('a %s may throw the bot out', async (type) => {
    const chat = sim.addGroup({ type, members: [ada.user] });
    bot.trouble(chat, 'kicked');
    expect((await send({ chat_id: chat.id })).description).toBe(`Forbidden: bot was kicked from the ${type} chat`);
    bot.trouble(chat, 'not_member');
    expect((await send({ chat_id: chat.id })).description).toBe(`Forbidden: bot is not a member of the ${type} chat`);
  });

  it('a group that moved says where to', async () => {
    const group = sim.addGroup({ members: [ada.user] });
    const { supergroup } = bot.migrate(group);
    expect(await send({ chat_id: group.id })).toMatchObject({
      status: 400,
      description: 'Bad Request: group chat was upgraded to a supergroup chat',
      parameters: { migrate_to_chat_id: supergroup.id },
    });
    expect((await send({ chat_id: supergroup.id })).status).toBe(200);
  });

  it('a public channel is found by its name, a person is not', async () => {
    sim.addGroup({ type: 'channel', username: 'news' });
    expect((await send({ chat_id: '@News' })).result).toMatchObject({ sender_chat: { username: 'news' } });
    expect((await send({ chat_id: '@ada' })).description).toBe('Bad Request: chat not found');
  });

  it('a message whose answer was lost was sent: who sends it again sends it twice', async () => {
    sim.faults.add({ match: { operation: 'sendMessage' }, fault: { kind: 'reset-after-processing' } });
    await expect(send()).rejects.toThrow();
    await send();
    expect(sim.sentTo(bot, ada.chat).map(({ message_id: id }) => id)).toEqual([1, 2]);
  });

  it('a message whose connection was cut before it was read was not sent', async () => {
    sim.faults.add({ fault: { kind: 'reset' } });
    await expect(send()).rejects.toThrow();
    expect(bot.sent).toEqual([]);
  });

  it('one message a second to a chat, twenty a minute to a group, thirty a second to all', async () => {
    Object.assign(sim.limits, { perChat: defaultLimits().perChat });
    expect((await send()).status).toBe(200);
    expect(await send()).toMatchObject({ status: 429, parameters: { retry_after: 1 } });
    expect((await send({ chat_id: ben.chat.id })).status).toBe(200);
    time.advance(1_000);
    expect((await send()).status).toBe(200);
    Object.assign(sim.limits, { ...UNLIMITED, perGroup: defaultLimits().perGroup });
    const group = sim.addGroup({ members: [ada.user] });
    const inGroup = await Promise.all(Array.from({ length: 21 }, () => send({ chat_id: group.id })));
    expect(inGroup.filter(({ status }) => status === 429)).toMatchObject([{ parameters: { retry_after: 3 } }]);
    Object.assign(sim.limits, { ...UNLIMITED, perBot: { perSecond: 3, burst: 3 } });
    const toAll = await Promise.all(Array.from({ length: 4 }, () => send()));
    expect(toAll.filter(({ status }) => status === 429)).toHaveLength(1);
  });

  it.each(['photo', 'video', 'audio', 'document', 'animation', 'voice', 'sticker'] as const)(
    '%s goes out by link, by file id and as an upload',
    async (kind) => {
      const method = `send${kind}`;
      const chat_id = ada.chat.id;
      const byLink = await call(method, { chat_id, [kind]: 'https://files.example/a/thing.bin' });
      expect(byLink.result).toHaveProperty(kind);
      const media = (byLink.result as Record<string, unknown>)[kind] as { file_id: string } | { file_id: string }[];
      const fileId = Array.isArray(media) ? media.at(-1)!.file_id : media.file_id;
      expect((await call(method, { chat_id, [kind]: fileId }, { as: 'form' })).result).toHaveProperty(kind);
      const upload = new File(['content'], 'thing.bin');
      expect((await call(method, { chat_id, [kind]: upload }, { as: 'multipart' })).result).toHaveProperty(kind);
      expect((await call(method, { chat_id, [kind]: 'stranger' })).description).toBe(
        'Bad Request: wrong file_id or the file is temporarily unavailable',
      );
      sim.traps.unreachableLinks = new Set(['https://gone.example/']);
      expect((await call(method, { chat_id, [kind]: 'https://gone.example/' })).description).toBe(
        'Bad Request: failed to get HTTP URL content',
      );
      expect(bot.sent).toHaveLength(3);
    },
  );

  it('an edit changes the message, unless nothing changes or it is not the bot’s', async () => {
    const said = bot.say(ada.chat);
    const { message_id } = (await send()).result as TelegramMessage;
    const edit = (parameters: object): Promise<Answer> =>
      call('editMessageText', { chat_id: ada.chat.id, message_id, text: 'changed', ...parameters });
    expect((await edit({})).result).toMatchObject({ message_id, text: 'changed', edit_date: 1_795_168_800 });
    expect((await edit({})).description).toMatch(/^Bad Request: message is not modified/);
    expect((await edit({ message_id: said.message_id })).description).toBe("Bad Request: message can't be edited");
    expect((await edit({ message_id: 99 })).description).toBe('Bad Request: message to edit not found');
    expect(sim.sentTo(bot, ada.chat)).toMatchObject([{ text: 'changed' }]);
  });
});

describe('files', () => {
  it('a path is good for an hour, and for the bot that asked for it', async () => {
    const { fileId, uniqueId } = bot.addFile({ name: 'brief.pdf', content: 'the brief' });
    const { result } = await call('getFile', { file_id: fileId });
    const { file_path: path } = result as { file_path: string };
    expect(result).toMatchObject({ file_unique_id: uniqueId, file_size: 9, file_path: 'documents/file_0.pdf' });
    const download = (token: string): Promise<Response> => fetch(`${sim.baseUrl}/file/bot${token}/${path}`);
    expect(await (await download(bot.token)).text()).toBe('the brief');
    const other = sim.addBot();
    expect((await download(other.token)).status).toBe(404);
    expect((await ask(sim.baseUrl, other.token, 'getFile', { file_id: fileId })).status).toBe(400);
    time.advance(3_600_000);
    expect((await download(bot.token)).status).toBe(404);
    expect((await call('getFile', { file_id: fileId })).result).toMatchObject({ file_path: 'documents/file_1.pdf' });
  });

  it('a file above 20 MB cannot be had', async () => {
    const { fileId } = bot.addFile({ size: 20 * 1024 ** 2 + 1 });
    expect((await call('getFile', { file_id: fileId })).description).toBe('Bad Request: file is too big');
  });
});
