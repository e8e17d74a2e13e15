// The simulated Telegram: its Bot API over real HTTP on a loopback port, with the platform's quirks as switches. It answers from
// memory, calls nobody but webhooks on loopback addresses, and belongs to tests and the demo only.

import { Faults } from '../faults.ts';
import { Journal } from '../journal.ts';
import { createRandom } from '../random.ts';
import { createSimulatorServer, type Route, type SimulatorAnswer, type SimulatorRequest } from '../server.ts';
import type { Platform } from './bot.ts';
import { createBotHandle, type TelegramBot } from './bot-handle.ts';
import { Bots, type NewBot } from './bots.ts';
import { Directory, type NewGroup, type NewPerson, type Person } from './directory.ts';
import { failureAnswer, TelegramFailure } from './failure.ts';
import { Files } from './files.ts';
import { defaultLimits, RateLimiter, type TelegramLimits } from './limits.ts';
import { methodOf } from './methods.ts';
import type { TelegramChat, TelegramMessage } from './model.ts';
import { parametersOf } from './parameters.ts';
import { realTime, type PlatformTime } from './time.ts';
import { decoded, maskPath } from './token.ts';
import { defaultTraps, type TelegramTraps } from './traps.ts';
import { defaultQueueLimits, type QueueLimits } from './update-queue.ts';
import type { ChatRef } from './world.ts';

export interface TelegramSimulatorOptions {
  /** Clocks and waits. Default the real ones; any of them may be replaced alone. */
  readonly time?: Partial<PlatformTime>;
  readonly traps?: Partial<TelegramTraps>;
  readonly limits?: Partial<TelegramLimits>;
  readonly queue?: Partial<QueueLimits>;
  /** Where a webhook's public address leads to. Default: to itself, which works for loopback addresses only. */
  readonly resolveWebhook?: (url: URL) => URL;
  /** Secrets and first update ids. Default 1. */
  readonly seed?: number;
}

export interface TelegramSimulator {
  /** For `TELEGRAM_BASE_URL`: paths follow it as they are. */
  readonly baseUrl: string;
  /** Requests of bots: `operation` is the method, `account` the bot's id; the path holds no secret. */
  readonly journal: Journal;
  readonly faults: Faults;
  /** Calls of webhooks: `operation` is the kind of the update, `account` the bot's id. */
  readonly deliveries: Journal;
  readonly deliveryFaults: Faults;
  /** Live switches. */
  readonly traps: TelegramTraps;
  readonly limits: TelegramLimits;
  readonly queueLimits: QueueLimits;
  addBot(bot?: NewBot): TelegramBot;
  addPerson(person?: NewPerson): Person;
  addGroup(group?: NewGroup): TelegramChat;
  /** What a bot has written to a chat, oldest first, in the state after its edits. */
  sentTo(bot: TelegramBot, chat: ChatRef): readonly TelegramMessage[];
  start(port?: number): Promise<void>;
  /** Nothing is answered or delivered until the next start; what waits is kept. */
  stop(): Promise<void>;
}

/** A stopped simulator without bots. */
export function createTelegramSimulator(options: TelegramSimulatorOptions = {}): TelegramSimulator {
  const platform = createPlatform(options);
  const { time, traps, directory, limits } = platform;
  const queueLimits: QueueLimits = { ...defaultQueueLimits(), ...options.queue };
  const deliveries = new Journal();
  const deliveryFaults = new Faults();
  const resolveWebhook = options.resolveWebhook ?? ((url: URL): URL => url);
  const bots = new Bots({ platform, limits, queueLimits, deliveries, deliveryFaults, resolveWebhook });
  const journal = new Journal();
  const faults = new Faults();
  const routes = routesOf(platform, bots);
  const { now, mono } = time;
  const server = createSimulatorServer({ routes, journal, faults, now, mono, journalPath: maskPath });
  return {
    get baseUrl() {
      return server.baseUrl;
    },
    journal,
    faults,
    deliveries,
    deliveryFaults,
    traps,
    limits,
    queueLimits,
    addBot: (bot) => createBotHandle(platform, bots, bots.add(bot)),
    addPerson: (person) => directory.addPerson(person),
    addGroup: (group) => directory.addGroup(group),
    sentTo: (bot, chat) =>
      bot.sent.filter((message) => message.chat.id === (typeof chat === 'number' ? chat : chat.id)),
    async start(port) {
      await server.start(port);
      for (const { webhook } of bots.all) webhook.resume();
    },
    async stop() {
      for (const { polling, webhook } of bots.all) {
        webhook.pause();
        polling.close();
      }
      await server.stop();
    },
  };
}

function createPlatform(options: TelegramSimulatorOptions): Platform & { readonly limits: TelegramLimits } {
  const time: PlatformTime = { ...realTime, ...options.time };
  const limits: TelegramLimits = { ...defaultLimits(), ...options.limits };
  return {
    time,
    limits,
    random: createRandom(options.seed ?? 1),
    traps: { ...defaultTraps(), ...options.traps },
    limiter: new RateLimiter(limits, time.mono),
    directory: new Directory(),
    files: new Files(time),
  };
}

const NOT_FOUND = new TelegramFailure(404, 'Not Found');
const METHOD_PATH = /\/bot(?<token>[^/]*)\/(?<method>[^/]+)/;
const FILE_PATH = /\/file\/bot(?<token>[^/]*)\/(?<file>.+)/;

function routesOf(platform: Platform, bots: Bots): readonly Route[] {
  const label: Route['label'] = ({ params }) => ({
    operation: params['method'] === undefined ? 'file' : (methodOf(params['method'])?.name ?? params['method']),
    account: bots.named(decoded(params['token'] ?? ''))?.user.id.toString(),
  });
  const refusing =
    (answer: (request: SimulatorRequest) => Promise<SimulatorAnswer>): Route['answer'] =>
    (request) =>
      answer(request).catch((error: unknown) => {
        if (error instanceof TelegramFailure) return failureAnswer(error);
        throw error;
      });
  const method = refusing((request) => methodAnswer(bots, request));
  const file = refusing((request) => fileAnswer(platform, bots, request));
  return [
    { method: 'GET', path: FILE_PATH, label, answer: file },
    { method: 'GET', path: METHOD_PATH, label, answer: method },
    { method: 'POST', path: METHOD_PATH, label, answer: method },
    ...['GET', 'POST'].map((verb) => ({ method: verb, path: /\/.*/, answer: () => failureAnswer(NOT_FOUND) })),
  ];
}

async function methodAnswer(bots: Bots, request: SimulatorRequest): Promise<SimulatorAnswer> {
  const { token = '', method = '' } = request.params;
  const bot = bots.authorized(decoded(token));
  const answer = await bots.run(bot, method, await parametersOf(request));
  return { status: 200, body: { ok: true, ...answer } };
}

async function fileAnswer({ files }: Platform, bots: Bots, { params }: SimulatorRequest): Promise<SimulatorAnswer> {
  const bot = bots.authorized(decoded(params['token'] ?? ''));
  const file = files.download(bot.user.id, params['file'] ?? '');
  if (file === undefined) throw NOT_FOUND;
  return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: file.content };
}
