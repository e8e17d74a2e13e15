// How often Telegram lets itself be asked (messaging-apis 1.4 and 1.8): new bots of one address, and messages to chats.

import { TokenBucket, type BucketLimit } from '../token-bucket.ts';
import { tooManyRequests } from './failure.ts';

export interface CountLimit {
  readonly count: number;
  readonly perMs: number;
}

/** May be changed while the simulator runs; null and the empty list: no limit. */
export interface TelegramLimits {
  /** Tokens that the address has not used before. */
  newBots: readonly CountLimit[];
  /** Messages of a bot to one chat, to one group, and to all. */
  perChat: BucketLimit | null;
  perGroup: BucketLimit | null;
  perBot: BucketLimit | null;
  /** Least time between two settings of a webhook. */
  setWebhookMs: number;
}

export function defaultLimits(): TelegramLimits {
  return {
    newBots: [
      { count: 20, perMs: 60_000 },
      { count: 600, perMs: 3_600_000 },
    ],
    perChat: { perSecond: 1, burst: 1 },
    perGroup: { perSecond: 20 / 60, burst: 20 },
    perBot: { perSecond: 30, burst: 30 },
    setWebhookMs: 1_000,
  };
}

/** For tests that are not about limits. */
export const UNLIMITED: TelegramLimits = { newBots: [], perChat: null, perGroup: null, perBot: null, setWebhookMs: 0 };

export class RateLimiter {
  readonly #limits: TelegramLimits;
  readonly #mono: () => number;
  readonly #known = new Set<string>();
  readonly #buckets = new Map<string, TokenBucket>();
  /** Arrivals of new tokens, oldest first. */
  #newcomers: number[] = [];

  constructor(limits: TelegramLimits, mono: () => number) {
    this.#limits = limits;
    this.#mono = mono;
  }

  /** Throws the refusal of a token that comes when too many new ones came before it. */
  admit(token: string): void {
    if (this.#known.has(token)) return;
    const now = this.#mono();
    const longest = Math.max(0, ...this.#limits.newBots.map(({ perMs }) => perMs));
    this.#newcomers = this.#newcomers.filter((at) => at > now - longest);
    for (const { count, perMs } of this.#limits.newBots) {
      const oldest = this.#newcomers.at(-count);
      if (oldest !== undefined && oldest + perMs > now)
        throw tooManyRequests(Math.floor((oldest + perMs - now) / 1_000) + 1);
    }
    this.#newcomers.push(now);
  }

  /** A token that turned out to be good is no newcomer any more. */
  remember(token: string): void {
    this.#known.add(token);
  }

  /** Throws the refusal of a message that is too many; it costs nothing. */
  takeMessage(botId: number, chat: { readonly id: number; readonly type: string }): void {
    const { perBot, perChat, perGroup } = this.#limits;
    const buckets = [
      this.#bucket(`${botId}`, perBot),
      this.#bucket(`${botId} ${chat.id}`, perChat),
      this.#bucket(`${botId} ${chat.id} group`, chat.type === 'private' ? null : perGroup),
    ].filter((bucket) => bucket !== null);
    for (const bucket of buckets) {
      // A charge of nothing looks without taking.
      const { remaining, retrySeconds } = bucket.charge(0);
      if (remaining < 1) throw tooManyRequests(Math.max(1, retrySeconds));
    }
    for (const bucket of buckets) bucket.take();
  }

  #bucket(key: string, limit: BucketLimit | null): TokenBucket | null {
    if (limit === null) return null;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, (bucket = new TokenBucket(limit, this.#mono)));
    bucket.change(limit);
    return bucket;
  }
}
