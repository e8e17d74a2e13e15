// How WhatsApp calls us: one address for all numbers of an app, signed over the body's very bytes, up to a thousand things in one
// call. Every thing becomes an event of its own, so that one that fails holds up no other, and a replay days later has the same key.

import { createHash } from 'node:crypto';
import { canonicalJson } from '../../core/canonical-json.ts';
import { AppError } from '../../core/errors.ts';
import type { InboxEvent } from '../contract/events.ts';
import type { Webhook } from '../contract/webhook.ts';
import { historyPieces } from './history-pieces.ts';
import type { Piece } from './piece.ts';
import { contactOf, idIn, personOf, type Role } from './schemas/people.ts';

type Json = Readonly<Record<string, unknown>>;

/** What one change of a call says of its circumstances; each event has it with it. */
interface Circumstances {
  readonly waba_id: string;
  readonly field: string;
  /** Seconds since 1970, where the platform says when it told. */
  readonly time?: unknown;
  readonly metadata?: unknown;
}

const OBJECT = 'whatsapp_business_account';
const MAX_BYTES = 3 * 1024 * 1024;
const MAX_KEY_CHARS = 500;
const MAX_LANE_CHARS = 200;
const HASH_HEX = 16;

/** Of all that is told of no number. */
const ACCOUNT_LANE = 'waba';

/** Things about a message that may come later under its own id. */
const LATER: ReadonlySet<unknown> = new Set(['deleted', 'revoke', 'edit']);

export const webhook: Webhook = {
  proof: { kind: 'hmac_sha256', header: 'x-hub-signature-256', prefix: 'sha256=' },
  maxBytes: MAX_BYTES,
  handshake: 'hub',
  eventsOf,
};

function eventsOf(body: unknown): readonly InboxEvent[] {
  const { object, entry } = Object(body) as Json;
  if (object !== OBJECT || !Array.isArray(entry)) {
    throw new AppError('input.invalid', `expected {object: "${OBJECT}", entry: […]}`);
  }
  return entry.flatMap((one: unknown) => {
    const wabaId = idIn(one, 'id') ?? 'unknown';
    const { time, changes } = Object(one) as Json;
    return listOf(changes).flatMap((change) => {
      const { value } = Object(change) as Json;
      const field = idIn(change, 'field') ?? 'unknown';
      const { metadata } = Object(value) as Json;
      const about: Circumstances = {
        waba_id: wabaId,
        field,
        ...(time === undefined ? {} : { time }),
        ...(metadata === undefined ? {} : { metadata }),
      };
      return piecesOf(field, value).map((piece) => toEvent(about, piece));
    });
  });
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function toEvent(about: Circumstances, { kind, key, lane, body }: Piece): InboxEvent {
  const number = idIn(about.metadata, 'phone_number_id');
  const whole = { ...about, ...body };
  return {
    accountId: number ?? `waba:${about.waba_id}`,
    eventKey: bounded(key ?? `${kind}:${hashOf(whole)}`, MAX_KEY_CHARS),
    lane: bounded(lane ?? (number === null ? ACCOUNT_LANE : 'number'), MAX_LANE_CHARS),
    kind,
    body: whole,
  };
}

const hashOf = (value: unknown): string =>
  createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, HASH_HEX);

/** A text that fits its column; what is cut off leaves its hash. */
const bounded = (text: string, chars: number): string =>
  text.length <= chars ? text : `${text.slice(0, chars - HASH_HEX - 1)}:${hashOf(text)}`;

/** Lists that a change may hold, with the word for one of them; members of one change, in this order. */
const LISTS: Readonly<Record<string, (item: unknown, contacts: readonly unknown[], field: string) => Piece>> = {
  messages: (item, contacts, field) =>
    messagePiece(field === 'history' ? 'history_message' : 'message', item, contacts),
  message_echoes: (item, contacts) => messagePiece('message_echo', item, contacts),
  statuses: (item, contacts) => {
    const [id, status, timestamp] = ['id', 'status', 'timestamp'].map((name) => idIn(item, name));
    return {
      kind: 'status',
      key: id && status && timestamp ? `status:${id}:${status}:${timestamp}` : null,
      ...withContact('status', item, contacts, 'recipient'),
    };
  },
  errors: (item) => ({ kind: 'error', key: null, lane: null, body: { error: item } }),
  state_sync: (item) => {
    const { contact } = Object(item) as Json;
    return {
      kind: 'smb_app_state_sync',
      key: null,
      lane: idIn(contact, 'phone_number', 'user_id'),
      body: { value: item },
    };
  },
  user_preferences: (item) => ({
    kind: 'user_preferences',
    key: null,
    lane: idIn(item, 'wa_id', 'user_id'),
    body: { value: item },
  }),
  groups: (item, _contacts, field) => ({
    kind: field,
    key: null,
    lane: idIn(item, 'group_id'),
    body: { value: item },
  }),
  calls: (item, _contacts, field) => ({ kind: field, key: null, lane: idIn(item, 'from'), body: { value: item } }),
};

function messagePiece(kind: string, item: unknown, contacts: readonly unknown[]): Piece {
  const { type } = Object(item) as Json;
  const id = idIn(item, 'id');
  const later = LATER.has(type) ? `:${String(type)}` : '';
  return {
    kind,
    key: id === null ? null : `${kind}:${id}${later}`,
    ...withContact('message', item, contacts, kind === 'message' || idIn(item, 'to') === null ? 'from' : 'to'),
  };
}

function withContact(
  name: string,
  item: unknown,
  contacts: readonly unknown[],
  role: Role,
): Pick<Piece, 'lane' | 'body'> {
  const contact = contactOf(contacts, item, role);
  return {
    lane: personOf(item, contact, role)?.chatKey ?? idIn((Object(item) as Json)['system'], 'user_id'),
    body: { ...(contact === undefined ? {} : { contact }), [name]: item },
  };
}

function piecesOf(field: string, value: unknown): readonly Piece[] {
  const told = Object(value) as Json;
  const contacts = listOf(told['contacts']);
  const pieces = [
    ...listOf(told['history']).flatMap(historyPieces),
    ...Object.entries(LISTS).flatMap(([name, cut]) => listOf(told[name]).map((item) => cut(item, contacts, field))),
  ];
  return pieces.length > 0 ? pieces : [{ kind: field, key: null, lane: null, body: { value } }];
}
