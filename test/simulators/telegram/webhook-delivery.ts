// Calls one webhook: each update by a POST of its own, lanes side by side, again and again until it is taken or too old. It
// goes to a loopback address only; one that is public is mapped to it by the simulator's owner.

import { unixSeconds } from './model.ts';
import type { Queued, UpdateQueue } from './update-queue.ts';
import { WebhookLanes } from './webhook-lanes.ts';
import { postUpdate, type Deliverer, type Outcome, type WebhookTarget } from './webhook-post.ts';

export interface DeliveryEvents {
  onError(message: string): void;
  /** The webhook said 410 for too long. */
  onGone(): void;
  /** It answered a success with a call of a method. */
  onCall(parameters: Readonly<Record<string, unknown>>): void;
}

const LONGEST_RETRY_AFTER_S = 3_600;

/** From the setting of a webhook to its end. */
export class WebhookDelivery {
  readonly #target: WebhookTarget;
  readonly #queue: UpdateQueue;
  readonly #deliverer: Deliverer;
  readonly #events: DeliveryEvents;
  readonly #lanes = new WebhookLanes();
  readonly #ended = new AbortController();
  #active = 0;
  #goneSince: number | null = null;

  constructor(target: WebhookTarget, queue: UpdateQueue, deliverer: Deliverer, events: DeliveryEvents) {
    this.#target = target;
    this.#queue = queue;
    this.#deliverer = deliverer;
    this.#events = events;
  }

  /** Sends what may be sent now. */
  pump(): void {
    const { time } = this.#deliverer;
    while (!this.#ended.signal.aborted && this.#active < this.#target.maxConnections) {
      const queued = this.#lanes.next(this.#queue.live(), time.mono());
      if (queued === undefined) return;
      this.#active += 1;
      void this.#deliver(queued);
    }
  }

  /** Nothing is sent any more; what is on its way counts as not taken, and is told again to whoever comes next. */
  close(): void {
    this.#ended.abort();
  }

  async #deliver(queued: Queued): Promise<void> {
    const outcome = await postUpdate(this.#deliverer, this.#target, queued, this.#ended.signal);
    if (this.#ended.signal.aborted) return;
    this.#active -= 1;
    if (outcome.error === undefined) this.#taken(queued, outcome);
    else this.#failed(queued, outcome.error, outcome);
    this.pump();
  }

  #taken(queued: Queued, { body }: Outcome): void {
    this.#goneSince = null;
    this.#lanes.settle(queued);
    this.#queue.remove(queued.id);
    if (body !== undefined) this.#events.onCall(body);
  }

  #failed(queued: Queued, error: string, { status, retryAfterSeconds }: Outcome): void {
    const { time, traps } = this.#deliverer;
    this.#events.onError(error);
    const asked = Math.min(LONGEST_RETRY_AFTER_S, Math.max(0, retryAfterSeconds));
    const pause = this.#lanes.fail(queued, time.mono(), (failures) =>
      asked > 0 ? asked * 1_000 : traps.webhookPauseMs(failures),
    );
    if (unixSeconds(time.now()) + pause / 1_000 > queued.expiresAt) {
      this.#lanes.settle(queued);
      this.#queue.remove(queued.id);
    }
    void this.#again(queued, time.wait(pause, this.#ended.signal));
    if (this.#isGone(status)) this.#events.onGone();
  }

  async #again(queued: Queued, pause: Promise<void>): Promise<void> {
    await pause;
    this.#lanes.release(queued);
    this.pump();
  }

  #isGone(status: number | undefined): boolean {
    const now = this.#deliverer.time.mono();
    this.#goneSince = status === 410 ? (this.#goneSince ?? now) : null;
    return this.#goneSince !== null && now - this.#goneSince > this.#deliverer.traps.goneAfterMs;
  }
}
