// One thing that a webhook tells: a `change` of an account. Several become one POST, in the shapes that Meta uses.

import type { Contact, PhoneNumber, Waba } from './world.ts';
import { digitsOf } from './ids.ts';
import type { WhatsappTraps } from './traps.ts';

export type Value = Readonly<Record<string, unknown>>;

export interface Change {
  readonly waba: Waba;
  /** Absent: it concerns the account. */
  readonly number?: PhoneNumber;
  readonly field: string;
  readonly value: Value;
}

/**
 * How changes share a POST:
 * - `merged` those of one number and field are one change whose lists hold all of them, messages beside statuses;
 * - `changes` one entry per account, with a change for each;
 * - `entries` one entry for each.
 */
export type Shape = 'merged' | 'changes' | 'entries';

export function payloadOf(changes: readonly Change[], shape: Shape, now: Date): object {
  const groups =
    shape === 'entries'
      ? changes.map((change) => [change])
      : [...Map.groupBy(changes, ({ waba }) => waba.id).values()].map((group) =>
          shape === 'merged' ? mergedOf(group) : group,
        );
  return { object: 'whatsapp_business_account', entry: groups.map((group) => entryOf(group, now)) };
}

function entryOf(group: readonly Change[], now: Date): object {
  const isTimed = group.some(({ number }) => number === undefined);
  return {
    id: group[0]!.waba.id,
    ...(isTimed ? { time: Math.floor(now.getTime() / 1_000) } : {}),
    changes: group.map(({ field, value }) => ({ value, field })),
  };
}

function mergedOf(changes: readonly Change[]): readonly Change[] {
  const groups = Map.groupBy(changes, ({ number, field }, index) => `${number?.id ?? index} ${field}`);
  return [...groups.values()].map((group) => ({ ...group[0]!, value: group.map(({ value }) => value).reduce(joined) }));
}

/** Lists of both, one behind the other; a contact stands there once. */
function joined(one: Value, other: Value): Value {
  const lists = Object.entries(other).filter(([, member]) => Array.isArray(member));
  const added = lists.map(([name, list]) => [name, [...((one[name] as unknown[]) ?? []), ...(list as unknown[])]]);
  const { contacts, ...rest } = { ...one, ...(Object.fromEntries(added) as Value) };
  if (contacts === undefined) return rest;
  const once = new Map((contacts as unknown[]).map((contact) => [JSON.stringify(contact), contact]));
  const { messaging_product: product, metadata, ...ownLists } = rest;
  return { messaging_product: product, metadata, contacts: [...once.values()], ...ownLists };
}

/** What every value about a number begins with. */
export function headOf({ id, digits }: PhoneNumber): Value {
  return { messaging_product: 'whatsapp', metadata: { display_phone_number: digits, phone_number_id: id } };
}

/** Business-scoped user id: the same person has another one in another portfolio, and with another phone number. */
export function userIdOf({ key, country, numberChanges }: Contact, { businessId }: Waba): string {
  return `${country}.${digitsOf(`user ${key} ${numberChanges} ${businessId}`, 20)}`;
}

/** Members that name a person, under the names that webhooks have for their place: `user_id`, `from_user_id`, … */
export function userIdsOf(
  contact: Contact,
  waba: Waba,
  { traps, prefix }: { readonly traps: WhatsappTraps; readonly prefix: string },
): Value {
  if (!traps.withUserIds) return {};
  const parent = `${contact.country}.ENT.${digitsOf(`parent ${contact.key} ${contact.numberChanges}`, 20)}`;
  return {
    [`${prefix}user_id`]: userIdOf(contact, waba),
    ...(traps.withParentUserIds ? { [`${prefix}parent_user_id`]: parent } : {}),
  };
}

/** An entry of `contacts`. A person whose number is hidden has no `wa_id`. */
export function contactOf(contact: Contact, waba: Waba, traps: WhatsappTraps): Value {
  const { name, username, waId } = contact;
  return {
    profile: { name, ...(username === null ? {} : { username }) },
    ...(waId === null ? {} : { wa_id: waId }),
    ...userIdsOf(contact, waba, { traps, prefix: '' }),
  };
}

export function unixSeconds(at: Date): string {
  return String(Math.floor(at.getTime() / 1_000));
}
