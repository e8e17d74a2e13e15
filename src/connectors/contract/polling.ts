// A platform that keeps what is new in one queue per account until somebody asks for it. Asking from a position acknowledges
// everything before it, so a batch and the position after it are stored together before the next question.

import type { Secret } from '../../core/secret.ts';
import type { InboxEvent } from './events.ts';
import type { ReadContext } from './stream.ts';

export interface PollRequest {
  /** Where the last stored batch ended; null: from the oldest that is there. */
  readonly position: number | null;
  /** How long the platform may hold the question while nothing is new; 0 to `longestWaitSeconds`. */
  readonly waitSeconds: number;
}

export interface PolledBatch {
  readonly events: readonly InboxEvent[];
  /** Where to go on once the batch is stored; may be lower than before. The old one where nothing came. */
  readonly position: number | null;
}

export interface WebhookAddress {
  readonly url: string;
  readonly secret: Secret;
}

/** Of a connector that says which account a credential opens (`accountOf`). */
export interface Polling<Credential, Settings> {
  readonly longestWaitSeconds: number;
  /**
   * One question. Throws `receive.webhook_active` (somebody set a webhook), `receive.other_poller` (somebody else asks too),
   * `receive.webhook_changed`, `platform.*`, `http.*`.
   */
  poll(context: ReadContext<Credential, Settings>, request: PollRequest): Promise<PolledBatch>;
  /**
   * From now on the platform calls us; what waits is kept. Takes the place of a webhook whose address `isOurs`; default: the same
   * address. Throws `receive.webhook_active` for another one.
   */
  startWebhook(
    context: ReadContext<Credential, Settings>,
    address: WebhookAddress,
    isOurs?: (url: string) => boolean,
  ): Promise<void>;
  /** Whether the platform still calls this address: it gives up one that does not answer, and others may set another one. */
  isWebhookSet(context: ReadContext<Credential, Settings>, url: string): Promise<boolean>;
  /**
   * From now on the platform waits to be asked; what waits is kept. Takes away a webhook whose address `isOurs`. Throws
   * `receive.webhook_active` for another one.
   */
  stopWebhook(context: ReadContext<Credential, Settings>, isOurs: (url: string) => boolean): Promise<void>;
}
