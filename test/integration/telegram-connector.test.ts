// The connector before the simulated Telegram, over real HTTP: asking for updates as the server reads it, its refusals, sending.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { telegram } from '../../src/connectors/telegram/index.ts';
import type { OutgoingMessage } from '../../src/connectors/contract/sending.ts';
import type { AppError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Lesson } from '../../src/limits/governor.ts';
import type { TelegramBot } from '../simulators/telegram/bot-handle.ts';
import { failureAnswer, HTML_502, refusal, tooManyRequests } from '../simulators/telegram/failure.ts';
import { UNLIMITED } from '../simulators/telegram/limits.ts';
import { createTelegramSimulator, type TelegramSimulator } from '../simulators/telegram/simulator.ts';
import { OPEN_GOVERNOR, rigContext } from '../support/connector-rig.ts';

const { polling, sending, inbox } = telegram;
let sim: TelegramSimulator;
let bot: TelegramBot;

beforeEach(async () => {
  sim = createTelegramSimulator({ limits: UNLIMITED, traps: { antiHammering: false, smoothConflicts: false } });
  await sim.start();
  bot = sim.addBot({ username: 'tide_bot' });
});
afterEach(() => sim.stop());

const context = (settings: object = {}) =>
  rigContext({ connector: telegram, baseUrl: sim.baseUrl, credentials: bot.credentials, settings });
const ask = (position: number | null, waitSeconds = 0) => polling!.poll(context(), { position, waitSeconds });
const textsOf = (batch: Awaited<ReturnType<typeof ask>>): readonly unknown[] =>
  batch.events
    .flatMap((event) => inbox!.read({ ...event, receivedAt: new Date() }).messages ?? [])
    .map(({ content }) => content);
const send = (message: Partial<OutgoingMessage>) => sending!.send(context(), message as OutgoingMessage);

describe('asking for updates', () => {
  test('a batch is deleted by the next question, and not before', async () => {
    const { chat } = sim.addPerson();
    bot.say(chat, { text: 'one' });
    bot.say(chat, { text: 'two' });
    const first = await ask(null);
    expect(textsOf(first)).toEqual(['one', 'two']);
    expect(bot.pending).toBe(2);
    expect(await ask(first.position)).toEqual({ events: [], position: first.position });
    expect(bot.pending).toBe(0);
  });

  test('the position is one behind the last update, without a margin', async () => {
    const { chat } = sim.addPerson();
    bot.say(chat, { text: 'one' });
    const { position } = await ask(null);
    expect(position).toBe(bot.nextUpdateId);
    bot.say(chat, { text: 'two' });
    expect(textsOf(await ask(position))).toEqual(['two']);
  });

  test.each(['up', 'down'] as const)('ids that began anew, %s, are followed', async (way) => {
    const { chat } = sim.addPerson();
    bot.say(chat, { text: 'before' });
    const { position } = await ask(null);
    await ask(position);
    bot.resetIds({ to: way === 'up' ? position! + 1_000_000 : 2_500_000 });
    bot.say(chat, { text: 'after' });
    const next = await ask(position);
    expect(textsOf(next)).toEqual(['after']);
    expect(next.position).toBe(bot.nextUpdateId);
    expect(await ask(next.position)).toMatchObject({ events: [] });
  });

  test('a short batch is not the end', async () => {
    const cut = createTelegramSimulator({
      limits: UNLIMITED,
      traps: { antiHammering: false },
      queue: { answerBytes: 2_000 },
    });
    await cut.start();
    const other = cut.addBot();
    for (let n = 0; n < 20; n += 1) other.say(cut.addPerson().chat, { text: 'x'.repeat(200) });
    const its = rigContext({ connector: telegram, baseUrl: cut.baseUrl, credentials: other.credentials });
    let position: number | null = null;
    let total = 0;
    for (let batch = await polling!.poll(its, { position, waitSeconds: 0 }); batch.events.length > 0;) {
      total += batch.events.length;
      position = batch.position;
      batch = await polling!.poll(its, { position, waitSeconds: 0 });
    }
    expect(total).toBe(20);
    await cut.stop();
  });

  test('kinds that are sent on demand only are asked for', async () => {
    await ask(null);
    expect(bot.subscription?.has('chat_member')).toBe(true);
    expect(bot.subscription?.has('message_reaction_count')).toBe(true);
  });

  test('a question waits until something comes', async () => {
    const { chat } = sim.addPerson();
    const answer = ask(null, 50);
    await bot.untilPolling();
    bot.say(chat, { text: 'at last' });
    expect(textsOf(await answer)).toEqual(['at last']);
  });
});

describe('refusals', () => {
  const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
    const error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(JSON.stringify([error, (error as Error).message, (error as Error).stack])).not.toContain(
      bot.id.toString() + ':',
    );
    return (error as AppError).code;
  };

  test('the different 409s are told apart', async () => {
    const waiting = codeOf(ask(null, 50));
    await bot.untilPolling();
    const newcomer = ask(null, 50);
    newcomer.catch(() => undefined);
    expect(await waiting).toBe('receive.other_poller');
    await bot.untilPolling();
    const changed = codeOf(newcomer);
    await polling!.startWebhook(context(), { url: 'https://127.0.0.1:8443/hook', secret: new Secret('s') });
    expect(await changed).toBe('receive.webhook_changed');
    expect(await codeOf(ask(null))).toBe('receive.webhook_active');
  });

  test('a revoked token is a dead credential, by 401 and by 404', async () => {
    const old = context();
    bot.revoke();
    expect(await codeOf(polling!.poll(old, { position: null, waitSeconds: 0 }))).toBe('platform.unauthorized');
    const never = rigContext({
      connector: telegram,
      baseUrl: sim.baseUrl,
      credentials: { bot_token: `77:${'x'.repeat(35)}` },
    });
    await expect(telegram.test(never)).rejects.toMatchObject({ code: 'platform.unauthorized' });
  });

  test('a 429 says how long to wait', async () => {
    sim.faults.add({ match: { operation: 'getUpdates' }, fault: refusal(tooManyRequests(7)), times: 1 });
    await expect(ask(null)).rejects.toMatchObject({ code: 'platform.rate_limited', retryAfterMs: 7_000 });
  });

  test('a 429 without its header says it in the body', async () => {
    const { body, status } = failureAnswer(tooManyRequests(9));
    sim.faults.add({ match: { operation: 'getUpdates' }, fault: { kind: 'status', status, body }, times: 1 });
    await expect(ask(null)).rejects.toMatchObject({ code: 'platform.rate_limited', retryAfterMs: 9_000 });
  });

  test('a 429 of one chat does not silence the bot in all others', async () => {
    const lessons: Lesson[] = [];
    const governor = { ...OPEN_GOVERNOR, learn: async (lesson: Lesson) => void lessons.push(lesson) };
    const group = sim.addGroup();
    const its = rigContext({ connector: telegram, baseUrl: sim.baseUrl, credentials: bot.credentials, governor });
    sim.faults.add({ match: { operation: 'sendMessage' }, fault: refusal(tooManyRequests(30)), times: 1 });
    await expect(sending!.send(its, { type: 'text', chat: String(group.id), text: 'x' })).rejects.toMatchObject({
      code: 'platform.rate_limited',
      retryAfterMs: 30_000,
    });
    expect(lessons).toMatchObject([
      { rule: { id: 'telegram.chat' }, outcome: 'rate_limited', retryAfterMs: 30_000 },
      { rule: { id: 'telegram.group' }, outcome: 'rate_limited', retryAfterMs: 30_000 },
    ]);
  });

  test('a page of the edge is a failure that passes', async () => {
    sim.faults.add({ match: { operation: 'getUpdates' }, fault: HTML_502, times: 1 });
    await expect(ask(null)).rejects.toMatchObject({ kind: 'transient' });
  });

  test('the test of a credential says whose it is', async () => {
    expect(await telegram.test(context())).toEqual({ externalAccountId: String(bot.id), displayName: '@tide_bot' });
    expect(telegram.accountOf!(bot.credentials)).toBe(String(bot.id));
  });
});

describe('webhooks', () => {
  const ours = 'https://127.0.0.1:8443/webhooks/telegram/1';

  test('somebody else’s webhook stays, unless the settings let us take it', async () => {
    await polling!.startWebhook(context(), { url: 'https://127.0.0.1:8443/theirs', secret: new Secret('s') });
    await expect(polling!.stopWebhook(context(), (url) => url === ours)).rejects.toMatchObject({
      code: 'receive.webhook_active',
    });
    await expect(polling!.startWebhook(context(), { url: ours, secret: new Secret('s') })).rejects.toMatchObject({
      code: 'receive.webhook_active',
    });
    await polling!.stopWebhook(context({ take_over_webhook: true }), () => false);
    expect(bot.webhookUrl).toBe('');
  });

  test('whether ours stands is told, and one of ours with another address gives way', async () => {
    const moved = 'https://127.0.0.1:8443/moved/webhooks/telegram/1';
    expect(await polling!.isWebhookSet(context(), ours)).toBe(false);
    await polling!.startWebhook(context(), { url: ours, secret: new Secret('s') });
    expect(await polling!.isWebhookSet(context(), ours)).toBe(true);
    await polling!.startWebhook(context(), { url: moved, secret: new Secret('t') }, (url) => url === ours);
    expect(await polling!.isWebhookSet(context(), ours)).toBe(false);
    expect(bot.webhookUrl).toBe(moved);
  });

  test('what waits is kept when a webhook is set and taken away', async () => {
    bot.say(sim.addPerson().chat, { text: 'kept' });
    await polling!.startWebhook(context(), { url: ours, secret: new Secret('s') });
    await polling!.stopWebhook(context(), (url) => url === ours);
    expect(textsOf(await ask(null))).toEqual(['kept']);
  });
});

describe('sending', () => {
  test('text with markup, buttons and a reply', async () => {
    const { chat } = sim.addPerson({ firstName: 'Ada' });
    const first = await send({ type: 'text', chat: String(chat.id), text: 'first' });
    const { platformMessageId, chatKey, records } = await send({
      type: 'text',
      chat: String(chat.id),
      text: '<b>bold</b>',
      format: 'html',
      preview: false,
      replyTo: first.platformMessageId,
      keyboard: [
        [
          { text: 'Yes', data: 'y' },
          { text: 'Site', url: 'https://example.com' },
        ],
      ],
    });
    const sent = sim.sentTo(bot, chat).at(-1)!;
    expect(sent).toMatchObject({
      text: 'bold',
      reply_markup: { inline_keyboard: [[{ callback_data: 'y' }, { url: 'https://example.com' }]] },
    });
    expect(platformMessageId).toBe(String(sent.message_id));
    expect(chatKey).toBe(String(chat.id));
    expect(records.messages).toMatchObject([
      { direction: 'outbound', role: 'assistant', status: 'sent', content: 'bold', replyToId: first.platformMessageId },
    ]);
    expect(records.conversations).toMatchObject([{ chatKey, title: 'Ada' }]);
  });

  test.each(['photo', 'video', 'audio', 'document', 'animation', 'voice'] as const)('%s by link', async (media) => {
    const { chat } = sim.addPerson();
    const { records } = await send({
      type: 'media',
      media,
      chat: String(chat.id),
      link: 'https://example.com/f',
      caption: 'look',
    });
    expect(records.messages).toMatchObject([{ content: 'look', messageType: media, attachments: [{ type: media }] }]);
  });

  test.each(['blocked', 'kicked', 'deactivated', 'not_member'] as const)(
    'a chat that is %s is no dead credential',
    async (trouble) => {
      const { chat } = sim.addPerson();
      bot.trouble(chat, trouble);
      await expect(send({ type: 'text', chat: String(chat.id), text: 'x' })).rejects.toMatchObject({
        code: 'message.recipient_unreachable',
      });
    },
  );

  test('a group that has become a supergroup says its new id', async () => {
    const group = sim.addGroup({ type: 'group' });
    bot.migrate(group);
    await expect(send({ type: 'text', chat: String(group.id), text: 'x' })).rejects.toMatchObject({
      code: 'message.chat_migrated',
      details: { toChatKey: expect.stringMatching(/^-100/) as string },
    });
  });

  test('a video that the platform sends later is no message with the id 0', async () => {
    const { chat } = sim.addPerson();
    const video = { file_id: 'f', file_unique_id: 'u', width: 1, height: 1, duration: 1 };
    const result = { message_id: 0, date: 1_763_640_000, chat, video };
    const fault = { kind: 'status', status: 200, body: { ok: true, result } } as const;
    sim.faults.add({ match: { operation: 'sendVideo' }, fault, times: 1 });
    const sent = await send({ type: 'media', media: 'video', chat: String(chat.id), link: 'https://example.com/v' });
    expect(sent.platformMessageId).toBe('scheduled/1763640000/u');
    expect(sent.records.messages).toMatchObject([{ platformMessageId: sent.platformMessageId, direction: 'outbound' }]);
  });

  test('a message is sent once, even where its answer is lost', async () => {
    const { chat } = sim.addPerson();
    sim.faults.add({ match: { operation: 'sendMessage' }, fault: { kind: 'reset-after-processing' }, times: 1 });
    await expect(send({ type: 'text', chat: String(chat.id), text: 'x' })).rejects.toMatchObject({ kind: 'transient' });
    expect(sim.sentTo(bot, chat)).toHaveLength(1);
  });

  test.each([
    [{ type: 'template', chat: '1', template: 't', language: 'en' }, /no templates/],
    [{ type: 'text', chat: 'bob', text: 'x' }, /chat id/],
    [{ type: 'text', chat: '1', text: 'x', replyTo: 'abc' }, /replyTo/],
    [{ type: 'text', chat: '1', text: 'x', keyboard: [[{ text: 'a', data: 'é'.repeat(40) }]] }, /64 bytes/],
    [{ type: 'media', media: 'sticker', link: 'https://example.com/s', chat: '1', caption: 'x' }, /no caption/],
  ])('what Telegram does not take is refused before: %j', (message, expected) => {
    expect(() => sending!.check(message as OutgoingMessage)).toThrow(expected);
  });
});
