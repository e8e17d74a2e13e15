// Updates as events of the inbox. An update's id is no name for ever: ids begin anew after a week of silence, or at 2e9, and may
// then be those of other updates that are still known. So what names an event is its id with a digest of what it says.

import { hash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../core/canonical-json.ts';
import { AppError } from '../../core/errors.ts';
import type { InboxEvent } from '../contract/events.ts';
import { count, idText } from '../toolkit/scalars.ts';

const DIGEST_CHARS = 16;
/** Of updates that belong to no chat. */
const NO_CHAT = 'bot';

/** Longest name of a lane that the inbox takes. */
const MAX_LANE_CHARS = 200;
/** Before the id in the keys of chats that the bot is no member of. */
const GUEST = 'guest';

const updateSchema = z.looseObject({ update_id: count });

/** Where something was said. */
export const placeSchema = z.object({
  chat: z.object({ id: idText }),
  business_connection_id: z.string().optional(),
  guest_query_id: z.string().optional(),
});

export type Place = z.output<typeof placeSchema>;

/**
 * Chats that a business account lends the bot, and those that it is called into as a guest, are spaces of their own: their ids may
 * be those of the bot's own chats.
 */
export function chatKey({ chat, business_connection_id: connection, guest_query_id: guest }: Place): string {
  if (guest !== undefined && guest !== '') return `${GUEST}/${chat.id}`;
  return connection === undefined ? chat.id : `${connection}/${chat.id}`;
}

/** Of an update's value, or of the message that it is about; null: it is about no chat. */
export function chatKeyIn(value: unknown): string | null {
  const own = placeSchema.safeParse(value).data;
  const about = own ?? z.object({ message: placeSchema }).safeParse(value).data?.message;
  return about === undefined ? null : chatKey(about);
}

export interface CutUpdate {
  readonly id: number;
  readonly event: InboxEvent;
}

/** Exactly one member beside the id says what happened. */
export function kindOf(update: Readonly<Record<string, unknown>>): string {
  return Object.keys(update).find((name) => name !== 'update_id') ?? 'unknown';
}

function laneOf(value: unknown): string {
  const key = chatKeyIn(value);
  return key === null || key.length > MAX_LANE_CHARS ? NO_CHAT : key;
}

/** Throws `input.invalid` for what is no update. */
export function cutUpdate(raw: unknown, botId: string): CutUpdate {
  const update = updateSchema.safeParse(raw);
  if (!update.success) throw new AppError('input.invalid', 'expected an update with its update_id');
  const { update_id: id } = update.data;
  const kind = kindOf(update.data);
  const digest = hash('sha256', canonicalJson(raw)).slice(0, DIGEST_CHARS);
  return {
    id,
    event: { accountId: botId, eventKey: `${id}:${digest}`, lane: laneOf(update.data[kind]), kind, body: raw },
  };
}
