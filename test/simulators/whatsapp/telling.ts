// What a test lets the platform tell: statuses, what comes from the owner's phone, news of templates, and whatever has no name
// yet.

import { exactNumber } from './meta-json.ts';
import { headOf, type Value } from './changes.ts';
import {
  contactsChange,
  declinedChange,
  echoChange,
  historyChanges,
  type ContactAction,
  type HistoryOptions,
  type PastTalk,
} from './history.ts';
import type { PeopleParts } from './people.ts';
import type { Said } from './said.ts';
import { statusChange, type StatusOptions } from './statuses.ts';
import type { MessageStatusWord } from './traps.ts';
import type { Contact, PhoneNumber, Template, Waba } from './world.ts';

export interface Telling {
  /** Tells a status of an accepted message. */
  status(messageId: string, status: MessageStatusWord, options?: StatusOptions): void;
  /** Tells what was said before the connection, in chunks; returns the number of webhooks. */
  shareHistory(number: PhoneNumber, talks: readonly PastTalk[], options?: HistoryOptions): number;
  /** Tells that the owner keeps the history to himself. */
  declineHistory(number: PhoneNumber): void;
  /** The owner sends something from the phone; returns the message's id. */
  echo(number: PhoneNumber, to: Contact, said: Said | string, at?: Date): string;
  /** The owner's phone has or no longer has these contacts. */
  phoneContacts(number: PhoneNumber, people: readonly Contact[], action?: ContactAction): void;
  /** A template has another status. */
  templateStatus(template: Template, status: string, reason?: string): void;
  /** Any field with any value, of an account or a number; that of a number begins as all of them do. */
  tell(about: Waba | PhoneNumber, field: string, value: Value): void;
}

export function createTelling(parts: PeopleParts): Telling {
  const { webhooks, conversations, ids, traps, now } = parts;
  const publish = webhooks.publish.bind(webhooks);
  return {
    status(messageId, status, options = {}) {
      const message = conversations.accepted(messageId);
      publish(statusChange({ message, status, now: now(), ...options }, traps));
    },
    shareHistory(number, talks, options = {}) {
      const changes = historyChanges(parts, { number, talks, options });
      for (const change of changes) publish(change);
      return changes.length;
    },
    declineHistory: (number) => publish(declinedChange(number)),
    echo(number, person, said, at = now()) {
      const id = ids.message(person.waId ?? person.key);
      publish(echoChange(parts, { number, person, said, at, id }));
      return id;
    },
    phoneContacts: (number, people, action = 'add') =>
      publish(contactsChange(parts, { number, people, action, at: now() })),
    templateStatus(template, status, reason = 'NONE') {
      template.status = status;
      const value = {
        event: status,
        // The only place where an id is a JSON number.
        message_template_id: exactNumber(template.id),
        message_template_name: template.name,
        message_template_language: template.language,
        reason,
      };
      publish({ waba: template.waba, field: 'message_template_status_update', value });
    },
    tell: (about, field, value) =>
      publish(
        'waba' in about
          ? { waba: about.waba, number: about, field, value: { ...headOf(about), ...value } }
          : { waba: about, field, value },
      ),
  };
}
