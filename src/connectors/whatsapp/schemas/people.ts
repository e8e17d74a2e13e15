// Who a webhook speaks of. Since 2026 a person has a `user_id` (`US.…`) beside the number, and the number may be missing; before
// that there was the number alone. A chat is named by the number while there is one.

import { z } from 'zod';
import { keyIn } from '../../toolkit/parse-record.ts';

export interface Person {
  readonly chatKey: string;
  readonly isGroup: boolean;
  readonly waId: string | null;
  readonly userId: string | null;
  readonly username: string | null;
  readonly name: string | null;
}

/** A chat's key must have no white space, and must fit its column, which holds no NUL. */
const KEY = /^[^\s\p{Cc}]{1,200}$/u;

/** A text or a number of `raw` as an id; null: there is none. */
export function idIn(raw: unknown, ...names: readonly string[]): string | null {
  for (const name of names) {
    const id = keyIn(raw, name);
    if (id !== null && KEY.test(id)) return id;
  }
  return null;
}

const textIn = (raw: unknown, name: string): string | null => {
  const text = z.object({ [name]: z.string().min(1) }).safeParse(raw).data;
  return text?.[name] ?? null;
};

const memberOf = (raw: unknown, name: string): unknown => (Object(raw) as Readonly<Record<string, unknown>>)[name];

/** A contact of a payload, as it came: `{profile: {name, username?}, wa_id?, user_id?}`. */
function named(contact: unknown): Pick<Person, 'name' | 'username'> {
  const profile = memberOf(contact, 'profile');
  return { name: textIn(profile, 'name'), username: textIn(profile, 'username') };
}

/** Ids of the members that name a person in a message (`from`), an echo (`to`) or a status (`recipient`). */
const MEMBERS = {
  from: { waId: ['from'], userId: ['from_user_id'] },
  to: { waId: ['to'], userId: ['to_user_id'] },
  recipient: { waId: ['recipient_id'], userId: ['recipient_user_id'] },
} as const;

export type Role = keyof typeof MEMBERS;

/** A BSUID: `US.13491208655302741918`, or of a parent business `US.ENT.…`. */
const USER_ID = /^[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]+$/;

export const isUserId = (text: string): boolean => USER_ID.test(text);

/** The person of a message, echo or status, with what its contact adds; null: nobody is named. */
export function personOf(item: unknown, contact: unknown, role: Role): Person | null {
  const said = idIn(item, ...MEMBERS[role].waId);
  // Where a number is expected, a user id may stand once the number is hidden.
  const number = said !== null && !isUserId(said) ? said : null;
  const waId = idIn(contact, 'wa_id') ?? number;
  const userId = idIn(item, ...MEMBERS[role].userId) ?? idIn(contact, 'user_id') ?? (number === null ? said : null);
  const isToGroup = memberOf(item, 'recipient_type') === 'group' || memberOf(item, 'type') === 'group';
  const groupId = idIn(item, 'group_id') ?? (isToGroup ? said : null);
  const chatKey = groupId ?? waId ?? userId;
  if (chatKey === null) return null;
  return { chatKey, isGroup: groupId !== null, waId, userId, ...named(contact) };
}

/** The contact of a payload that a message or status belongs to; undefined: none does. */
export function contactOf(contacts: readonly unknown[], item: unknown, role: Role): unknown {
  const ids = new Set([...MEMBERS[role].waId, ...MEMBERS[role].userId].flatMap((name) => idIn(item, name) ?? []));
  return contacts.find((contact) => {
    const [waId, userId] = [idIn(contact, 'wa_id'), idIn(contact, 'user_id')];
    return (waId !== null && ids.has(waId)) || (userId !== null && ids.has(userId));
  });
}
