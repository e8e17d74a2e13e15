// The webhook of one bot: set, replaced, taken away, asked about. While one is set nobody may ask for updates; whatever waits
// goes on waiting from one way of telling to the other.

import { badRequest, tooManyRequests } from './failure.ts';
import { unixSeconds } from './model.ts';
import { integerIn, isSet, structureIn, textIn, type Parameters } from './parameters.ts';
import { CONFLICT, type Polling } from './polling.ts';
import type { Updates } from './updates.ts';
import { WebhookDelivery, type DeliveryEvents } from './webhook-delivery.ts';
import type { Deliverer, WebhookTarget } from './webhook-post.ts';

export interface WebhookOptions {
  readonly updates: Updates;
  readonly polling: Polling;
  readonly deliverer: Deliverer;
  /** A webhook answered with a call of a method. */
  readonly onCall: DeliveryEvents['onCall'];
  /** Read at every call; 0 turns it off. */
  readonly leastMsBetween: () => number;
}

interface Setting extends WebhookTarget {
  readonly ipAddress: string;
}

interface Pending {
  isSuperseded: boolean;
}

const PORTS: ReadonlySet<string> = new Set(['', '443', '80', '88', '8443']);

export class Webhook {
  readonly #options: WebhookOptions;
  #setting: Setting | null = null;
  #delivery: WebhookDelivery | null = null;
  #pending: Pending | null = null;
  #nextSetAt = Number.NEGATIVE_INFINITY;
  #lastError: { readonly at: number; readonly message: string } | null = null;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  /** True also while one is being set. */
  get isActive(): boolean {
    return this.#setting !== null || this.#pending !== null;
  }

  get url(): string {
    return this.#setting?.url ?? '';
  }

  /** Resolves with what the platform says of it. */
  async set(parameters: Parameters): Promise<string> {
    const { updates, polling, deliverer, leastMsBetween } = this.#options;
    const setting = settingOf(parameters);
    if (setting === null) return this.remove(parameters);
    this.#holdBack(deliverer.time.mono(), leastMsBetween());
    const isNew = !isSame(setting, this.#setting) || isSet(parameters, 'drop_pending_updates');
    if (this.#pending === null && !isNew) {
      updates.subscribe(structureIn(parameters, 'allowed_updates'));
      return 'Webhook is already set';
    }
    polling.terminate(CONFLICT.webhookSet);
    this.#end();
    const pending: Pending = { isSuperseded: false };
    this.#pending = pending;
    if (deliverer.traps.webhookSetMs > 0) await deliverer.time.wait(deliverer.traps.webhookSetMs);
    if (pending.isSuperseded) return polling.conflict(CONFLICT.otherWebhook);
    this.#pending = null;
    if (isSet(parameters, 'drop_pending_updates')) updates.queue.clear();
    updates.subscribe(structureIn(parameters, 'allowed_updates'));
    this.#lastError = null;
    this.#setting = setting;
    this.resume();
    return 'Webhook was set';
  }

  remove(parameters: Parameters): string {
    const wasActive = this.isActive;
    this.#end();
    if (isSet(parameters, 'drop_pending_updates')) this.#options.updates.queue.clear();
    return wasActive ? 'Webhook was deleted' : 'Webhook is already deleted';
  }

  info(): object {
    const { updates } = this.#options;
    return {
      url: this.url,
      has_custom_certificate: false,
      pending_update_count: updates.queue.live().length,
      ...(this.#setting && {
        max_connections: this.#setting.maxConnections,
        ip_address: this.#setting.ipAddress || '127.0.0.1',
      }),
      ...(this.#lastError && { last_error_date: this.#lastError.at, last_error_message: this.#lastError.message }),
      ...(updates.subscription && { allowed_updates: [...updates.subscription] }),
    };
  }

  /** Something was queued. */
  pump(): void {
    this.#delivery?.pump();
  }

  /** Nothing is sent while the simulator is stopped. */
  pause(): void {
    this.#delivery?.close();
    this.#delivery = null;
  }

  resume(): void {
    if (this.#setting === null || this.#delivery !== null) return;
    const { updates, deliverer, onCall } = this.#options;
    const events: DeliveryEvents = {
      onCall,
      onError: (message) => (this.#lastError = { at: unixSeconds(deliverer.time.now()), message }),
      onGone: () => this.#end(),
    };
    this.#delivery = new WebhookDelivery(this.#setting, updates.queue, deliverer, events);
    this.#delivery.pump();
  }

  #holdBack(now: number, leastMs: number): void {
    if (now < this.#nextSetAt) throw tooManyRequests(1);
    this.#nextSetAt = now + leastMs;
  }

  #end(): void {
    if (this.#pending !== null) this.#pending.isSuperseded = true;
    this.#pending = null;
    this.#setting = null;
    this.pause();
  }
}

/** Null: an empty address, which takes the webhook away. Plain http is for a loopback address only. */
function settingOf(parameters: Parameters): Setting | null {
  const text = textIn(parameters, 'url');
  if (text === '') return null;
  const url = URL.parse(text);
  if (url === null) throw badRequest('invalid webhook URL specified');
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (!isLocal && url.protocol !== 'https:') throw badRequest('bad webhook: An HTTPS URL must be provided for webhook');
  if (!isLocal && !PORTS.has(url.port))
    throw badRequest('bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443');
  const secretToken = textIn(parameters, 'secret_token');
  if (secretToken.length > 256) throw badRequest('secret token is too long');
  if (!/^[\w-]*$/.test(secretToken)) throw badRequest('secret token contains unallowed characters');
  return {
    url: text,
    secretToken,
    maxConnections: integerIn(parameters, 'max_connections', { otherwise: 40, min: 1, max: 100 }),
    ipAddress: textIn(parameters, 'ip_address'),
  };
}

function isSame(a: Setting, b: Setting | null): boolean {
  return b !== null && JSON.stringify(a) === JSON.stringify(b);
}
