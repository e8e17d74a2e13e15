// Whatever happens between a platform's queue and our rows, in whichever way updates come and through switches between both ways:
// nothing that was said is lost, nothing is doubled, the last word of every message is the one that is kept.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { telegram } from '../../src/connectors/telegram/index.ts';
import { systemClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import type { JobQueue } from '../../queues/port.ts';
import type { Database } from '../../src/db/database.ts';
import { sweepInbox } from '../../src/scheduler/inbox-sweep.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createReceivers, type Receivers } from '../../src/webhooks/receivers.ts';
import { createWebhookSecrets } from '../../src/webhooks/webhook-secrets.ts';
import type { TelegramBot } from '../simulators/telegram/bot-handle.ts';
import type { Person } from '../simulators/telegram/directory.ts';
import { UNLIMITED } from '../simulators/telegram/limits.ts';
import type { TelegramChat, TelegramMessage } from '../simulators/telegram/model.ts';
import { createTelegramSimulator, type TelegramSimulator } from '../simulators/telegram/simulator.ts';
import { createRandom, type Random } from '../simulators/random.ts';
import { startApi } from '../support/api.ts';
import { memoryQueue } from '../support/memory-queue.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createTalkWorld, type Account, type TalkWorld } from '../support/talk-world.ts';
import { waitFor } from '../support/wait.ts';

const PUBLIC_URL = 'https://tidemark.test';
let database: TestDatabase;
let sim: TelegramSimulator;
let address = '';

beforeAll(async () => {
  database = await createTestDatabase();
  sim = createTelegramSimulator({
    limits: UNLIMITED,
    traps: { antiHammering: false, smoothConflicts: false, webhookPauseMs: () => 5 },
    resolveWebhook: (url) => new URL(url.pathname, address),
  });
  await sim.start();
});
afterAll(() => sim.stop());

const STEPS = ['say', 'say', 'say', 'edit', 'business', 'delete', 'process', 'switch', 'die', 'lose', 'break'] as const;
type Step = (typeof STEPS)[number];

/** The database as it is on a bad day: before or after what it was asked, its connection breaks. */
function breaking(db: Database, isBroken: () => 'before' | 'after' | null): Database {
  return {
    ...db,
    role: db.role,
    query: async (text, values) => {
      const when = /store_batch|receive_events/.test(text) ? isBroken() : null;
      const lost = (): AppError => new AppError('db.unavailable', 'the connection was lost');
      if (when === 'before') throw lost();
      const result = await db.query(text, values);
      if (when === 'after') throw lost();
      return result;
    },
    tx: (scope, work) => db.tx(scope, work),
    close: () => db.close(),
  } as Database;
}

interface Play {
  readonly world: TalkWorld;
  readonly account: Account;
  readonly bot: TelegramBot;
  readonly random: Random;
  readonly people: readonly Person[];
  readonly group: TelegramChat;
  readonly connection: ReturnType<TelegramBot['businessConnect']>;
  /** Last word by key; null: deleted. */
  readonly expected: Map<string, string | null>;
  readonly said: TelegramMessage[];
  told: number;
  mode: 'poll' | 'webhook';
  worker: { readonly id: string; readonly receivers: Receivers };
}

const keyOf = ({ chat, message_id: id, business_connection_id: connection }: TelegramMessage): string =>
  `${connection === undefined ? '' : `${connection}/`}${chat.id} ${id}`;

function note(play: Play, message: TelegramMessage): void {
  play.told += 1;
  play.said.push(message);
  play.expected.set(keyOf(message), String(message['text']));
}

/** What the scheduler does for events that came while an account was not proven. */
async function route(): Promise<void> {
  const queue = { enqueueMany: () => Promise.resolve([]) } as unknown as JobQueue;
  const clock = { ...systemClock, now: () => new Date(Date.now() + 60_000) };
  await sweepInbox({ db: database.open('tidemark_scheduler', 1), queue, clock, log: silentLog });
}

async function startWorker(world: TalkWorld, db: Database): Promise<Play['worker']> {
  const id = await world.addWorker();
  const receivers = createReceivers({
    ...world.deps,
    db,
    workerId: id,
    everyMs: 10,
    publicUrl: PUBLIC_URL,
    waitSeconds: 0,
    backoff: { baseMs: 5, capMs: 50 },
  });
  await receivers.start();
  return { id, receivers };
}

async function take(play: Play, step: Step, db: Database): Promise<void> {
  const { world, bot, random, people, group, connection, expected, said, account } = play;
  const person = random.pick(people);
  switch (step) {
    case 'say': {
      const chat = random.chance(0.3) ? group : person.chat;
      return note(play, bot.say(chat, { text: `said ${play.told}`, from: person.user }));
    }
    case 'business':
      return note(play, bot.businessSay(connection, person, { text: `business ${play.told}` }));
    case 'edit': {
      const before = said.at(-1 - random.int(0, Math.min(4, said.length - 1)));
      if (before === undefined || expected.get(keyOf(before)) === null) return undefined;
      // A second apart, as versions of a real message are: the platform tells seconds.
      const versions = said.filter((version) => keyOf(version) === keyOf(before));
      const newest = Math.max(...versions.map(({ date: at, edit_date: editedAt }) => Number(editedAt ?? at)));
      const date = new Date(1_000 * (newest + 1));
      return note(play, bot.edit(before, { text: `edited ${play.told}`, date }));
    }
    case 'delete': {
      const message = said.findLast(({ business_connection_id: of }) => of !== undefined);
      const owner = people.find(({ chat }) => chat.id === message?.chat.id);
      if (message === undefined || owner === undefined) return undefined;
      play.told += 1;
      expected.set(keyOf(message), null);
      return bot.businessDelete(connection, owner, [message.message_id]);
    }
    case 'process':
      await route();
      return await world.processAll(3);
    case 'switch': {
      play.mode = play.mode === 'poll' ? 'webhook' : 'poll';
      const settings = JSON.stringify({ receive: play.mode });
      await world.ask('update integrations set settings = $2 where id = $1', [account.integrationId, settings]);
      await world.ask('update integrations set account_proven_at = now() where id = $1', [account.integrationId]);
      return undefined;
    }
    case 'die': {
      // The worker is declared dead while it works; another one takes over while it may still have an answer in hand.
      await world.ask(`update workers set status = 'dead', stopped_at = now() where id = $1`, [play.worker.id]);
      const { receivers } = play.worker;
      play.worker = await startWorker(world, db);
      return await receivers.stop();
    }
    case 'lose':
      sim.faults.add({
        match: { operation: 'getUpdates', account: String(bot.id) },
        fault: { kind: 'reset-after-processing' },
        times: 1,
      });
      sim.deliveryFaults.add({
        match: { account: String(bot.id) },
        fault: { kind: 'reset-after-processing' },
        times: 1,
      });
      return undefined;
    case 'break':
      return undefined;
  }
}

async function play(steps: readonly Step[], seed: number): Promise<void> {
  const random = createRandom(seed);
  const bot = sim.addBot();
  let breaks: ('before' | 'after')[] = [];
  const isBroken = (): 'before' | 'after' | null => breaks.shift() ?? null;
  const world = await createTalkWorld(database, {
    connector: telegram,
    baseUrl: sim.baseUrl,
    credentialsOf: () => bot.credentials,
  });
  const db = breaking(world.deps.db, isBroken);
  const api = breaking(database.open('tidemark_api', 2), isBroken);
  const server = await startApi(api, {
    queue: { ...memoryQueue([]), enqueueMany: world.deps.queue.enqueueMany },
    webhookSecrets: createWebhookSecrets({
      db: api,
      clock: systemClock,
      opener: () => Promise.reject(new Error('no keys')),
    }),
  });
  ({ address } = server);
  const account = await world.connect(String(bot.id), { receive: 'poll' });
  const people = [sim.addPerson(), sim.addPerson(), sim.addPerson()];
  const group = sim.addGroup({ type: 'supergroup', members: people.map(({ user }) => user) });
  const owner = sim.addPerson();
  const connection = bot.businessConnect(owner);
  const worker = await startWorker(world, db);
  const state: Play = {
    world,
    account,
    bot,
    random,
    people,
    group,
    connection,
    expected: new Map(),
    said: [],
    told: 1,
    mode: 'poll',
    worker,
  };
  onTestFinished(() => state.worker.receivers.stop());
  for (const step of steps) {
    if (step === 'break') breaks.push(random.pick(['before', 'after'] as const));
    await take(state, step, db);
    // So that some of it happens while nothing else does, and some all at once.
    if (random.chance(0.5)) await new Promise((resolve) => setImmediate(resolve));
  }
  const inInbox = async (): Promise<number> =>
    (
      await world.ask<{ n: number }>('select count(*)::int as n from webhook_inbox where account_key = $1', [
        String(bot.id),
      ])
    )[0]!.n;
  await waitFor(async () => (await inInbox()) >= state.told && bot.pending === 0, {
    what: `${state.told} events`,
    timeoutMs: 20_000,
  });
  breaks = [];
  await route();
  await world.processAll(3);
  await state.worker.receivers.stop();
  await world.ask(`update integrations set status = 'disconnected' where id = $1`, [account.integrationId]);
  expect(await inInbox(), 'events').toBe(state.told);
  expect(
    await world.ask(`select kind, state, error, body from webhook_inbox where account_key = $1 and state <> 'done'`, [
      String(bot.id),
    ]),
    'left',
  ).toEqual([]);
  const stored = (await world.messages(account)).map(
    ({ chat_key: chat, platform_message_id: id, content, deleted_at: deletedAt }) => [
      `${String(chat)} ${String(id)}`,
      deletedAt === null ? content : null,
    ],
  );
  const kept = stored.filter(([, content]) => content !== null);
  const left = [...state.expected].filter(([, content]) => content !== null);
  const byKey = (a: readonly unknown[], b: readonly unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1);
  expect(kept.toSorted(byKey)).toEqual(left.toSorted(byKey));
}

test('no update is lost and none is doubled, polled or delivered, whatever breaks between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...STEPS), { minLength: 20, maxLength: 60 }), fc.nat(), play),
    { endOnFailure: true, numRuns: Number(process.env['TIDEMARK_PROPERTY_RUNS'] ?? 4) },
  );
}, 240_000);
