// Messages on their way out: in order, once, and where nobody knows, nobody pretends to.

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { queueMessage } from '../../src/messages/queue-message.ts';
import { cancelJob } from '../../src/scheduler/cancel-job.ts';
import { findOutbound } from '../../src/store/outbound.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { eventOf } from '../support/talk-platform.ts';
import { createTalkWorld, type Account, type TalkWorld } from '../support/talk-world.ts';

let database: TestDatabase;
let world: TalkWorld;
let account: Account;
let bot: string;

beforeAll(async () => {
  database = await createTestDatabase();
});

beforeEach(async ({ task }) => {
  world = await createTalkWorld(database);
  bot = task.id;
  account = await world.connect(bot);
});

const outbound = async (id: string) => (await world.ask('select * from outbound_messages where id = $1', [id]))[0]!;
const arrived = (chat = 'c') => world.platform.sent.get(chat) ?? [];
const failing = (when: 'before' | 'after', error: unknown) => world.platform.failures.push({ at: 'send', when, error });
const lost = (): AppError => new AppError('http.timeout', 'no answer came');

describe('sending', () => {
  test('a message is sent, stored with its chat, and counted', async () => {
    const id = await world.queueMessage(account, 'c', 'hello');
    expect(await world.send(id)).toMatchObject({
      kind: 'completed',
      result: { status: 'sent', platformMessageId: 'out:c:1' },
    });
    expect(arrived()).toEqual(['hello']);
    expect(await outbound(id)).toMatchObject({
      status: 'sent',
      platform_message_id: 'out:c:1',
      attempts: 1,
      error: null,
    });
    expect(await world.messages(account)).toMatchObject([
      { direction: 'outbound', role: 'assistant', content: 'hello', status: 'sent' },
    ]);
    expect(
      await world.ask(`select metric_type, count::int from platform_metrics where integration_id = $1`, [
        account.integrationId,
      ]),
    ).toEqual([{ metric_type: 'messages_sent', count: 1 }]);
    expect(
      await world.ask('select reason from credential_openings where integration_id = $1', [account.integrationId]),
    ).toEqual([{ reason: 'send' }]);
  });

  test('messages of one chat leave in the order in which they were queued, whichever job comes first', async () => {
    const ids = [];
    for (const text of ['one', 'two', 'three']) ids.push(await world.queueMessage(account, 'c', text));
    await world.send(ids[2]!);
    expect(arrived()).toEqual(['one', 'two', 'three']);
    expect(await world.send(ids[0]!)).toMatchObject({ kind: 'completed', result: { status: 'sent' } });
    expect(arrived()).toEqual(['one', 'two', 'three']);
  });

  test('jobs at once on several workers send each message once and in order', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 12; n += 1) ids.push(await world.queueMessage(account, 'c', String(n)));
    const workers = [await world.addWorker(), await world.addWorker(), await world.addWorker()];
    let open = ids.map((id, n) => ({ id, workerId: workers[n % workers.length]! }));
    // A job that finds the chat busy comes again, as its queue would bring it.
    for (let round = 0; open.length > 0 && round < 50; round += 1) {
      const outcomes = await Promise.all(open.map(({ id, workerId }) => world.send(id, { workerId })));
      open = open.filter((_, index) => outcomes[index]!.kind === 'snooze');
    }
    expect(arrived()).toEqual(ids.map((_, n) => String(n)));
  });

  test('a message that may not leave yet holds nobody up', async () => {
    const late = await world.queueMessage(account, 'c', 'later');
    await world.ask(`update outbound_messages set not_before = now() + interval '1 hour' where id = $1`, [late]);
    const id = await world.queueMessage(account, 'c', 'now');
    await world.send(id);
    expect(arrived()).toEqual(['now']);
    expect(await world.send(late)).toMatchObject({ kind: 'snooze' });
    expect(await outbound(late)).toMatchObject({ status: 'queued' });
  });

  test('a paused integration keeps its messages', async () => {
    const id = await world.queueMessage(account, 'c', 'hello');
    await world.ask('update integrations set paused_at = now() where id = $1', [account.integrationId]);
    expect(await world.send(id)).toMatchObject({ kind: 'snooze' });
    expect(await outbound(id)).toMatchObject({ status: 'queued' });
  });

  test('how far it got is told with it', async () => {
    const id = await world.queueMessage(account, 'c', 'hello');
    await world.send(id);
    const told = { kind: 'status', chat: 'c', id: 'out:c:1', status: 'read', at: 60 } as const;
    await world.receive(eventOf(bot, told));
    await world.processAll();
    const api = database.open('tidemark_api', 1);
    const view = await api.tx({ kind: 'user', userId: account.userId }, (tx) => findOutbound(tx, id));
    expect(view).toMatchObject({ status: 'read', readAt: new Date('2026-11-01T10:01:00Z') });
  });
});

describe('a lost answer', () => {
  test('is a doubt: the message is unknown and is not sent again', async () => {
    failing('after', lost());
    const id = await world.queueMessage(account, 'c', 'hello');
    expect(await world.send(id)).toMatchObject({
      kind: 'completed',
      result: { status: 'unknown', code: 'message.in_doubt' },
    });
    expect(await outbound(id)).toMatchObject({ status: 'unknown', error: { code: 'message.in_doubt' } });
    await world.send(id);
    expect(arrived()).toEqual(['hello']);
  });

  test('is repeated where the caller allows it', async () => {
    failing('after', lost());
    const id = await world.queueMessage(account, 'c', 'hello', { allowRepeat: true });
    await expect(world.send(id)).rejects.toMatchObject({ kind: 'transient' });
    expect(await outbound(id)).toMatchObject({ status: 'queued' });
    await world.send(id);
    expect(arrived()).toEqual(['hello', 'hello']);
    expect(await outbound(id)).toMatchObject({ status: 'sent', attempts: 2 });
  });

  test('does not hold up the messages behind it', async () => {
    failing('after', lost());
    const first = await world.queueMessage(account, 'c', 'one');
    const second = await world.queueMessage(account, 'c', 'two');
    await world.send(second);
    expect(await outbound(first)).toMatchObject({ status: 'unknown' });
    expect(await outbound(second)).toMatchObject({ status: 'sent' });
  });

  test.each(['claimed', 'sent'] as const)(
    'a worker that dies when it has %s leaves a doubt, and no second message',
    async (step) => {
      const id = await world.queueMessage(account, 'c', 'hello');
      const workerId = await world.addWorker();
      const died = new Error('killed');
      // The process is gone: nothing of the handler runs after this.
      const onSend = (reached: string): Promise<void> =>
        reached === step ? new Promise((_resolve, reject) => reject(died)) : Promise.resolve();
      await expect(world.send(id, { workerId, deps: { onSend } })).rejects.toBe(died);
      expect(await outbound(id)).toMatchObject({ status: 'sending' });
      // While the worker may still live, the next job waits.
      expect(await world.send(id)).toMatchObject({ kind: 'snooze' });
      await world.ask(`update workers set status = 'dead', stopped_at = now() where id = $1`, [workerId]);
      expect(await world.send(id)).toMatchObject({ kind: 'completed', result: { status: 'unknown' } });
      expect(arrived()).toEqual(step === 'sent' ? ['hello'] : []);
    },
  );

  test('a job that is told to stop while it sends leaves a doubt', async () => {
    const stop = new AbortController();
    failing('before', new Error('aborted'));
    const id = await world.queueMessage(account, 'c', 'hello');
    stop.abort();
    expect(await world.send(id, { job: { signal: stop.signal } })).toMatchObject({ result: { status: 'unknown' } });
  });
});

describe('what did not leave', () => {
  test('waits for the platform without spending a try', async () => {
    failing('before', new AppError('platform.rate_limited', 'slow down', { retryAfterMs: 7_000 }));
    const id = await world.queueMessage(account, 'c', 'hello');
    await expect(world.send(id)).rejects.toMatchObject({ code: 'platform.rate_limited', retryAfterMs: 7_000 });
    expect(await outbound(id)).toMatchObject({ status: 'queued', attempts: 0 });
    await world.send(id);
    expect(arrived()).toEqual(['hello']);
  });

  test('is tried again where no connection was made, and given up after eight tries', async () => {
    const id = await world.queueMessage(account, 'c', 'hello');
    for (let n = 1; n < 8; n += 1) {
      failing('before', new AppError('http.unavailable', 'refused', { details: { systemCode: 'ECONNREFUSED' } }));
      await expect(world.send(id)).rejects.toMatchObject({ code: 'http.unavailable' });
      expect(await outbound(id)).toMatchObject({ status: 'queued', attempts: n });
    }
    failing('before', new AppError('http.unavailable', 'refused', { details: { systemCode: 'ECONNREFUSED' } }));
    expect(await world.send(id)).toMatchObject({ result: { status: 'failed' } });
    expect(arrived()).toEqual([]);
  });

  test.each([
    'message.refused',
    'message.window_closed',
    'message.recipient_unreachable',
    'platform.unauthorized',
  ] as const)('a refusal ends it with its reason: %s', async (code) => {
    failing('before', new AppError(code, 'no'));
    const id = await world.queueMessage(account, 'c', 'hello');
    expect(await world.send(id)).toMatchObject({ kind: 'completed', result: { status: 'failed', code } });
    expect(await outbound(id)).toMatchObject({ status: 'failed', error: { code, message: 'no' } });
  });

  test('goes to the chat’s new key when the chat has moved', async () => {
    failing('before', new AppError('message.chat_migrated', 'moved', { details: { toChatKey: 'new' } }));
    const id = await world.queueMessage(account, 'old', 'hello');
    expect(await world.send(id)).toMatchObject({ result: { status: 'sent' } });
    expect(arrived('new')).toEqual(['hello']);
    expect(await outbound(id)).toMatchObject({ chat_key: 'new', message: { chat: 'new' } });
    expect(
      await world.ask(
        'select chat_key, migrated_to_chat_key as "to" from conversations where integration_id = $1 order by 1',
        [account.integrationId],
      ),
    ).toEqual([
      { chat_key: 'new', to: null },
      { chat_key: 'old', to: 'new' },
    ]);
  });

  test('a message that is none is refused, and says why', async () => {
    const id = await world.queueMessage(account, 'c', 'hello');
    await world.ask(`update outbound_messages set message = '{"type":"text","chat":"c"}' where id = $1`, [id]);
    expect(await world.send(id)).toMatchObject({ result: { status: 'failed', code: 'message.refused' } });
  });

  test('a secret in a platform’s refusal is masked', async () => {
    const id = await world.queueMessage(account, 'c', 'hello');
    const connector = world.platform.connector;
    const connectors = new Map([['telegram', { ...connector, sending: { ...connector.sending!, send: quoting } }]]);
    await world.send(id, { deps: { connectors } });
    const { error } = (await outbound(id)) as { error: { message: string } };
    expect(error.message).toContain('[secret]');
    expect(error.message).not.toContain('token-of');
  });
});

async function quoting(
  context: Parameters<NonNullable<TalkWorld['platform']['connector']['sending']>['send']>[0],
): Promise<never> {
  const { token } = (await context.credential.current()).reveal() as { token: string };
  throw new AppError('message.refused', `the token ${token} is not welcome`);
}

describe('queueing', () => {
  const queue = (over: object = {}) => {
    const api = database.open('tidemark_api', 1);
    const request = {
      integrationId: account.integrationId,
      message: { type: 'text', chat: 'c', text: 'hello' } as const,
      allowRepeat: false,
      uniqueKey: null,
      notBefore: null,
      ...over,
    };
    return api.tx({ kind: 'ops' }, (tx) =>
      queueMessage(tx, { ...world.deps, connectorOf: () => world.platform.connector }, request),
    );
  };

  test('a message and the job that sends it are queued together', async () => {
    const { messageId, created } = await queue();
    expect(created).toBe(true);
    expect(world.enqueued).toMatchObject([
      { kind: 'message.send', payload: { messageId }, userId: account.userId, workClass: 'interactive' },
    ]);
  });

  test('a second one with the same key is the first one', async () => {
    const first = await queue({ uniqueKey: 'k' });
    expect(await queue({ uniqueKey: 'k' })).toEqual({ messageId: first.messageId, created: false });
    expect(world.enqueued).toHaveLength(1);
  });

  test('a job that is cancelled takes its message with it', async () => {
    const { messageId } = await queue();
    const jobId = uuidv7();
    await world.ask(
      `insert into job_ledger (id, kind, queue, payload, user_id, run_at, state, max_attempts, created_at)
       values ($1, 'message.send', 'send-messages', $2, $3, now(), 'pending', 8, now())`,
      [jobId, JSON.stringify({ messageId }), account.userId],
    );
    const cancelled = { cancel: () => Promise.resolve(true) };
    await cancelJob({ db: database.open('tidemark_api', 1), queue: cancelled, clock: systemClock }, jobId);
    expect(await outbound(messageId)).toMatchObject({ status: 'cancelled' });
  });

  test('what the platform does not take is refused before anything is queued', async () => {
    const message = { type: 'template', chat: 'c', template: 't', language: 'en' };
    await expect(queue({ message })).rejects.toMatchObject({ code: 'input.invalid' });
    expect(world.enqueued).toEqual([]);
  });

  test('the SQL door queues in the caller’s transaction', async () => {
    const sent = (options: object) =>
      world.ask<{ id: string }>('select tidemark_send($1, $2, $3) as id', [
        account.integrationId,
        JSON.stringify({ type: 'text', chat: 'c', text: 'by sql' }),
        JSON.stringify(options),
      ]);
    const [{ id }] = (await sent({ unique_key: 'once', allow_repeat: true })) as [{ id: string }];
    expect(await sent({ unique_key: 'once' })).toEqual([{ id }]);
    expect(await outbound(id)).toMatchObject({ status: 'queued', allow_repeat: true, user_id: account.userId });
    expect(
      await world.ask(`select kind, payload, user_id, queue from job_ledger where payload ->> 'messageId' = $1`, [id]),
    ).toEqual([{ kind: 'message.send', payload: { messageId: id }, user_id: account.userId, queue: 'send-messages' }]);
    await expect(sent({ tonight: true })).rejects.toMatchObject({ code: '22023' });
  });
});
