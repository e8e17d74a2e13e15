// People who write to businesses. What they say is told by webhook at once; messages to them are answered for 24 hours.

import { contactOf, headOf, unixSeconds, userIdOf, userIdsOf, type Value } from './changes.ts';
import type { Conversations } from './conversations.ts';
import type { Ids } from './ids.ts';
import type { MediaStore } from './media.ts';
import { contentOf, type Said } from './said.ts';
import type { WhatsappTraps } from './traps.ts';
import type { Webhooks } from './webhooks.ts';
import type { Contact, PhoneNumber, Waba, World } from './world.ts';

export interface NewPerson extends Partial<Omit<Contact, 'key'>> {}

export interface SayOptions {
  /** Id of the message that is answered. */
  readonly replyTo?: string;
  readonly isForwarded?: boolean;
  /** The advertisement that led here. */
  readonly referral?: object;
  /** Default now. */
  readonly at?: Date;
  /** Default a new one; the same one again is what Meta does when it tells twice. */
  readonly id?: string;
}

export interface Person extends Contact {
  userId(waba: Waba): string;
  /** Says something to a number; returns the message's id. */
  says(number: PhoneNumber, said: Said | string, options?: SayOptions): string;
  /** Has another phone number from now on, null: one that is hidden; tells a business of it. Returns the message's id. */
  changesNumber(waId: string | null, number: PhoneNumber): string;
}

export interface PeopleParts {
  readonly world: World;
  readonly ids: Ids;
  readonly media: MediaStore;
  readonly webhooks: Webhooks;
  readonly conversations: Conversations;
  readonly traps: WhatsappTraps;
  readonly now: () => Date;
}

const FIRST_NUMBER = 16_505_551_000;

/** Makes somebody, known to nobody yet. */
export function addPerson(parts: PeopleParts, person: NewPerson = {}): Person {
  const { world } = parts;
  const count = world.contacts.length + 1;
  const added: Person = {
    key: `person-${count}`,
    waId: String(FIRST_NUMBER + count),
    numberChanges: 0,
    dialled: [],
    name: `Person ${count}`,
    username: null,
    country: 'US',
    isReachable: true,
    ...person,
    userId: (waba) => userIdOf(added, waba),
    says: (number, said, options = {}) => say(parts, { from: added, number, said, options }),
    changesNumber: (waId, number) => changeNumber(parts, { from: added, waId, number }),
  };
  world.contacts.push(added);
  return added;
}

interface Saying {
  readonly from: Contact;
  readonly number: PhoneNumber;
  readonly said: Said | string;
  readonly options: SayOptions;
}

function say(parts: PeopleParts, { from, number, said, options }: Saying): string {
  const { ids, media, webhooks, conversations, traps, now } = parts;
  const { at = now(), id = ids.message(from.waId ?? userIdOf(from, number.waba)), referral } = options;
  conversations.heard(number, from, at);
  const message = {
    ...contextOf(number, options),
    ...senderOf(from, number.waba, traps),
    id,
    timestamp: unixSeconds(at),
    ...contentOf(typeof said === 'string' ? { type: 'text', body: said } : said, number, media),
    ...(referral === undefined ? {} : { referral }),
  };
  const value = { ...headOf(number), contacts: [contactOf(from, number.waba, traps)], messages: [message] };
  webhooks.publish({ waba: number.waba, number, field: 'messages', value });
  return id;
}

/**
 * Messages of the system name no contacts. With the number the user ids change too (WhatsApp system messages, 2026-08-11): where
 * numbers are hidden only that is told, and the old id stands in the words alone.
 */
function changeNumber(
  { ids, webhooks, traps, now }: PeopleParts,
  { from, waId, number }: { readonly from: Contact; readonly waId: string | null; readonly number: PhoneNumber },
): string {
  const { waba } = number;
  const [oldNumber, oldUserId] = [from.waId, userIdOf(from, waba)];
  const sender = waId === null ? {} : senderOf(from, waba, traps);
  Object.assign(from, { waId, numberChanges: from.numberChanges + 1 });
  const [old, young] = waId === null ? [oldUserId, userIdOf(from, waba)] : [oldNumber ?? oldUserId, waId];
  const id = ids.message(young);
  const system = {
    body: `User ${from.name} changed from ${old} to ${young}`,
    ...(waId === null ? {} : { wa_id: waId }),
    ...userIdsOf(from, waba, { traps, prefix: '' }),
    type: waId === null ? 'user_changed_user_id' : 'user_changed_number',
  };
  const message = { ...sender, id, timestamp: unixSeconds(now()), type: 'system', system };
  webhooks.publish({ waba, number, field: 'messages', value: { ...headOf(number), messages: [message] } });
  return id;
}

/** Somebody whose number is hidden is named by user id alone. */
function senderOf(from: Contact, waba: Waba, traps: WhatsappTraps): Value {
  const phone = from.waId === null ? {} : { from: from.waId };
  return { ...phone, ...userIdsOf(from, waba, { traps, prefix: 'from_' }) };
}

function contextOf(number: PhoneNumber, { replyTo, isForwarded }: SayOptions): Value {
  if (replyTo !== undefined) return { context: { from: number.digits, id: replyTo } };
  return isForwarded === true ? { context: { forwarded: true } } : {};
}
