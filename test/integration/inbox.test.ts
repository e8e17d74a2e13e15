// Events on their way from a platform to rows: stored once, in their order, whatever comes twice, late, broken or for nobody.

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { KEEP_DEFAULTS } from '../../src/core/keep-policy.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { sweepInbox } from '../../src/scheduler/inbox-sweep.ts';
import { pruneOldRows } from '../../src/scheduler/prune.ts';
import { replayInbox } from '../../src/store/inbox-upkeep.ts';
import type { JobQueue } from '../../queues/port.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { eventOf, later, type Update } from '../support/talk-platform.ts';
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

const said = (chat: string, id: string, text: string, at = 0): Update => ({ kind: 'message', chat, id, text, at });
const receive = (...updates: readonly Update[]) => world.receive(...updates.map((update) => eventOf(bot, update)));
const contents = async () => (await world.messages(account)).map(({ content }) => content);
const states = async (): Promise<readonly string[]> =>
  (
    await world.ask<{ state: string }>('select state from webhook_inbox where account_key = $1 order by seq', [bot])
  ).map(({ state }) => state);

describe('what is received', () => {
  test('an event that is delivered twice is stored and processed once', async () => {
    const first = await receive(said('c', '1', 'hello'));
    expect(first).toHaveLength(1);
    expect(await receive(said('c', '1', 'hello'))).toEqual([]);
    await world.processAll();
    expect(await receive(said('c', '1', 'hello'))).toEqual([]);
    expect(await contents()).toEqual(['hello']);
    expect(await states()).toEqual(['done']);
  });

  test('two tenants of one account get the event each, and neither sees the other', async () => {
    const other = await world.connect(bot);
    expect(await receive(said('c', '1', 'hello'))).toHaveLength(2);
    await world.processAll();
    expect(await world.messages(account)).toMatchObject([{ content: 'hello', user_id: account.userId }]);
    expect(await world.messages(other)).toMatchObject([{ content: 'hello', user_id: other.userId }]);
  });

  test('events of an account that nobody has connected wait, and find their way when somebody has', async () => {
    const unknown = `${bot}-later`;
    expect(await world.receive(eventOf(unknown, said('c', '1', 'early')))).toEqual([]);
    const late = await world.connect(unknown);
    const scheduler = database.open('tidemark_scheduler', 1);
    const enqueued: unknown[] = [];
    const enqueueMany = (async (requests) => {
      enqueued.push(...requests);
      return [];
    }) as JobQueue['enqueueMany'];
    const queue = { enqueueMany } as JobQueue;
    const clock = { ...systemClock, now: () => new Date(Date.now() + 10_000) };
    await sweepInbox({ db: scheduler, queue, clock, log: world.log });
    expect(enqueued).toContainEqual(
      expect.objectContaining({ kind: 'webhook.process', userId: late.userId, uniqueKey: `${late.integrationId} c` }),
    );
    await world.processAll();
    expect(await world.messages(late)).toMatchObject([{ content: 'early' }]);
  });

  test('a paused integration receives, and processes when it goes on', async () => {
    await world.ask('update integrations set paused_at = now() where id = $1', [account.integrationId]);
    const [arrived] = await receive(said('c', '1', 'hello'));
    expect(await world.process(arrived!.id)).toMatchObject({ kind: 'discard' });
    expect(await states()).toEqual(['waiting']);
    await world.ask('update integrations set paused_at = null where id = $1', [account.integrationId]);
    await world.processAll();
    expect(await contents()).toEqual(['hello']);
  });

  test('NUL characters and halves of surrogate pairs are stored and processed', async () => {
    await receive(said('c', '1', 'a\u0000b\ud83d'));
    await world.processAll();
    expect(await contents()).toEqual(['ab\ufffd']);
  });
});

describe('the order of a lane', () => {
  test('one job processes everything that waits in its lane, oldest first, and nothing of another lane', async () => {
    const arrived = await receive(said('c', '1', 'one'), said('d', '1', 'other'), said('c', '2', 'two'));
    expect(await world.process(arrived[2]!.id)).toMatchObject({ kind: 'completed', result: { events: 2 } });
    expect(await states()).toEqual(['done', 'waiting', 'done']);
    expect(await contents()).toEqual(['one', 'two']);
  });

  test('parallel workers leave every chat as one worker would', async () => {
    const chats = ['a', 'b', 'c', 'd', 'e'];
    const updates = Array.from({ length: 60 }, (_, n): Update => {
      const chat = chats[n % chats.length]!;
      // No stamp tells these edits apart: only their order does.
      return { kind: 'edited', chat, id: '1', text: `${chat} ${n}`, at: 5 };
    });
    await world.receive(...updates.map((update, n) => eventOf(bot, update, `e${n}`)));
    await world.processAll(8);
    expect(await contents()).toEqual(['a 55', 'b 56', 'c 57', 'd 58', 'e 59']);
  });

  test.each([
    ['original first', [said('c', '1', 'first', 1), { kind: 'edited', chat: 'c', id: '1', text: 'second', at: 9 }]],
    ['edit first', [{ kind: 'edited', chat: 'c', id: '1', text: 'second', at: 9 }, said('c', '1', 'first', 1)]],
  ] as const)('an edit wins over its original: %s', async (_order, updates) => {
    for (const update of updates as readonly Update[]) {
      await receive(update);
      await world.processAll();
    }
    expect(await contents()).toEqual(['second']);
  });

  test.each([
    ['removal last', [said('c', '1', 'x', 1), { kind: 'removed', chat: 'c', id: '1', at: 5 }]],
    ['removal first', [{ kind: 'removed', chat: 'c', id: '1', at: 5 }, said('c', '1', 'x', 1)]],
  ] as const)('a removed message stays removed: %s', async (_order, updates) => {
    for (const update of updates as readonly Update[]) {
      await receive(update);
      await world.processAll();
    }
    const left = (await world.messages(account)).filter(({ deleted_at: deletedAt }) => deletedAt === null);
    expect(left).toEqual([]);
  });

  test('both talks of a migration know of each other, whichever was heard of first', async () => {
    await receive({ kind: 'migrated', chat: 'old', id: 'm', at: 3, to: 'new' });
    await world.processAll();
    await receive(said('new', '1', 'hello', 4), said('old', '1', 'before', 1));
    await world.processAll();
    const talks = await world.ask(
      `select chat_key, title, migrated_to_chat_key as "to", migrated_from_chat_key as "from"
       from conversations where integration_id = $1 order by chat_key`,
      [account.integrationId],
    );
    expect(talks).toEqual([
      { chat_key: 'new', title: 'new', to: null, from: 'old' },
      { chat_key: 'old', title: 'old', to: 'new', from: null },
    ]);
  });
});

test('a talk that moved to itself did not move, and holds nobody up', async () => {
  await receive({ kind: 'migrated', chat: 'c', id: '1', at: 0, to: 'c' }, said('c', '2', 'two'));
  await world.processAll();
  expect(await states()).toEqual(['done', 'done']);
});

describe('how far a message got', () => {
  const statusOf = async (): Promise<unknown> => (await world.messages(account))[0]?.['status'];
  const status = (word: 'sent' | 'delivered' | 'read' | 'failed', at: number): Update => ({
    kind: 'status',
    chat: 'c',
    id: 'out:1',
    status: word,
    at,
  });
  const tell = async (update: Update): Promise<void> => {
    await world.receive(eventOf(bot, update, `${update.kind}:${update.status ?? ''}`));
    await world.processAll();
  };

  test('statuses never go backwards, and may come without those between', async () => {
    await tell(said('c', 'out:1', 'mine'));
    await tell(status('read', 9));
    await tell(status('delivered', 7));
    await tell(status('sent', 5));
    expect(await statusOf()).toBe('read');
    const [told] = await world.ask(
      'select rank, sent_at, delivered_at, read_at from message_statuses where integration_id = $1',
      [account.integrationId],
    );
    expect(told).toEqual({ rank: 3, sent_at: later(5), delivered_at: later(7), read_at: later(9) });
  });

  test('a status that comes before its message waits for it', async () => {
    await tell(status('delivered', 7));
    await tell(said('c', 'out:1', 'mine'));
    expect(await statusOf()).toBe('delivered');
  });
});

describe('what cannot be read', () => {
  const broken = { kind: 'message', chat: 'c', id: '2', text: 7, at: 1 } as unknown as Update;

  test('it is a dead letter with its reason, and those around it are processed', async () => {
    await receive(said('c', '1', 'one'), broken, said('c', '3', 'three'));
    await world.processAll();
    expect(await states()).toEqual(['done', 'dead', 'done']);
    expect(await contents()).toEqual(['one', 'three']);
    const [dead] = await world.ask<{ error: object }>(
      `select error from webhook_inbox where account_key = $1 and state = 'dead'`,
      [bot],
    );
    expect(dead!.error).toMatchObject({ code: 'record.invalid', details: { path: 'text' } });
    expect(world.log.of('inbox.dead')).toMatchObject([{ fields: { count: 1 } }]);
  });

  test('what the database refuses stays behind alone', async () => {
    // The check of `chat_key` takes no white space.
    await world.receive(
      ...[said('c', '1', 'one'), { ...said('c d', '2', 'two') }, said('c', '3', 'three')].map((update) => ({
        ...eventOf(bot, update),
        lane: 'c',
      })),
    );
    await world.processAll();
    expect(await states()).toEqual(['done', 'dead', 'done']);
    expect(await contents()).toEqual(['one', 'three']);
  });

  test('what fails on its way into the database stays behind alone', async () => {
    await receive(said('c', '1', 'one'), said('c', '2', 'two', 1e300), said('c', '3', 'three'));
    await world.processAll();
    expect(await states()).toEqual(['done', 'dead', 'done']);
    expect(await contents()).toEqual(['one', 'three']);
  });

  test('a replay processes it again', async () => {
    await receive(broken);
    await world.processAll();
    await world.ask(
      `update webhook_inbox set body = '{"kind":"message","chat":"c","id":"2","text":"now","at":1}' where account_key = $1`,
      [bot],
    );
    const api = database.open('tidemark_api', 1);
    const replayed = await api.tx({ kind: 'user', userId: account.userId }, (tx) =>
      replayInbox(tx, account.integrationId, 10),
    );
    expect(replayed).toHaveLength(1);
    await world.processAll();
    expect(await contents()).toEqual(['now']);
  });

  test('what is no message is kept as it came', async () => {
    await receive({ kind: 'something', chat: 'c', id: 'e1', text: 'x', at: 2 });
    await world.processAll();
    expect(
      await world.ask('select kind, chat_key, body, occurred_at from platform_events where integration_id = $1', [
        account.integrationId,
      ]),
    ).toEqual([{ kind: 'something', chat_key: 'c', body: { text: 'x' }, occurred_at: later(2) }]);
  });
});

describe('upkeep', () => {
  test('messages received are counted as a metric of their platform', async () => {
    await receive(said('c', '1', 'one'), said('c', '2', 'two'), said('c', 'out:3', 'mine'));
    await world.processAll();
    expect(
      await world.ask(
        `select metric_type, sum(count)::int as count from platform_metrics where integration_id = $1 group by 1`,
        [account.integrationId],
      ),
    ).toEqual([{ metric_type: 'messages_received', count: 2 }]);
  });

  test('an event whose hint was lost is handed on by the sweep, one job for its lane', async () => {
    await receive(said('c', '1', 'one'), said('c', '2', 'two'), said('d', '1', 'other'));
    const scheduler = database.open('tidemark_scheduler', 1);
    const clock = { ...systemClock, now: () => new Date(Date.now() + 10_000) };
    const handed: { readonly uniqueKey?: string; readonly userId: string | null }[] = [];
    const queue = {
      enqueueMany: async (requests: typeof handed) => void handed.push(...requests),
    } as unknown as JobQueue;
    await sweepInbox({ db: scheduler, queue, clock, log: world.log });
    const ours = handed.filter(({ userId }) => userId === account.userId).map(({ uniqueKey }) => uniqueKey);
    expect(ours.toSorted((a, b) => (a! < b! ? -1 : 1))).toEqual([
      `${account.integrationId} c`,
      `${account.integrationId} d`,
    ]);
  });

  test('done events are forgotten after 8 days, dead ones after 90, waiting ones stay as long', async () => {
    await receive(said('c', '1', 'one'), { kind: 'message', chat: 'c', id: '2', at: 1, text: 7 } as unknown as Update);
    await world.processAll();
    await receive(said('c', '3', 'three'));
    const scheduler = database.open('tidemark_scheduler', 1);
    const after = (days: number) => ({ ...systemClock, now: () => new Date(Date.now() + days * DAY_MS) });
    const prune = (days: number) =>
      pruneOldRows(
        { db: scheduler, queue: { clean: async () => 0 }, clock: after(days) },
        { keep: KEEP_DEFAULTS, signal: new AbortController().signal },
      );
    await world.receive(eventOf(`${bot}-nobody`, said('c', '1', 'one')));
    const unrouted = () => world.ask('select 1 from webhook_inbox where account_key = $1', [`${bot}-nobody`]);
    await prune(7);
    expect(await states()).toEqual(['done', 'dead', 'waiting']);
    expect(await unrouted()).toHaveLength(1);
    await prune(9);
    expect(await unrouted()).toEqual([]);
    expect(await states()).toEqual(['dead', 'waiting']);
    await prune(91);
    expect(await states()).toEqual([]);
  });
});
