// People live around a bot of the simulated Telegram, and it is told what a real one would be told, in the shapes of the official
// description.

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createRandom } from '../simulators/random.ts';
import { sharedFile } from '../simulators/shared-folder.ts';
import type { TelegramBot } from '../simulators/telegram/bot-handle.ts';
import type { Person } from '../simulators/telegram/directory.ts';
import { UNLIMITED } from '../simulators/telegram/limits.ts';
import type { TelegramMessage } from '../simulators/telegram/model.ts';
import { shapeCheck, type TelegramSpec } from '../simulators/telegram/official-shapes.ts';
import { ask, updateKinds, type Answer } from '../simulators/telegram/plain-client.ts';
import { createTelegramSimulator, type TelegramSimulator } from '../simulators/telegram/simulator.ts';
import { manualTime, type ManualTime } from '../simulators/telegram/time.ts';
import { openTown } from '../simulators/telegram/town.ts';
import { UPDATE_KINDS } from '../simulators/telegram/update-kinds.ts';
import { skipUnless } from '../support/skip.ts';

const SPEC = sharedFile('specs/telegram-bot-api.json');

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

const call = (method: string, parameters: object = {}): Promise<Answer> =>
  ask(sim.baseUrl, bot.token, method, { ...parameters });
const send = (parameters: object = {}): Promise<Answer> =>
  call('sendMessage', { chat_id: ada.chat.id, text: 'hello', ...parameters });
const asked = async (): Promise<readonly Record<string, TelegramMessage>[]> =>
  (await call('getUpdates')).result as readonly Record<string, TelegramMessage>[];

describe('people', () => {
  it('an album is several messages with one group and no end', async () => {
    bot.album(ada.chat, 3, { with: { caption: 'Look' } });
    const messages = (await asked()).map(({ message }) => message!);
    expect(new Set(messages.map(({ media_group_id: group }) => group)).size).toBe(1);
    expect(messages.every(({ photo }) => Array.isArray(photo))).toBe(true);
  });

  it.each([
    ['old first', ['migrate_to_chat_id', 'migrate_from_chat_id']],
    ['new first', ['migrate_from_chat_id', 'migrate_to_chat_id']],
  ] as const)(
    'a group moves with two service messages, %s, and its messages count from one again',
    async (order, names) => {
      const group = sim.addGroup({ members: [ada.user] });
      for (let n = 0; n < 5; n += 1) bot.say(group);
      const { services } = bot.migrate(group, order);
      expect(services.map(({ message_id: id }) => id)).toEqual([6, 1]);
      const last = (await asked()).slice(-2).map(({ message }) => message!);
      expect(last.map((message) => names.find((name) => name in message))).toEqual(names);
    },
  );

  it('an edit comes with the same id, also of a message that was never told, and before it', async () => {
    const unseen = bot.compose(ada.chat, { text: 'before our time' });
    bot.edit(unseen, { text: 'corrected' });
    bot.receive({ message: unseen });
    const [first, second] = await asked();
    expect(first!['edited_message']).toMatchObject({ message_id: unseen.message_id, text: 'corrected' });
    expect(second!['message']).toEqual(unseen);
  });

  it('a business chat has the id of the bot’s own chat and messages of its own', async () => {
    const owner = sim.addPerson();
    const connection = bot.businessConnect(owner);
    const own = bot.say(ada.chat, { text: 'to the bot' });
    const said = bot.businessSay(connection, ada, { text: 'to the owner' });
    const answered = bot.businessSay(connection, ada, { text: 'from the owner', from: owner.user });
    bot.edit(said, { text: 'to the owner!' });
    bot.businessDelete(connection, ada, [said.message_id]);
    expect([said.chat.id, said.message_id, answered.message_id]).toEqual([own.chat.id, own.message_id, 2]);
    expect(updateKinds(await call('getUpdates'))).toEqual([
      'business_connection',
      'message',
      'business_message',
      'business_message',
      'edited_business_message',
      'deleted_business_messages',
    ]);
    expect((await send({ business_connection_id: connection.id })).result).toMatchObject({
      message_id: 3,
      from: owner.user,
      sender_business_bot: bot.user,
      business_connection_id: connection.id,
    });
    bot.businessConnect(owner, { id: connection.id, isEnabled: false });
    expect((await send({ business_connection_id: connection.id })).status).toBe(400);
  });

  it('who comes and goes is a service message, and a change of members for those who asked', async () => {
    await call('getUpdates', { allowed_updates: ['message', 'chat_member', 'my_chat_member'] });
    const group = sim.addGroup({ members: [ada.user] });
    bot.join(group, bot.user);
    bot.join(group, ben.user);
    bot.leave(group, ben.user);
    const updates = await asked();
    expect(updates.map((update) => Object.keys(update)[1])).toEqual(
      ['my_chat_member', 'chat_member', 'chat_member'].flatMap((kind) => ['message', kind]),
    );
    expect(updates[1]!['my_chat_member']).toMatchObject({
      old_chat_member: { status: 'left' },
      new_chat_member: { status: 'member', user: bot.user },
    });
    expect(updates.at(-1)!['chat_member']).toMatchObject({ new_chat_member: { status: 'left' } });
    const admins = await call('getChatAdministrators', { chat_id: group.id });
    expect(admins.result).toEqual([{ status: 'creator', user: ada.user, is_anonymous: false }]);
    expect((await call('getChatMember', { chat_id: group.id, user_id: ben.user.id })).result).toMatchObject({
      status: 'left',
    });
  });

  it('who blocks the bot tells it so, and takes no message until the bot is let in again', async () => {
    bot.block(ada.chat);
    expect((await send()).description).toBe('Forbidden: bot was blocked by the user');
    bot.unblock(ada.chat);
    expect((await send()).status).toBe(200);
    const changes = (await asked()).map((update) => update['my_chat_member']!['new_chat_member']);
    expect(changes).toMatchObject([{ status: 'kicked' }, { status: 'member' }]);
  });

  it('a bot that left a group cannot write to it', async () => {
    const group = sim.addGroup({ type: 'supergroup', members: [ada.user] });
    bot.leave(group, bot.user);
    expect((await send({ chat_id: group.id })).description).toBe(
      'Forbidden: bot is not a member of the supergroup chat',
    );
    bot.join(group, bot.user);
    expect((await send({ chat_id: group.id })).status).toBe(200);
  });

  it('a bot never sees what bots say, and in privacy mode only what is meant for it', async () => {
    const group = sim.addGroup({ members: [ada.user] });
    bot = sim.addBot({ username: 'shy_bot', readsGroups: false });
    const other = sim.addBot();
    bot.say(group, { text: 'chatter' });
    bot.say(group, { text: '/start', from: other.user });
    bot.say(group, { text: '/start' });
    bot.say(group, { text: 'hey @shy_bot' });
    bot.say(group, { text: 'yes', with: { reply_to_message: (await send({ chat_id: group.id })).result } });
    expect((await asked()).map(({ message }) => message!['text'])).toEqual(['/start', 'hey @shy_bot', 'yes']);
    expect((await call('getMe')).result).toMatchObject({ can_read_all_group_messages: false });
  });

  it('a kind that nobody has heard of comes like any other', async () => {
    expect(bot.unknownKind('telepathy')).toBe(bot.nextUpdateId - 1);
    expect(updateKinds(await call('getUpdates'))).toEqual(['telepathy']);
  });
});

describe('a town', () => {
  it('is the same for the same seed', async () => {
    const live = async (): Promise<unknown> => {
      await sim.stop();
      sim = createTelegramSimulator({ time, limits: UNLIMITED });
      await sim.start();
      bot = sim.addBot();
      openTown({ sim, bot, random: createRandom(3) }).change(300);
      return asked();
    };
    const first = await live();
    expect(first).toHaveLength(100);
    expect(await live()).toEqual(first);
  });
});

describe('official description', () => {
  it('has the kinds of updates that the simulator knows, in that order', (context) => {
    skipUnless(context, SPEC, 'needs ../shared/specs/telegram-bot-api.json');
    const { types } = JSON.parse(readFileSync(SPEC, 'utf8')) as TelegramSpec;
    const names = types['Update']!.fields!.map(({ name }) => name);
    expect(names).toEqual(['update_id', ...UPDATE_KINDS]);
  });

  it('answers and updates have every required field, with the types that it says', async (context) => {
    skipUnless(context, SPEC, 'needs ../shared/specs/telegram-bot-api.json');
    const check = shapeCheck(JSON.parse(readFileSync(SPEC, 'utf8')) as TelegramSpec);
    await call('getUpdates', { allowed_updates: UPDATE_KINDS });
    const group = sim.addGroup({ members: [ada.user] });
    bot.join(group, bot.user);
    bot.join(group, ben.user);
    const message = bot.say(group, { text: 'hello' });
    bot.edit(message);
    bot.press(message, { data: 'go' });
    bot.react(message, { emoji: '👍' });
    bot.album(ada.chat, 2);
    bot.say(sim.addGroup({ type: 'channel' }), { text: 'news' });
    const connection = bot.businessConnect(ben);
    bot.businessDelete(connection, ada, [bot.businessSay(connection, ada).message_id]);
    bot.migrate(group);
    bot.block(ben.chat);
    openTown({ sim, bot, random: createRandom(7) }).change(60);
    for (const update of await asked()) expect(check('Update', update)).toEqual([]);
    const chat_id = ada.chat.id;
    for (const kind of ['photo', 'video', 'audio', 'document', 'animation', 'voice', 'sticker'])
      expect(check('Message', (await call(`send${kind}`, { chat_id, [kind]: 'https://a.example/b' })).result)).toEqual(
        [],
      );
    expect(check('Message', (await send({ text: '<b>x</b>', parse_mode: 'HTML' })).result)).toEqual([]);
    expect(check('User', (await call('getMe')).result)).toEqual([]);
    expect(check('ChatFullInfo', (await call('getChat', { chat_id })).result)).toEqual([]);
    expect(check('WebhookInfo', (await call('getWebhookInfo')).result)).toEqual([]);
    expect(check('File', (await call('getFile', { file_id: bot.addFile().fileId })).result)).toEqual([]);
  });
});
