// The bots of a simulated Telegram: made, found by their token, revoked and given another token.

import type { Faults } from '../faults.ts';
import type { Journal } from '../journal.ts';
import type { Bot, MethodResult, Platform } from './bot.ts';
import { TelegramFailure } from './failure.ts';
import type { TelegramLimits } from './limits.ts';
import { isOpenToWebhooks, methodOf } from './methods.ts';
import type { Parameters } from './parameters.ts';
import { textIn } from './parameters.ts';
import { Polling } from './polling.ts';
import { botIdIn, mintSecret } from './token.ts';
import { UpdateQueue, type QueueLimits } from './update-queue.ts';
import { unixSeconds } from './model.ts';
import { Updates } from './updates.ts';
import { Webhook } from './webhook.ts';

export interface NewBot {
  readonly id?: number;
  readonly username?: string;
  readonly firstName?: string;
  /** The part of the token behind the colon; at least 24 letters, digits, `_` and `-`. */
  readonly secret?: string;
  /** False: privacy mode, as it is at first. Default true. */
  readonly readsGroups?: boolean;
}

export interface BotsOptions {
  readonly platform: Platform;
  readonly limits: TelegramLimits;
  readonly queueLimits: QueueLimits;
  readonly deliveries: Journal;
  readonly deliveryFaults: Faults;
  readonly resolveWebhook: (url: URL) => URL;
}

/** Past 2^32, as new ones are. */
const FIRST_BOT = 7_000_000_001;

export class Bots {
  readonly #options: BotsOptions;
  readonly #byId = new Map<number, Bot>();

  constructor(options: BotsOptions) {
    this.#options = options;
  }

  get all(): Iterable<Bot> {
    return this.#byId.values();
  }

  add({ id = FIRST_BOT + this.#byId.size, secret, ...rest }: NewBot = {}): Bot {
    const { random, time, traps } = this.#options.platform;
    if (this.#byId.has(id)) throw new Error(`expected a new bot, got ${id} again`);
    const queue = new UpdateQueue({
      random,
      limits: this.#options.queueLimits,
      nowSeconds: () => unixSeconds(time.now()),
    });
    const updates = new Updates(queue, time);
    const polling = new Polling(queue, time, traps);
    const webhook = this.#webhookOf(id, updates, polling);
    updates.onQueued = () => (webhook.isActive ? webhook.pump() : polling.wake());
    const username = rest.username ?? `tide_${this.#byId.size + 1}_bot`;
    const bot: Bot = {
      user: { id, is_bot: true, first_name: rest.firstName ?? username, username },
      readsGroups: rest.readsGroups ?? true,
      token: `${id}:${secret ?? mintSecret(random)}`,
      updates,
      polling,
      webhook,
      troubles: new Map(),
      businesses: new Map(),
      sent: [],
    };
    this.#byId.set(id, bot);
    return bot;
  }

  /** Another token of the same bot; the one before is as good as revoked. */
  reissue(bot: Bot): string {
    bot.token = `${bot.user.id}:${mintSecret(this.#options.platform.random)}`;
    return bot.token;
  }

  /** The bot that a token names, whether or not the token is good. */
  named(token: string): Bot | undefined {
    return this.#byId.get(botIdIn(token) ?? 0);
  }

  /** Throws the refusal of a token that is malformed, revoked, or one of too many new ones. */
  authorized(token: string): Bot {
    const { limiter, traps } = this.#options.platform;
    if (botIdIn(token) === undefined)
      throw traps.malformedToken === 'edge'
        ? new TelegramFailure(404, 'Not Found')
        : new TelegramFailure(401, 'Unauthorized: invalid token specified');
    limiter.admit(token);
    const bot = this.named(token);
    if (bot === undefined || bot.token !== token) throw new TelegramFailure(401, 'Unauthorized');
    limiter.remember(token);
    return bot;
  }

  /** Throws the refusal of a method that is unknown. */
  async run(bot: Bot, name: string, parameters: Parameters): Promise<MethodResult> {
    const method = methodOf(name);
    if (method === undefined) throw new TelegramFailure(404, 'Not Found: method not found');
    return method.run({ platform: this.#options.platform, bot, parameters });
  }

  #webhookOf(id: number, updates: Updates, polling: Polling): Webhook {
    const { platform, limits, deliveries, deliveryFaults, resolveWebhook } = this.#options;
    const { time, traps } = platform;
    return new Webhook({
      updates,
      polling,
      deliverer: {
        account: String(id),
        time,
        traps,
        journal: deliveries,
        faults: deliveryFaults,
        resolve: resolveWebhook,
      },
      onCall: (parameters) => this.#runForWebhook(id, parameters),
      leastMsBetween: () => limits.setWebhookMs,
    });
  }

  /** Nobody hears the answer. */
  #runForWebhook(id: number, parameters: Parameters): void {
    const method = methodOf(textIn(parameters, 'method'));
    const bot = this.#byId.get(id);
    if (bot === undefined || method === undefined || !isOpenToWebhooks(method)) return;
    this.run(bot, method.name, parameters).catch(() => undefined);
  }
}
