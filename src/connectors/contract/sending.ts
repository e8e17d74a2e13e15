// Messages that we send, and what a platform makes of one.

import type { OutgoingMessage } from '../../core/outgoing.ts';
import type { EventRecords } from './events.ts';
import type { ReadContext } from './stream.ts';

export { outgoingSchema, type OutgoingMessage } from '../../core/outgoing.ts';

/** What a platform made of a message. */
export interface Sent {
  readonly platformMessageId: string;
  /** The chat it went to, as the platform's events name it. */
  readonly chatKey: string;
  readonly sentAt: Date;
  /** The message as stored, with its chat. */
  readonly records: EventRecords;
}

/** What is known of earlier tries of a message. */
export interface SendTries {
  /** How often a limit of the platform refused this message (`platform.rate_limited`): some want to hear from us ever later. */
  readonly refusals?: number;
}

export interface Sending<Credential, Settings> {
  /** Throws `input.invalid` for what this platform does not take, with what it would take. */
  check(message: OutgoingMessage): void;
  /** Messages with the same key are sent one after the other, in the order in which they were queued. */
  chatKeyOf(message: OutgoingMessage): string;
  /**
   * Sends once: never repeated by the http client (`attempts: 1`). Throws `message.*` when the platform refused it for good,
   * `message.chat_migrated` with `details.toChatKey` when the chat has another key now, `platform.rate_limited` when it was not
   * sent yet; every other error leaves open whether it was sent, but those that are thrown before a byte left.
   */
  send(context: ReadContext<Credential, Settings>, message: OutgoingMessage, tries?: SendTries): Promise<Sent>;
}
