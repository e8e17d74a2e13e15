// What went on between a number and a person: when the person wrote last, and every message that was accepted for them.

import type { Contact, PhoneNumber } from './world.ts';

/** A message that the platform accepted. */
export interface AcceptedMessage {
  readonly id: string;
  readonly number: PhoneNumber;
  readonly to: Contact;
  /** `to` or `recipient` as it was asked. */
  readonly input: string;
  readonly at: Date;
  readonly type: string;
  /** The request's JSON. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Statuses that were told so far, in the order of the telling. */
  readonly statuses: { readonly status: string; readonly at: Date }[];
}

export interface Conversations {
  /** The person wrote: from now on the 24 hours run. */
  heard(number: PhoneNumber, from: Contact, at: Date): void;
  /** Whether the person wrote within the last 24 hours. */
  isOpen(number: PhoneNumber, to: Contact, now: Date): boolean;
  accept(message: AcceptedMessage): void;
  /** Throws for an id that nobody was given. */
  accepted(id: string): AcceptedMessage;
  /** Oldest first: one that was sent twice stands here twice. */
  sentTo(number: PhoneNumber, to?: Contact): readonly AcceptedMessage[];
}

const WINDOW_MS = 24 * 3_600_000;

export function createConversations(): Conversations {
  const lastHeardAt = new Map<string, number>();
  const messages = new Map<string, AcceptedMessage>();
  const keyOf = (number: PhoneNumber, { key }: Contact): string => `${number.id} ${key}`;
  return {
    heard(number, from, at) {
      const key = keyOf(number, from);
      lastHeardAt.set(key, Math.max(lastHeardAt.get(key) ?? 0, at.getTime()));
    },
    isOpen(number, to, now) {
      const heardAt = lastHeardAt.get(keyOf(number, to));
      return heardAt !== undefined && now.getTime() - heardAt < WINDOW_MS;
    },
    accept: (message) => void messages.set(message.id, message),
    accepted(id) {
      const message = messages.get(id);
      if (message === undefined) throw new Error(`expected the id of an accepted message, got ${id}`);
      return message;
    },
    sentTo: (number, to) =>
      [...messages.values()].filter((message) => message.number === number && (to ?? message.to) === message.to),
  };
}
