// What an update may be about: which kinds a bot is told of, how long one waits, and which of them keep their order in a
// webhook. Read from the platform's own server (tdlib/telegram-bot-api, 2026-05).

import type { NewUpdate } from './model.ts';

/** Bot API 10.1, 2026-06-11. */
export const UPDATE_KINDS = [
  'message',
  'edited_message',
  'channel_post',
  'edited_channel_post',
  'business_connection',
  'business_message',
  'edited_business_message',
  'deleted_business_messages',
  'guest_message',
  'message_reaction',
  'message_reaction_count',
  'inline_query',
  'chosen_inline_result',
  'callback_query',
  'shipping_query',
  'pre_checkout_query',
  'purchased_paid_media',
  'poll',
  'poll_answer',
  'my_chat_member',
  'chat_member',
  'chat_join_request',
  'chat_boost',
  'removed_chat_boost',
  'managed_bot',
] as const;

const KNOWN: ReadonlySet<string> = new Set(UPDATE_KINDS);
/** Told only to a bot that names them. */
const ON_DEMAND: ReadonlySet<string> = new Set(['chat_member', 'message_reaction', 'message_reaction_count']);

/** Kinds that were asked for by name; null: all but those on demand. */
export type Subscription = ReadonlySet<string> | null;

export function isTold(subscription: Subscription, kind: string): boolean {
  return subscription === null ? !ON_DEMAND.has(kind) : subscription.has(kind);
}

/** `undefined` where the value says nothing and the subscription stays: absent, no JSON, no list, a member that is no text. */
export function subscriptionOf(value: unknown): Subscription | undefined {
  if (!Array.isArray(value) || value.some((name) => typeof name !== 'string')) return undefined;
  const named = value.map((name: string) => name.toLowerCase()).filter((name) => KNOWN.has(name));
  return named.length === 0 ? null : new Set(named);
}

export interface KindAndBody {
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The one member of an update beside its id. */
export function kindOf(update: NewUpdate): KindAndBody {
  const [kind, ...more] = Object.keys(update).filter((name) => name !== 'update_id');
  if (kind === undefined || more.length > 0) throw new Error(`expected an update of one kind, got ${more.length + 1}`);
  const body = update[kind];
  if (body === null || typeof body !== 'object') throw new Error(`expected an object as ${kind}`);
  return { kind, body: body as Readonly<Record<string, unknown>> };
}

const DAY_S = 86_400;
/** Seconds from the arrival. */
const SHORT_LIVED: Readonly<Record<string, number>> = {
  inline_query: 30,
  chosen_inline_result: 600,
  callback_query: 150,
  shipping_query: 150,
  pre_checkout_query: 150,
};

/** Unix seconds. Counted from the date in the update where it has one, not from its arrival. */
export function expiryOf({ kind, body }: KindAndBody, nowSeconds: number): number {
  const short = SHORT_LIVED[kind];
  if (short !== undefined) return nowSeconds + short;
  const isOfArrival = ['poll', 'poll_answer', 'business_connection', 'purchased_paid_media'].includes(kind);
  const dated = [body['edit_date'], body['date'], body['remove_date'], idIn(body, 'boost', 'add_date')];
  const date = dated.find((value) => typeof value === 'number' && value > 0) as number | undefined;
  return (isOfArrival || date === undefined ? nowSeconds : date) + DAY_S;
}

function idIn(body: Readonly<Record<string, unknown>>, member: string, field = 'id'): unknown {
  return (body[member] as Readonly<Record<string, unknown>> | undefined)?.[field];
}

/** Updates of one lane are delivered one after the other: a chat and a family of kinds. */
export function laneOf({ kind, body }: KindAndBody): string {
  const chat = String(idIn(body, 'chat'));
  if (/^(?:edited_)?(?:message|channel_post)$/.test(kind)) return `messages ${chat}`;
  if (/business_message/.test(kind)) return `business ${chat}`;
  if (kind === 'business_connection') return `${kind} ${String(idIn(body, 'user'))}`;
  const by = idIn(body, 'from') ?? idIn(body, 'user');
  return `${kind} ${chat === 'undefined' || kind === 'chat_member' ? String(by ?? body['id']) : chat}`;
}
