// What comes from the owner's WhatsApp Business app (coexistence): messages from before, told once in chunks; messages that the
// owner sends from the phone; the phone's contacts.

import { contactOf, headOf, unixSeconds, userIdsOf, type Change, type Value } from './changes.ts';
import type { PeopleParts } from './people.ts';
import { contentOf, type Said } from './said.ts';
import type { WhatsappTraps } from './traps.ts';
import type { Contact, PhoneNumber, Waba } from './world.ts';

export interface PastMessage {
  readonly by: 'person' | 'business';
  readonly said: Said | string;
  readonly at: Date;
  /** Default `READ`. */
  readonly status?: 'DELIVERED' | 'ERROR' | 'PENDING' | 'PLAYED' | 'READ' | 'SENT';
  readonly id?: string;
}

export interface PastTalk {
  readonly person: Contact;
  readonly messages: readonly PastMessage[];
}

/** `add` also for a change. */
export type ContactAction = 'add' | 'remove';

export interface HistoryOptions {
  /** Messages per chunk; default 100. */
  readonly chunkSize?: number;
  /** Default as they are numbered. */
  readonly order?: 'kept' | 'reversed';
}

const DAY_MS = 86_400_000;
/** Ages in days at which the phases end. */
const PHASE_ENDS = [1, 90, 180];
const MEDIA_DAYS = 14;
const DECLINED = {
  code: 2_593_109,
  title: 'History sync is turned off by the business from the WhatsApp Business App',
  message: 'History sync is turned off by the business from the WhatsApp Business App',
  error_data: { details: 'History sharing is turned off by the business' },
};

interface Placed {
  readonly phase: number;
  readonly person: Contact;
  readonly message: Value;
}

/**
 * Changes that tell these talks: a chunk each, and one more for each file of the last 14 days. Files stand in the chunks as
 * placeholders; what is older than 180 days is missing; a phase without a message has no chunk.
 */
export function historyChanges(
  parts: PeopleParts,
  { number, talks, options }: { number: PhoneNumber; talks: readonly PastTalk[]; options: HistoryOptions },
): readonly Change[] {
  const { chunkSize = 100, order = 'kept' } = options;
  const files: Value[] = [];
  const placed = talks.flatMap(({ person, messages }) =>
    messages.flatMap((past) => placeOf(parts, { number, person, past, files })),
  );
  const chunks = [0, 1, 2].flatMap((phase) => {
    const inside = placed.filter((message) => message.phase === phase);
    return Array.from({ length: Math.ceil(inside.length / chunkSize) }, (_, index) => ({
      phase,
      chunkOrder: index + 1,
      messages: inside.slice(index * chunkSize, (index + 1) * chunkSize),
    }));
  });
  const values = chunks.map(({ phase, chunkOrder, messages }, index) => {
    const progress = Math.floor(((index + 1) * 100) / chunks.length);
    const metadata = { phase, chunk_order: chunkOrder, progress };
    return { ...headOf(number), history: [{ metadata, threads: threadsOf(parts, number, messages) }] };
  });
  const told = [...values, ...files].map((value) => ({ waba: number.waba, number, field: 'history', value }));
  return order === 'kept' ? told : told.toReversed();
}

interface Placing {
  readonly number: PhoneNumber;
  readonly person: Contact;
  readonly past: PastMessage;
  readonly files: Value[];
}

function placeOf(parts: PeopleParts, { number, person, past, files }: Placing): readonly Placed[] {
  const { ids, media, now } = parts;
  const { by, said, at, status = 'READ', id = ids.message(person.waId ?? person.key) } = past;
  const ageDays = (now().getTime() - at.getTime()) / DAY_MS;
  const phase = PHASE_ENDS.findIndex((end) => ageDays <= end);
  if (phase < 0) return [];
  const content = contentOf(typeof said === 'string' ? { type: 'text', body: said } : said, number, media);
  const isFile = ['image', 'video', 'audio', 'document', 'sticker'].includes(content.type);
  const isOurs = by === 'business';
  const parties = partiesOf(parts, { number, person, isOurs });
  const head = { id, timestamp: unixSeconds(at) };
  if (isFile && ageDays <= MEDIA_DAYS)
    files.push({ ...headOf(number), messages: [{ ...parties, ...head, ...content }] });
  const shown = isFile ? { type: 'media_placeholder' } : content;
  // To whom we wrote is said by the thread alone.
  const shownParties = isOurs ? { from: number.digits } : parties;
  const message = { ...shownParties, ...head, ...shown, history_context: { status, from_me: isOurs } };
  return [{ phase, person, message }];
}

/** One thread per person, in the order of the messages; somebody whose number is hidden is named by its context alone. */
function threadsOf({ traps }: PeopleParts, { waba }: PhoneNumber, messages: readonly Placed[]): readonly Value[] {
  return [...Map.groupBy(messages, ({ person }) => person)].map(([person, group]) => ({
    ...(person.waId === null ? {} : { id: person.waId }),
    ...(traps.withUserIds ? { context: contextOf(person, waba, traps) } : {}),
    messages: group.map(({ message }) => message),
  }));
}

function contextOf(person: Contact, waba: Waba, traps: WhatsappTraps): Value {
  return {
    ...(person.waId === null ? {} : { wa_id: person.waId }),
    ...userIdsOf(person, waba, { traps, prefix: '' }),
    ...(person.username === null ? {} : { username: person.username }),
  };
}

function partiesOf(
  { traps }: PeopleParts,
  { number, person, isOurs }: { number: PhoneNumber; person: Contact; isOurs: boolean },
): Value {
  const prefix = isOurs ? 'to_' : 'from_';
  const userIds = userIdsOf(person, number.waba, { traps, prefix });
  const phone = person.waId === null ? {} : { [isOurs ? 'to' : 'from']: person.waId };
  return { ...(isOurs ? { from: number.digits } : {}), ...phone, ...userIds };
}

/** The owner did not want to share what was before. */
export function declinedChange(number: PhoneNumber): Change {
  const value = { ...headOf(number), history: [{ errors: [DECLINED] }] };
  return { waba: number.waba, number, field: 'history', value };
}

/** The owner sent something from the phone. */
export function echoChange(
  parts: PeopleParts,
  { number, person, said, at, id }: { number: PhoneNumber; person: Contact; said: Said | string; at: Date; id: string },
): Change {
  const { traps, media } = parts;
  const { waba } = number;
  const echo = {
    ...partiesOf(parts, { number, person, isOurs: true }),
    id,
    timestamp: unixSeconds(at),
    ...contentOf(typeof said === 'string' ? { type: 'text', body: said } : said, number, media),
  };
  const contacts = traps.withUserIds ? { contacts: [contactOf(person, waba, traps)] } : {};
  const value = { ...headOf(number), ...contacts, message_echoes: [echo] };
  return { waba, number, field: 'smb_message_echoes', value };
}

/** The owner's phone has, changed or no longer has these contacts. */
export function contactsChange(
  { traps }: PeopleParts,
  { number, people, action, at }: { number: PhoneNumber; people: readonly Contact[]; action: ContactAction; at: Date },
): Change {
  const state = people.map((person) => ({
    type: 'contact',
    contact: {
      ...(action === 'remove' ? {} : { full_name: person.name, first_name: person.name.split(' ')[0] }),
      ...(person.waId === null ? {} : { phone_number: person.waId }),
      ...userIdsOf(person, number.waba, { traps, prefix: '' }),
    },
    action,
    metadata: { timestamp: unixSeconds(at) },
  }));
  return { waba: number.waba, number, field: 'smb_app_state_sync', value: { ...headOf(number), state_sync: state } };
}
