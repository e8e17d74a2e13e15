// The simulated Telegram tells a bot what the fact sheet of the platform says: asked by plain fetch, as any client would. How
// it calls webhooks and takes messages is tested beside.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { TelegramBot } from '../simulators/telegram/bot-handle.ts';
import type { Person } from '../simulators/telegram/directory.ts';
import { HTML_502, refusal, TelegramFailure, tooManyRequests } from '../simulators/telegram/failure.ts';
import { defaultLimits, UNLIMITED } from '../simulators/telegram/limits.ts';
import {
  ask,
  texts,
  updateIds,
  updateKinds,
  type Answer,
  type AskOptions,
} from '../simulators/telegram/plain-client.ts';
import { createTelegramSimulator, type TelegramSimulator } from '../simulators/telegram/simulator.ts';
import { manualTime, type ManualTime } from '../simulators/telegram/time.ts';

const HOUR = 3_600_000;
const START = new Date('2026-11-20T10:00:00Z');
const WEBHOOK_ACTIVE =
  "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
const OTHER_POLLER =
  'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running';

let time: ManualTime;
let sim: TelegramSimulator;
let bot: TelegramBot;
let ada: Person;

beforeEach(async () => {
  time = manualTime(START);
  sim = createTelegramSimulator({ time, limits: UNLIMITED, traps: { antiHammering: false } });
  await sim.start();
  bot = sim.addBot({ username: 'tide_bot' });
  ada = sim.addPerson({ firstName: 'Ada', username: 'ada' });
});
afterEach(() => sim.stop());

const call = (method: string, parameters: object = {}, options?: AskOptions): Promise<Answer> =>
  ask(sim.baseUrl, bot.token, method, { ...parameters }, options);
const poll = (parameters: object = {}): Promise<Answer> => call('getUpdates', parameters);
const say = (count: number): number => {
  const first = bot.nextUpdateId;
  for (let n = 1; n <= count; n += 1) bot.say(ada.chat, { text: `message ${n}` });
  return first;
};
/** A long poll that waits already. */
const waitingPoll = async (parameters: object = {}): Promise<{ readonly answer: Promise<Answer> }> => {
  const answer = poll({ timeout: 50, ...parameters });
  await bot.untilPolling();
  return { answer };
};

describe('wire', () => {
  it.each(['json', 'form', 'query', 'multipart'] as const)('parameters may come as %s', async (as) => {
    const first = say(5);
    expect(updateIds(await call('getUpdates', { offset: first + 1, limit: 2 }, { as }))).toEqual([
      first + 1,
      first + 2,
    ]);
  });

  it('the name of a method may be written in any case', async () => {
    expect(await call('GETme')).toMatchObject({ status: 200, ok: true, result: { id: bot.id, is_bot: true } });
    expect(await call('getMeal')).toMatchObject({ status: 404, description: 'Not Found: method not found' });
  });

  it('a revoked token is 401 and the next token of the same bot opens the same queue', async () => {
    const old = bot.token;
    const first = say(1);
    bot.revoke();
    expect(await ask(sim.baseUrl, old, 'getMe')).toMatchObject({ status: 401, ok: false, description: 'Unauthorized' });
    const token = bot.reissue();
    expect(token.split(':')[0]).toBe(String(bot.id));
    expect((await ask(sim.baseUrl, old, 'getMe')).status).toBe(401);
    expect(updateIds(await ask(sim.baseUrl, token, 'getUpdates'))).toEqual([first]);
  });

  it.each(['', 'abc', '0123:aaaaaaaaaaaaaaaaaaaaaaaaaaaa', '123:short', `1:${'a'.repeat(90)}`])(
    'the edge says 404 to a token that cannot be one: "%s"',
    async (token) => {
      expect(await ask(sim.baseUrl, token, 'getMe')).toMatchObject({ status: 404, description: 'Not Found' });
      sim.traps.malformedToken = 'server';
      expect(await ask(sim.baseUrl, token, 'getMe')).toMatchObject({
        status: 401,
        description: 'Unauthorized: invalid token specified',
      });
    },
  );

  it('the journal names method and bot and holds no token', async () => {
    await call('getme');
    await ask(sim.baseUrl, 'nonsense-token', 'getMe');
    await fetch(`${sim.baseUrl}/file/bot${encodeURIComponent(bot.token)}/documents/x.pdf`);
    expect(sim.journal.entries).toMatchObject([
      { operation: 'getMe', account: String(bot.id), path: `/bot${bot.id}:***/getme`, status: 200 },
      { operation: 'getMe', account: undefined, path: '/bot***/getMe', status: 404 },
      { operation: 'file', account: String(bot.id), path: `/file/bot${bot.id}:***/documents/x.pdf`, status: 404 },
    ]);
    expect(JSON.stringify(sim.journal.entries)).not.toContain(bot.token.split(':')[1]);
  });
});

describe('offsets', () => {
  it('without an offset, or with 0, the head comes again and nothing is confirmed', async () => {
    const first = say(2);
    for (const parameters of [{}, { offset: 0 }, {}])
      expect(updateIds(await poll(parameters))).toEqual([first, first + 1]);
    expect(bot.pending).toBe(2);
  });

  it('an offset deletes strictly what is below it', async () => {
    const first = say(3);
    expect(updateIds(await poll({ offset: first + 1 }))).toEqual([first + 1, first + 2]);
    expect(updateIds(await poll())).toEqual([first + 1, first + 2]);
    expect((await poll({ offset: first + 3 })).result).toEqual([]);
    expect(bot.pending).toBe(0);
  });

  it('a negative offset destroys everything but the last ones', async () => {
    const first = say(5);
    expect(updateIds(await poll({ offset: -2 }))).toEqual([first + 3, first + 4]);
    expect(updateIds(await poll())).toEqual([first + 3, first + 4]);
    expect(updateIds(await poll({ offset: -9 }))).toEqual([first + 3, first + 4]);
  });

  it('an offset that cannot be true is ignored: the head is served, with lower ids, and nothing is confirmed', async () => {
    const first = say(2);
    const tail = first + 2;
    for (const offset of [tail + 11, 2_000_000_000, first - 100_001])
      expect(updateIds(await poll({ offset }))).toEqual([first, first + 1]);
    expect(bot.pending).toBe(2);
  });

  it('an offset up to ten above the end is honoured and skips what comes next', async () => {
    const first = say(2);
    expect((await poll({ offset: first + 12 })).result).toEqual([]);
    expect(bot.pending).toBe(0);
    say(11);
    expect(updateIds(await poll({ offset: first + 12 }))).toEqual([first + 12]);
  });

  it('limit and timeout out of range are clamped', async () => {
    const first = say(120);
    expect(updateIds(await poll({ limit: 1_000 }))).toHaveLength(100);
    expect(updateIds(await poll({ limit: 0 }))).toEqual([first]);
    const { answer } = await waitingPoll({ offset: first + 120, timeout: 600 });
    time.advance(50_000);
    expect((await answer).result).toEqual([]);
  });

  it.each([
    ['lower', 3_000_000],
    ['higher', 1_500_000_000],
  ])('ids may start again at a %s number, and the old offset is not believed', async (_, to) => {
    const old = say(1) + 1;
    await poll({ offset: old });
    bot.resetIds({ to });
    say(2);
    // Far below the new ids or far above them: both ways nothing is confirmed.
    expect(updateIds(await poll({ offset: old }))).toEqual([to, to + 1]);
    expect(bot.pending).toBe(2);
    expect(updateIds(await poll({ offset: to + 1 }))).toEqual([to + 1]);
  });

  it('after a week of silence, and at the last possible one, ids begin anew at random', async () => {
    const first = say(1);
    await poll({ offset: first + 1 });
    time.advance(8 * 24 * HOUR);
    const next = say(1);
    expect(updateIds(await poll())).not.toEqual([next]);
    bot.resetIds({ to: 1_999_999_999 });
    bot.say(ada.chat);
    expect(bot.nextUpdateId).toBeLessThanOrEqual(1_000_000_001);
  });
});

describe('batches', () => {
  it('an answer ends at its largest size although more waits', async () => {
    const size = JSON.stringify({ message: bot.say(ada.chat, { text: 'x'.repeat(100) }) }).length;
    for (let n = 0; n < 4; n += 1) bot.say(ada.chat, { text: 'x'.repeat(100) });
    sim.queueLimits.answerBytes = Math.floor(size * 2.5);
    expect(updateIds(await poll())).toHaveLength(2);
    sim.queueLimits.answerBytes = 1;
    expect(updateIds(await poll())).toHaveLength(1);
    expect(bot.pending).toBe(5);
  });

  it('a message vanishes a day after its own date, not after its arrival', async () => {
    bot.say(ada.chat, { text: 'old', date: new Date(START.getTime() - 23 * HOUR) });
    const old = bot.say(ada.chat, { text: 'edited', date: new Date(START.getTime() - 90 * HOUR) });
    bot.edit(old);
    bot.press(bot.say(ada.chat, { text: 'new' }), { data: 'go' });
    bot.receive({ inline_query: { id: '1', from: ada.user, query: 'q', offset: '' } });
    expect(updateKinds(await poll())).toEqual([
      'message',
      'edited_message',
      'message',
      'callback_query',
      'inline_query',
    ]);
    time.advance(31_000);
    expect(updateKinds(await poll())).toEqual(['message', 'edited_message', 'message', 'callback_query']);
    time.advance(HOUR);
    expect(updateKinds(await poll())).toEqual(['edited_message', 'message']);
    time.advance(23 * HOUR);
    expect(bot.pending).toBe(0);
  });

  it('a full queue and an update that is too large drop silently and spend no id', async () => {
    sim.queueLimits.maxEvents = 2;
    const first = say(3);
    expect(updateIds(await poll())).toEqual([first, first + 1]);
    sim.queueLimits.maxEvents = 9;
    sim.queueLimits.maxUpdateBytes = 1_000;
    bot.say(ada.chat, { text: 'x'.repeat(1_000) });
    expect(bot.nextUpdateId).toBe(first + 2);
  });
});

describe('allowed_updates', () => {
  it('absent keeps the setting, the empty list is all but three, and both stay with the bot', async () => {
    await poll({ allowed_updates: ['message', 'message_reaction'] });
    await poll();
    expect([...bot.subscription!]).toEqual(['message', 'message_reaction']);
    await poll({ allowed_updates: 'no list' });
    expect(bot.subscription?.size).toBe(2);
    await poll({ allowed_updates: [] });
    expect(bot.subscription).toBeNull();
  });

  it('kinds that nobody asked for spend no id, and what waits already is not filtered', async () => {
    const first = bot.nextUpdateId;
    const message = bot.say(ada.chat, { text: 'one' });
    bot.react(message, { emoji: '👍' });
    expect(bot.nextUpdateId).toBe(first + 1);
    await poll({ allowed_updates: ['message_reaction'] });
    bot.react(message, { emoji: '👍' });
    bot.say(ada.chat, { text: 'two' });
    expect(updateKinds(await poll())).toEqual(['message', 'message_reaction']);
  });
});

describe('long polls', () => {
  it('one answers as soon as something comes, with all that came in that moment', async () => {
    const { answer } = await waitingPoll();
    say(2);
    expect(texts(await answer)).toEqual(['message 1', 'message 2']);
  });

  it('one answers nothing when its time is over', async () => {
    const { answer } = await waitingPoll({ timeout: 7 });
    time.advance(7_000);
    expect(await answer).toMatchObject({ status: 200, result: [] });
  });

  it('the same offset within three seconds waits although timeout is 0, and within half a second gets one update', async () => {
    sim.traps.antiHammering = true;
    await poll();
    time.advance(1_000);
    const { answer } = await waitingPoll({ timeout: 0 });
    time.advance(3_000);
    expect((await answer).result).toEqual([]);
    say(3);
    expect(updateIds(await poll())).toHaveLength(3);
    time.advance(400);
    expect(updateIds(await poll())).toHaveLength(1);
    time.advance(600);
    expect(updateIds(await poll())).toHaveLength(3);
  });

  it('a simulator on the real clock that stops lets nobody wait', async () => {
    await sim.stop();
    sim = createTelegramSimulator();
    await sim.start();
    bot = sim.addBot();
    const first = await waitingPoll();
    bot.say(sim.addPerson().chat, { text: 'hello' });
    expect(texts(await first.answer)).toEqual(['hello']);
    const second = await waitingPoll({ offset: bot.nextUpdateId });
    const end = second.answer.then(
      ({ result }) => result,
      () => [],
    );
    await sim.stop();
    expect(await end).toEqual([]);
  });

  it('a poll whose answer got lost confirmed nothing: the batch comes again', async () => {
    const first = say(2);
    sim.faults.add({ match: { operation: 'getUpdates' }, fault: { kind: 'reset-after-processing' } });
    await expect(poll({ offset: first })).rejects.toThrow();
    expect(updateIds(await poll({ offset: first }))).toEqual([first, first + 1]);
  });
});

describe('409', () => {
  it('a: nobody may ask while a webhook is set', async () => {
    await call('setWebhook', { url: 'https://tidemark.example/hook' });
    expect(await poll()).toMatchObject({ status: 409, ok: false, description: WEBHOOK_ACTIVE });
    await call('deleteWebhook');
    expect((await poll()).status).toBe(200);
  });

  it('b: the older of two polls that wait is ended, and the newcomer wins', async () => {
    const older = await waitingPoll();
    const newer = poll({ timeout: 50 });
    expect(await older.answer).toMatchObject({ status: 409, description: OTHER_POLLER });
    say(1);
    expect(updateIds(await newer)).toHaveLength(1);
  });

  it('b never happens to one who need not wait: two consumers just read', async () => {
    const { answer } = await waitingPoll();
    expect((await poll({ timeout: 0 })).status).toBe(200);
    say(1);
    expect((await answer).status).toBe(200);
    const both = await Promise.all([poll({ timeout: 50 }), poll({ timeout: 50 })]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
  });

  it('c: setting a webhook ends the poll that waits', async () => {
    const { answer } = await waitingPoll();
    await call('setWebhook', { url: 'https://tidemark.example/hook' });
    expect(await answer).toMatchObject({ status: 409, description: 'Conflict: terminated by setWebhook request' });
  });

  it('d: a second setting of a webhook ends the first one that is under way', async () => {
    sim.traps.webhookSetMs = 5_000;
    const first = call('setWebhook', { url: 'https://tidemark.example/one' });
    await time.untilWaiting(1);
    expect((await poll()).description).toBe(WEBHOOK_ACTIVE);
    time.advance(3_000);
    const second = call('setWebhook', { url: 'https://tidemark.example/two' });
    await time.untilWaiting(2);
    time.advance(2_000);
    expect(await first).toMatchObject({ status: 409, description: 'Conflict: terminated by other setWebhook' });
    time.advance(3_000);
    expect((await second).description).toBe('Webhook was set');
    expect(bot.webhookUrl).toBe('https://tidemark.example/two');
  });

  it('a second conflict within three seconds is told three seconds late', async () => {
    await call('setWebhook', { url: 'https://tidemark.example/hook' });
    expect((await poll()).status).toBe(409);
    const settled: string[] = [];
    const late = poll().finally(() => settled.push('late'));
    await time.untilWaiting(1);
    sim.traps.smoothConflicts = false;
    expect((await poll()).status).toBe(409);
    expect(settled).toEqual([]);
    time.advance(3_000);
    expect((await late).status).toBe(409);
  });
});

describe('429 and faults', () => {
  it('more than twenty new bots of one address a minute are told to wait, in the body and in a header', async () => {
    sim.limits.newBots = defaultLimits().newBots;
    const bots = Array.from({ length: 21 }, () => sim.addBot());
    const getMe = ({ token }: TelegramBot): Promise<Answer> => ask(sim.baseUrl, token, 'getMe');
    const answers = await Promise.all(bots.map(getMe));
    const refused = answers.find(({ status }) => status === 429)!;
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(20);
    expect(refused).toMatchObject({ ok: false, parameters: { retry_after: 61 } });
    expect(refused.headers.get('retry-after')).toBe('61');
    // One that was let in is no newcomer any more.
    expect((await getMe(bots[answers.findIndex(({ status }) => status === 200)]!)).status).toBe(200);
    time.advance(61_000);
    expect((await getMe(bots[answers.indexOf(refused)]!)).status).toBe(200);
  });

  it('an answer may be scripted: 429 with seconds, 401 in between, the HTML of an edge, a cut connection', async () => {
    sim.faults.add({ match: { account: String(bot.id) }, fault: refusal(tooManyRequests(7)) });
    const limited = await call('getMe');
    expect(limited).toMatchObject({ status: 429, parameters: { retry_after: 7 } });
    expect([limited.headers.get('retry-after'), limited.description]).toEqual([
      '7',
      'Too Many Requests: retry after 7',
    ]);
    sim.faults.add({ fault: refusal(new TelegramFailure(401, 'Unauthorized')) });
    expect((await call('getMe')).status).toBe(401);
    sim.faults.add({ fault: HTML_502 });
    const edge = await call('getMe');
    expect([edge.status, edge.headers.get('content-type'), edge.ok]).toEqual([502, 'text/html', undefined]);
    sim.faults.add({ fault: { kind: 'reset' } });
    await expect(call('getMe')).rejects.toThrow();
    const late = Promise.withResolvers<void>();
    sim.faults.add({ fault: { kind: 'hold', until: late.promise } });
    const answer = call('getMe');
    await sim.journal.waitForRequest(({ fault }) => fault === undefined, { sinceSeq: 4 });
    late.resolve();
    expect((await answer).status).toBe(200);
  });
});
