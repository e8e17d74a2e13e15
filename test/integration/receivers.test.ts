// Who listens to an account: one worker at a time, whatever dies, and nothing that the platform handed out is lost or doubled.

import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { changeReceiver, holdReceivers } from '../../src/store/event-receivers.ts';
import { storeBatch } from '../../src/store/inbox.ts';
import { isToken } from '../../src/webhooks/verify.ts';
import { createReceivers, type Receivers, type ReceiversOptions } from '../../src/webhooks/receivers.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { eventOf, type Update } from '../support/talk-platform.ts';
import { createTalkWorld, type Account, type TalkWorld } from '../support/talk-world.ts';
import { waitFor } from '../support/wait.ts';

let database: TestDatabase;
let world: TalkWorld;
let bot: string;
let account: Account;

beforeAll(async () => {
  database = await createTestDatabase();
});

beforeEach(async ({ task }) => {
  world = await createTalkWorld(database);
  // Others' accounts are nobody's any more.
  await world.ask('delete from users');
  await world.ask('delete from event_receivers');
  await world.ask(`update workers set status = 'stopped', stopped_at = now()`);
  bot = task.id;
  account = await world.connect(bot);
});

const said = (id: string, chat = 'c'): Update => ({ kind: 'message', chat, id, text: id, at: Number(id) });
const stored = async (): Promise<readonly string[]> =>
  (
    await world.ask<{ id: string }>(
      `select body ->> 'id' as id from webhook_inbox where account_key = $1 order by seq`,
      [bot],
    )
  ).map(({ id }) => id);
const receiver = async () => (await world.ask('select * from event_receivers where account_key = $1', [bot]))[0]!;
const integration = async () =>
  (await world.ask('select status, status_code from integrations where id = $1', [account.integrationId]))[0]!;

/** As the platform does when it is asked whose credential it is. */
const proven = () =>
  world.ask('update integrations set account_proven_at = now() where id = $1', [account.integrationId]);

async function start(
  over: Partial<ReceiversOptions> = {},
): Promise<{ readonly receivers: Receivers; readonly workerId: string }> {
  const workerId = over.workerId ?? (await world.addWorker());
  const receivers = createReceivers({
    ...world.deps,
    workerId,
    everyMs: 20,
    publicUrl: 'https://tidemark.test',
    ...over,
  });
  await receivers.start();
  onTestFinished(() => receivers.stop());
  return { receivers, workerId };
}

const kill = (workerId: string) =>
  world.ask(`update workers set status = 'dead', stopped_at = now() where id = $1`, [workerId]);

describe('listening', () => {
  test('what waits is stored with the position after it, and handed on', async () => {
    world.platform.tell(bot, said('1'), said('2'));
    await start();
    await waitFor(async () => (await stored()).length === 2, { what: 'two events' });
    world.platform.tell(bot, said('3'));
    await waitFor(async () => (await stored()).length === 3, { what: 'the third' });
    expect(await stored()).toEqual(['1', '2', '3']);
    expect(Number((await receiver())['position'])).toBe(103);
    expect(world.enqueued.map(({ kind }) => kind)).toContain('webhook.process');
  });

  test('two workers never ask for one account at once', async () => {
    let atOnce = 0;
    let most = 0;
    world.platform.onAsk = async () => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise(setImmediate);
      atOnce -= 1;
    };
    await start();
    await start();
    for (let n = 1; n <= 5; n += 1) {
      world.platform.tell(bot, said(String(n)));
      await waitFor(async () => (await stored()).length === n, { what: `event ${n}` });
    }
    expect(most).toBe(1);
  });

  test('accounts are shared by the workers there are, and taken over when one dies', async () => {
    for (let n = 0; n < 5; n += 1) await world.connect(`${bot}-${n}`);
    const first = await start();
    await waitFor(() => first.receivers.count === 6, { what: 'the first worker to listen to all' });
    const second = await start();
    await waitFor(() => first.receivers.count === 3 && second.receivers.count === 3, { what: 'an even share' });
    await kill(second.workerId);
    await waitFor(() => first.receivers.count === 6, { what: 'the first worker to take over' });
  });

  test('a batch that was handed out and not stored is asked for again', async () => {
    world.platform.tell(bot, said('1'), said('2'));
    world.platform.failures.push({
      at: 'poll',
      when: 'after',
      error: new AppError('http.unavailable', 'the answer was lost'),
    });
    await start();
    await waitFor(async () => (await stored()).length === 2, { what: 'both events' });
    expect(world.platform.asked.slice(0, 2).map(({ position }) => position)).toEqual([null, null]);
  });

  test('a worker that was declared dead stores nothing more', async () => {
    const workerId = await world.addWorker();
    const [held] = await holdReceivers(world.deps.db, workerId, ['telegram'], 10);
    await kill(workerId);
    const other = await world.addWorker();
    const [taken] = await holdReceivers(world.deps.db, other, ['telegram'], 10);
    expect(taken!.fence).toBeGreaterThan(held!.fence);
    const store = () => storeBatch(world.deps.db, held!, 7, [eventOf(bot, said('1'))]);
    await expect(store()).rejects.toMatchObject({ code: 'receive.lease_lost' });
    expect(await changeReceiver(world.deps.db, held!, { mode: 'webhook' })).toBe(false);
    expect(await stored()).toEqual([]);
  });

  test('an account of two tenants is asked for once, and both get everything', async () => {
    const other = await world.connect(bot);
    world.platform.tell(bot, said('1'));
    const { receivers } = await start();
    await waitFor(async () => (await stored()).length === 2, { what: 'a copy for each' });
    expect(receivers.count).toBe(1);
    await world.processAll();
    expect(await world.messages(account)).toHaveLength(1);
    expect(await world.messages(other)).toHaveLength(1);
  });

  test('a position may go down: ids are the platform’s affair', async () => {
    const workerId = await world.addWorker();
    const [held] = await holdReceivers(world.deps.db, workerId, ['telegram'], 10);
    await storeBatch(world.deps.db, held!, 2_000_000_000, []);
    await storeBatch(world.deps.db, held!, 7, [eventOf(bot, said('1'))]);
    expect(Number((await receiver())['position'])).toBe(7);
  });
});

describe('what stops it', () => {
  test('a paused integration is not asked for, and is again when it goes on', async () => {
    const { receivers } = await start();
    await waitFor(() => receivers.count === 1, { what: 'listening' });
    await world.ask('update integrations set paused_at = now() where id = $1', [account.integrationId]);
    await waitFor(() => receivers.count === 0, { what: 'silence' });
    world.platform.tell(bot, said('1'));
    await world.ask('update integrations set paused_at = null where id = $1', [account.integrationId]);
    await waitFor(async () => (await stored()).length === 1, { what: 'what came meanwhile' });
  });

  test('one refusal may be a hiccup: three in a row park the integration', async () => {
    const refusal = { at: 'poll', when: 'before', error: new AppError('platform.unauthorized', 'no') } as const;
    for (let n = 1; n <= 3; n += 1) {
      world.platform.failures.push(refusal);
      await start();
      await waitFor(() => world.platform.failures.length === 0, { what: `refusal ${n}` });
      if (n < 3) {
        await waitFor(async () => (await receiver())['refusals'] === n, { what: `${n} refusals` });
        expect(await integration()).toMatchObject({ status: 'connected' });
        await world.ask('update event_receivers set next_try_at = now()');
      }
    }
    await waitFor(async () => (await integration())['status'] === 'error', { what: 'the integration to be parked' });
    expect(await integration()).toEqual({ status: 'error', status_code: 'platform.unauthorized' });
  });

  test('an answer between refusals forgets them', async () => {
    const workerId = await world.addWorker();
    const [held] = await holdReceivers(world.deps.db, workerId, ['telegram'], 10);
    await changeReceiver(world.deps.db, held!, { refusals: 2 });
    await storeBatch(world.deps.db, held!, 5, []);
    expect((await receiver())['refusals']).toBe(0);
  });

  test('an answer that nothing is new forgets them, too', async () => {
    const workerId = await world.addWorker();
    const [held] = await holdReceivers(world.deps.db, workerId, ['telegram'], 10);
    await changeReceiver(world.deps.db, held!, { refusals: 2, errorCode: 'platform.unauthorized' });
    await start({ workerId });
    await waitFor(async () => (await receiver())['refusals'] === 0, { what: 'the refusals to be forgotten' });
    expect(await receiver()).toMatchObject({ error_code: null, received_at: null });
  });

  test('somebody else’s webhook is not taken away: the integration is parked', async () => {
    world.platform.webhook = { url: 'https://somebody.else/hook', secret: 'x' };
    world.platform.failures.push({
      at: 'poll',
      when: 'before',
      error: new AppError('receive.webhook_active', 'a webhook is set'),
    });
    await start();
    await waitFor(async () => (await integration())['status'] === 'error', { what: 'the integration to be parked' });
    expect(await integration()).toEqual({ status: 'error', status_code: 'receive.webhook_active' });
    expect(world.platform.webhook).not.toBeNull();
  });

  test('a credential of another account is refused', async () => {
    await world.ask(`update integrations set external_account_id = 'other' where id = $1`, [account.integrationId]);
    await proven();
    await start();
    await waitFor(async () => (await integration())['status'] === 'error', { what: 'the integration to be parked' });
    expect(await integration()).toMatchObject({ status_code: 'credential.invalid' });
    expect(world.platform.asked).toEqual([]);
  });

  test('a worker that stops lets go at once', async () => {
    const first = await start();
    await waitFor(() => first.receivers.count === 1, { what: 'listening' });
    await first.receivers.stop();
    expect((await receiver())['worker_id']).toBeNull();
  });

  test('each opening of a credential is a line of its integration’s chain', async () => {
    const { receivers } = await start();
    await waitFor(() => receivers.count === 1 && world.platform.asked.length > 0, { what: 'a question' });
    expect(
      await world.ask('select reason, run_id from credential_openings where integration_id = $1', [
        account.integrationId,
      ]),
    ).toEqual([{ reason: 'receive', run_id: null }]);
  });
});

describe('the way of receiving', () => {
  const want = async (receive: string): Promise<void> => {
    const settings = JSON.stringify({ receive });
    await world.ask('update integrations set settings = $2 where id = $1', [account.integrationId, settings]);
    await proven();
  };

  test('a switch to a webhook and back loses and doubles nothing', async () => {
    world.platform.tell(bot, said('1'));
    await start();
    await waitFor(async () => (await stored()).length === 1, { what: 'the first event' });
    await want('webhook');
    await waitFor(async () => (await receiver())['mode'] === 'webhook', { what: 'the webhook' });
    expect(world.platform.webhook?.url).toBe(`https://tidemark.test/webhooks/telegram/${encodeURIComponent(bot)}`);
    expect((await receiver())['secret_hash']).toHaveLength(32);
    const asked = world.platform.asked.length;
    // Delivered by the webhook, and still in the queue as well.
    world.platform.tell(bot, said('2'));
    await world.receive(eventOf(bot, said('2'), '101'));
    await want('poll');
    await waitFor(() => world.platform.asked.length > asked, { what: 'questions again' });
    world.platform.tell(bot, said('3'));
    await waitFor(async () => (await stored()).length === 3, { what: 'the third event' });
    expect(await stored()).toEqual(['1', '2', '3']);
    expect(world.platform.told).toEqual(['webhook', 'poll']);
    expect((await receiver())['secret_hash']).toBeNull();
  });

  test('a webhook without a public address parks the integration with the setting’s name', async () => {
    await want('webhook');
    await start({ publicUrl: undefined });
    await waitFor(async () => (await integration())['status'] === 'error', { what: 'the integration to be parked' });
    expect(
      await world.ask('select status_message from integrations where id = $1', [account.integrationId]),
    ).toMatchObject([{ status_message: expect.stringContaining('TIDEMARK_PUBLIC_URL') as string }]);
  });
});

describe('a webhook that stands', () => {
  const PATH = `/webhooks/telegram/`;
  const url = (host = 'tidemark.test'): string => `https://${host}${PATH}${encodeURIComponent(bot)}`;
  const lookedAfter = { lookEveryMs: 20 };

  beforeEach(async () => {
    await world.ask(`update integrations set settings = '{"receive":"webhook"}' where id = $1`, [
      account.integrationId,
    ]);
    await proven();
    const { receivers } = await start();
    await waitFor(async () => (await receiver())['mode'] === 'webhook', { what: 'the webhook' });
    await receivers.stop();
  });

  test('is set again when the platform has given it up, with a secret that counts', async () => {
    world.platform.webhook = null;
    await start(lookedAfter);
    await waitFor(() => world.platform.webhook !== null, { what: 'the webhook again' });
    const { url: address, secret } = world.platform.webhook!;
    expect(address).toBe(url());
    expect(isToken(secret, (await receiver())['secret_hash'] as Buffer)).toBe(true);
    expect(world.log.of('receiver.webhook_lost')).toHaveLength(1);
  });

  test('is left alone while it stands', async () => {
    await start(lookedAfter);
    await waitFor(() => world.platform.looked > 2, { what: 'looks' });
    expect(world.platform.told).toEqual(['webhook']);
  });

  test('is told of a new public address', async () => {
    await start({ ...lookedAfter, publicUrl: 'https://moved.test/' });
    await waitFor(() => world.platform.webhook?.url === url('moved.test'), { what: 'the new address' });
    expect(await integration()).toMatchObject({ status: 'connected' });
  });

  test('is ours under an old public address, too', async () => {
    await world.ask(`update integrations set settings = '{}' where id = $1`, [account.integrationId]);
    await proven();
    await start({ publicUrl: 'https://moved.test' });
    await waitFor(async () => (await receiver())['mode'] === 'poll', { what: 'questions' });
    expect(world.platform.webhook).toBeNull();
  });

  test('stays somebody else’s where that one took its place: the integration is parked', async () => {
    world.platform.webhook = { url: 'https://somebody.else/hook', secret: 'x' };
    await start(lookedAfter);
    await waitFor(async () => (await integration())['status'] === 'error', { what: 'the integration to be parked' });
    expect(await integration()).toEqual({ status: 'error', status_code: 'receive.webhook_active' });
    expect(world.platform.webhook.url).toBe('https://somebody.else/hook');
  });

  test('tells of a credential that is refused, three times in a row', async () => {
    for (let n = 0; n < 3; n += 1)
      world.platform.failures.push({
        at: 'poll',
        when: 'before',
        error: new AppError('platform.unauthorized', 'no'),
      });
    await start(lookedAfter);
    for (let n = 1; n < 3; n += 1) {
      await waitFor(async () => (await receiver())['refusals'] === n, { what: `${n} refusals` });
      await world.ask('update event_receivers set next_try_at = now()');
    }
    await waitFor(async () => (await integration())['status'] === 'error', { what: 'the integration to be parked' });
  });
});
