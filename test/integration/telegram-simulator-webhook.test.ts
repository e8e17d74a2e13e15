// The simulated Telegram calls webhooks as the fact sheet of the platform says: over real HTTP, to a server that the test is.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { TelegramBot } from '../simulators/telegram/bot-handle.ts';
import type { Person } from '../simulators/telegram/directory.ts';
import { UNLIMITED } from '../simulators/telegram/limits.ts';
import { ask, texts, type Answer, type PlainUpdate } from '../simulators/telegram/plain-client.ts';
import { createTelegramSimulator, type TelegramSimulator } from '../simulators/telegram/simulator.ts';
import { manualTime, type ManualTime } from '../simulators/telegram/time.ts';
import { serve, type Answer as Reply, type Asked } from '../support/loopback.ts';
import { waitFor } from '../support/wait.ts';

const HOUR = 3_600_000;
const START = new Date('2026-11-20T10:00:00Z');

let time: ManualTime;
let sim: TelegramSimulator;
let bot: TelegramBot;
let ada: Person;
let ben: Person;

beforeEach(async () => {
  time = manualTime(START);
  sim = createTelegramSimulator({ time, limits: UNLIMITED, traps: { antiHammering: false } });
  await sim.start();
  bot = sim.addBot();
  ada = sim.addPerson();
  ben = sim.addPerson();
});
afterEach(() => sim.stop());

const call = (method: string, parameters: object = {}): Promise<Answer> =>
  ask(sim.baseUrl, bot.token, method, { ...parameters });
const ok: Reply = (response) => void response.end();
const status =
  (code: number, headers: Record<string, string> = {}): Reply =>
  (response) =>
    void response.writeHead(code, headers).end();
const updateOf = ({ body }: Asked): PlainUpdate => JSON.parse(body) as PlainUpdate;
const textOf = (asked: Asked): unknown => updateOf(asked).message?.['text'];
const delivered = (count: number): Promise<unknown> =>
  waitFor(() => sim.deliveries.count((entry) => entry.status !== null) >= count, { what: `${count} deliveries` });
const drained = (): Promise<unknown> => waitFor(() => bot.pending === 0, { what: 'an empty queue' });

/** A webhook that answers in this way; its requests so far. */
async function hook(reply: Reply, parameters: object = {}): Promise<readonly Asked[]> {
  const { origin, asked } = await serve(reply);
  expect(await call('setWebhook', { url: `${origin}/hook`, ...parameters })).toMatchObject({ result: true });
  return asked;
}

describe('setting', () => {
  it.each([
    [{ url: 'nonsense' }, 'Bad Request: invalid webhook URL specified'],
    [{ url: 'http://tidemark.example/' }, 'Bad Request: bad webhook: An HTTPS URL must be provided for webhook'],
    [
      { url: 'https://tidemark.example:8080/' },
      'Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443',
    ],
    [
      { url: 'https://a.example', secret_token: 'no spaces' },
      'Bad Request: secret token contains unallowed characters',
    ],
    [{ url: 'https://a.example', secret_token: 'x'.repeat(257) }, 'Bad Request: secret token is too long'],
  ])('refuses %j', async (parameters, description) => {
    expect(await call('setWebhook', parameters)).toMatchObject({ status: 400, description });
    expect((await call('getUpdates')).status).toBe(200);
  });

  it('says what became of the webhook, and tells about it', async () => {
    const url = 'https://tidemark.example/hook';
    const set = { url, max_connections: 7, allowed_updates: ['message'] };
    expect((await call('setWebhook', set)).description).toBe('Webhook was set');
    expect((await call('setWebhook', set)).description).toBe('Webhook is already set');
    expect((await call('getWebhookInfo')).result).toMatchObject({
      url,
      has_custom_certificate: false,
      pending_update_count: 0,
      max_connections: 7,
      allowed_updates: ['message'],
    });
    expect((await call('setWebhook', { url: '' })).description).toBe('Webhook was deleted');
    expect((await call('deleteWebhook')).description).toBe('Webhook is already deleted');
    expect([...bot.subscription!]).toEqual(['message']);
  });

  it('more than one setting within a second is told to wait for one', async () => {
    sim.limits.setWebhookMs = 1_000;
    await call('setWebhook', { url: 'https://tidemark.example/1' });
    expect(await call('setWebhook', { url: 'https://tidemark.example/2' })).toMatchObject({
      status: 429,
      parameters: { retry_after: 1 },
    });
    expect((await call('deleteWebhook')).status).toBe(200);
    time.advance(1_000);
    expect((await call('setWebhook', { url: 'https://tidemark.example/2' })).status).toBe(200);
  });
});

describe('deliveries', () => {
  it('each update is a POST of its own with the secret in a header', async () => {
    const asked = await hook(ok, { secret_token: 'our-secret_1' });
    bot.say(ada.chat, { text: 'one' });
    bot.say(ada.chat, { text: 'two' });
    await drained();
    expect(asked.map(textOf)).toEqual(['one', 'two']);
    expect(asked[0]).toMatchObject({
      method: 'POST',
      url: '/hook',
      headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': 'our-secret_1' },
    });
    expect(sim.deliveries.entries[0]).toMatchObject({ operation: 'message', account: String(bot.id), status: 200 });
  });

  it('without a secret token there is no header to check', async () => {
    const asked = await hook(ok);
    bot.say(ada.chat);
    await drained();
    expect(asked[0]!.headers).not.toHaveProperty('x-telegram-bot-api-secret-token');
  });

  it('a failing update holds back its own chat and kind only', async () => {
    const asked = await hook((response, request) =>
      status(textOf(request) === 'bad' ? 500 : 200)(response, request, 0),
    );
    const message = bot.say(ada.chat, { text: 'bad' });
    bot.say(ada.chat, { text: 'behind' });
    bot.say(ben.chat, { text: 'beside' });
    bot.press(message, { data: 'go' });
    await waitFor(() => bot.pending === 2, { what: 'what is not held back' });
    await delivered(4);
    expect(asked.map(textOf)).not.toContain('behind');
    expect(asked.map(textOf)).toContain('beside');
    expect(asked.some((request) => 'callback_query' in updateOf(request))).toBe(true);
  });

  it('at most max_connections are under way at once', async () => {
    const gate = Promise.withResolvers<void>();
    let [now, most] = [0, 0];
    await hook(
      (response) => {
        most = Math.max(most, (now += 1));
        void gate.promise.then(() => {
          now -= 1;
          return response.end();
        });
      },
      { max_connections: 2 },
    );
    for (let n = 0; n < 5; n += 1) bot.say(sim.addPerson().chat);
    await waitFor(() => most === 2, { what: 'two deliveries at once' });
    gate.resolve();
    await drained();
    expect(most).toBe(2);
  });

  it('a failure is repeated at once, then after 2, 4, 8 seconds, until it is taken', async () => {
    const asked = await hook((response, request, n) => status(n < 5 ? 503 : 200)(response, request, n));
    bot.say(ada.chat, { text: 'again' });
    for (const [count, seconds] of [
      [2, 2],
      [3, 4],
      [4, 8],
    ] as const) {
      await time.untilWaiting(1);
      expect(asked).toHaveLength(count);
      time.advance(seconds * 1_000 - 1);
      await time.untilWaiting(1);
      expect(asked).toHaveLength(count);
      time.advance(1);
    }
    await drained();
    expect(asked.map(textOf)).toEqual(['again', 'again', 'again', 'again', 'again']);
    expect((await call('getWebhookInfo')).result).toMatchObject({
      last_error_message: 'Wrong response from the webhook: 503 Service Unavailable',
    });
  });

  it('our Retry-After is honoured, up to an hour', async () => {
    const asked = await hook((response, request, n) =>
      status(n === 1 ? 503 : 200, { 'retry-after': '9000' })(response, request, n),
    );
    bot.say(ada.chat);
    await time.untilWaiting(1);
    time.advance(HOUR - 1);
    expect(asked).toHaveLength(1);
    time.advance(1);
    await drained();
    expect(asked).toHaveLength(2);
  });

  it('a redirect is a failure and is not followed', async () => {
    const asked = await hook(status(302, { location: '/elsewhere' }));
    bot.say(ada.chat);
    await delivered(1);
    expect(bot.pending).toBe(1);
    expect(asked.map(({ url }) => url)).not.toContain('/elsewhere');
  });

  it('an update is dropped when its own day is over', async () => {
    sim.traps.webhookPauseMs = () => 2 * HOUR;
    await hook(status(500));
    bot.say(ada.chat, { date: new Date(START.getTime() - 23 * HOUR) });
    await drained();
    expect(sim.deliveries.total).toBe(1);
  });

  it('an answer that was lost brings the update twice', async () => {
    sim.deliveryFaults.add({ fault: { kind: 'reset-after-processing' } });
    const asked = await hook(ok);
    bot.say(ada.chat, { text: 'twice' });
    await drained();
    expect(asked.map(updateOf).map(({ update_id: id }) => id)).toEqual(Array(2).fill(updateOf(asked[0]!).update_id));
  });

  it('410 for 23 hours takes the webhook away and keeps what waits', async () => {
    sim.traps.webhookPauseMs = () => 12 * HOUR;
    await hook(status(410));
    bot.receive({ poll: { id: '1', question: 'Still there?' } });
    await time.untilWaiting(1);
    time.advance(12 * HOUR);
    await delivered(2);
    expect(bot.webhookUrl).not.toBe('');
    await time.untilWaiting(1);
    time.advance(11 * HOUR + 1);
    bot.say(ben.chat, { text: 'hello' });
    await waitFor(() => bot.webhookUrl === '', { what: 'the end of the webhook' });
    expect(texts(await call('getUpdates'))).toContain('hello');
  });

  it('an answer that names a method is executed, unless it reads or steers the bot', async () => {
    await hook((response, request) => {
      const method = textOf(request) === 'steer' ? 'deleteWebhook' : 'sendMessage';
      response.end(JSON.stringify({ method, chat_id: ada.chat.id, text: 'echo' }));
    });
    bot.say(ada.chat, { text: 'steer' });
    bot.say(ada.chat, { text: 'speak' });
    await waitFor(() => bot.sent.length > 0, { what: 'the message' });
    expect(sim.sentTo(bot, ada.chat)).toMatchObject([{ text: 'echo' }]);
    expect(bot.webhookUrl).not.toBe('');
  });
});

describe('from one way of telling to the other', () => {
  it('what a webhook did not take is there to be asked for, and the other way round', async () => {
    sim.traps.webhookPauseMs = () => HOUR;
    await hook(status(500));
    bot.say(ada.chat, { text: 'one' });
    await delivered(1);
    await call('deleteWebhook');
    bot.say(ada.chat, { text: 'two' });
    expect(texts(await call('getUpdates'))).toEqual(['one', 'two']);
    const asked = await hook(ok);
    await drained();
    expect(asked.map(textOf)).toEqual(['one', 'two']);
  });

  it('a delivery under way when the webhook goes is told again', async () => {
    const gate = Promise.withResolvers<void>();
    const asked = await hook((response) => void gate.promise.then(() => response.end()));
    bot.say(ada.chat, { text: 'one' });
    await waitFor(() => asked.length === 1, { what: 'the delivery' });
    await call('deleteWebhook');
    gate.resolve();
    expect(texts(await call('getUpdates'))).toEqual(['one']);
  });

  it('drop_pending_updates forgets what waits', async () => {
    bot.say(ada.chat);
    await call('deleteWebhook', { drop_pending_updates: true });
    expect(bot.pending).toBe(0);
    bot.say(ada.chat);
    await hook(ok, { drop_pending_updates: true });
    expect([bot.pending, sim.deliveries.total]).toEqual([0, 0]);
  });

  it('a simulator that was away goes on where it stopped', async () => {
    const asked = await hook(ok);
    const { port } = new URL(sim.baseUrl);
    await sim.stop();
    bot.say(ada.chat, { text: 'one' });
    expect(asked).toHaveLength(0);
    await sim.start(Number(port));
    await drained();
    expect(asked.map(textOf)).toEqual(['one']);
  });

  it('a public address leads where the simulator is told to call, and nowhere else', async () => {
    await call('setWebhook', { url: 'https://tidemark.example/hook' });
    bot.say(ada.chat);
    await delivered(1);
    expect(sim.deliveries.entries[0]).toMatchObject({ path: '/hook', status: 0 });
    expect((await call('getWebhookInfo')).result).toMatchObject({
      last_error_message: 'Failed to resolve host: Name or service not known',
    });
    const { origin, asked } = await serve(ok);
    await sim.stop();
    sim = createTelegramSimulator({ time, resolveWebhook: ({ pathname }) => new URL(pathname, origin) });
    await sim.start();
    bot = sim.addBot();
    await call('setWebhook', { url: 'https://tidemark.example/hook' });
    bot.say(sim.addPerson().chat);
    await drained();
    expect(asked[0]!.url).toBe('/hook');
  });
});
