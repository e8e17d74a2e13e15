// What one bot is told: its subscription in front of its queue, whoever empties the queue.

import { unixSeconds, type NewUpdate } from './model.ts';
import type { PlatformTime } from './time.ts';
import { expiryOf, isTold, kindOf, laneOf, subscriptionOf, type Subscription } from './update-kinds.ts';
import type { Queued, UpdateQueue } from './update-queue.ts';

export class Updates {
  readonly queue: UpdateQueue;
  /** Called after each update that was queued. */
  onQueued: () => void = () => undefined;
  #subscription: Subscription = null;
  readonly #time: PlatformTime;

  constructor(queue: UpdateQueue, time: PlatformTime) {
    this.queue = queue;
    this.#time = time;
  }

  get subscription(): Subscription {
    return this.#subscription;
  }

  /** The value of `allowed_updates`, whoever sent it: asking and webhooks share the setting. True when it changed. */
  subscribe(allowedUpdates: unknown): boolean {
    const next = subscriptionOf(allowedUpdates);
    if (next === undefined) return false;
    const hasChanged = [...(next ?? [])].join() !== [...(this.#subscription ?? [])].join();
    this.#subscription = next;
    return hasChanged;
  }

  /** Its id; null: the bot does not want the kind (no id is spent), or the queue dropped it. */
  tell(update: NewUpdate): number | null {
    const about = kindOf(update);
    if (!isTold(this.#subscription, about.kind)) return null;
    const id = this.queue.push({
      kind: about.kind,
      lane: laneOf(about),
      update,
      expiresAt: expiryOf(about, unixSeconds(this.#time.now())),
    });
    if (id !== null) this.onQueued();
    return id;
  }
}

/** An update as it goes out. */
export function updateBody({ id, update }: Queued): object {
  return { update_id: id, ...update };
}
