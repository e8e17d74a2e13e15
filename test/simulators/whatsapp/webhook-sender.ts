// Sends webhooks as Meta does: again until somebody says 2xx, up to seven days, and sometimes though somebody said it. Attempts
// that are hours apart there are milliseconds apart here.

import { setTimeout as delay } from 'node:timers/promises';
import type { WhatsappTraps } from './traps.ts';
import { post, type Posting } from './webhook-post.ts';
import type { App } from './world.ts';

/** One POST, with all attempts to bring it. */
export interface Delivery extends Posting {
  readonly firstAt: Date;
  /** HTTP status of each attempt; null: no answer. */
  readonly attempts: (number | null)[];
  state: 'waiting' | 'delivered' | 'given_up';
}

export interface SenderOptions {
  readonly now: () => Date;
  readonly traps: WhatsappTraps;
  /** Pauses between attempts; their number is the number of repetitions. */
  readonly retryDelaysMs?: readonly number[];
  readonly answerTimeoutMs?: number;
}

const SEVEN_DAYS_MS = 7 * 86_400_000;
const MAX_DELIVERIES = 10_000;
const RETRY_DELAYS_MS = [5, 10, 20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000, 1_000];
const ANSWER_TIMEOUT_MS = 10_000;

export class WebhookSender {
  /** Newest last; at most 10,000. */
  readonly deliveries: Delivery[] = [];
  readonly #options: Required<SenderOptions>;
  readonly #waiting: Delivery[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #givenUp: Delivery[] = [];
  #stopping = new AbortController();
  #running = 0;
  #isHeld = false;

  constructor(options: SenderOptions) {
    this.#options = { retryDelaysMs: RETRY_DELAYS_MS, answerTimeoutMs: ANSWER_TIMEOUT_MS, ...options };
  }

  send(app: App, url: string, body: string): Delivery {
    const delivery: Delivery = { app, url, body, firstAt: this.#options.now(), attempts: [], state: 'waiting' };
    this.deliveries.push(delivery);
    if (this.deliveries.length > MAX_DELIVERIES) this.deliveries.shift();
    this.#waiting.push(delivery);
    this.#pump();
    return delivery;
  }

  /** The same bytes once more, as a platform does that missed the answer. Throws after the seven days. */
  replay(delivery: Delivery): Delivery {
    const { app, url, body } = delivery;
    if (this.#isTooOld(delivery))
      throw new Error('expected a delivery of the last seven days: Meta repeats no older one');
    return this.send(app, url, body);
  }

  /** Keeps what comes from now on; the returned function lets it go, in this order. */
  hold(): (order?: 'kept' | 'reversed') => void {
    this.#isHeld = true;
    return (order = 'kept') => {
      this.#isHeld = false;
      if (order === 'reversed') this.#waiting.reverse();
      this.#pump();
    };
  }

  /** Resolves when everything was delivered. Rejects when something was given up since the last time, or is held. */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    const held = this.#waiting.length;
    if (held > 0) throw new Error(`${held} webhooks are held: release them first`);
    const lost = this.#givenUp.splice(0);
    if (lost.length === 0) return;
    const attempts = lost.map((delivery) => delivery.attempts.join(', ')).join('; ');
    throw new Error(`${lost.length} webhooks were given up; statuses of their attempts: ${attempts}`);
  }

  /** Gives up what is on its way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#waiting.length = 0;
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    this.#givenUp.length = 0;
    this.#stopping = new AbortController();
  }

  #pump(): void {
    if (this.#isHeld) return;
    while (this.#waiting.length > 0 && this.#running < this.#options.traps.deliveriesAtOnce)
      this.#track(this.#first(this.#waiting.shift()!));
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }

  async #first(delivery: Delivery): Promise<void> {
    this.#running += 1;
    const isDone = await this.#attempt(delivery);
    if (isDone) {
      delivery.state = 'delivered';
      for (let more = 0; more < this.#options.traps.duplicates; more++) await this.#attempt(delivery);
    }
    this.#running -= 1;
    // Repetitions hold nobody up: what comes later may arrive earlier.
    if (!isDone) this.#track(this.#again(delivery));
    this.#pump();
  }

  async #again(delivery: Delivery): Promise<void> {
    const { signal } = this.#stopping;
    for (const pauseMs of this.#options.retryDelaysMs) {
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted || this.#isTooOld(delivery)) break;
      if (!(await this.#attempt(delivery))) continue;
      delivery.state = 'delivered';
      return;
    }
    delivery.state = 'given_up';
    this.#givenUp.push(delivery);
  }

  async #attempt(delivery: Delivery): Promise<boolean> {
    const { traps, answerTimeoutMs } = this.#options;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(answerTimeoutMs)]);
    const status = await post(delivery, { traps, signal });
    delivery.attempts.push(status);
    return status !== null && status >= 200 && status < 300;
  }

  #isTooOld({ firstAt }: Delivery): boolean {
    return this.#options.now().getTime() - firstAt.getTime() > SEVEN_DAYS_MS;
  }
}
