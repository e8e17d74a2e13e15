// Updates as events of the inbox. An update's id is no name for ever: ids begin anew after a week of silence, or at 2e9, and may
// then be those of other updates that are still known. So what names an event is its id with a digest of what it says.

import { hash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../core/canonical-json.ts';
import { AppError } from '../../core/errors.ts';
import type { InboxEvent } from '../contract/events.ts';
import { count } from '../toolkit/scalars.ts';

const DIGEST_CHARS = 16;
/** Of updates that belong to no chat. */
const NO_CHAT = 'bot';

const updateSchema = z.looseObject({ update_id: count });
const chatSchema = z.object({ id: z.union([z.number(), z.string()]) });
const placeSchema = z.object({
  chat: chatSchema.optional(),
  business_connection_id: z.string().optional(),
  message: z.object({ chat: chatSchema.optional(), business_connection_id: z.string().optional() }).optional(),
});

/** Chats that a business account lends the bot are a space of their own: their ids may be those of the bot's own chats. */
export function chatKey(chatId: string | number, businessConnectionId: string | null | undefined): string {
  return businessConnectionId == null ? String(chatId) : `${businessConnectionId}/${chatId}`;
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
  const place = placeSchema.safeParse(value).data;
  const at = place?.chat === undefined ? place?.message : place;
  return at?.chat === undefined ? NO_CHAT : chatKey(at.chat.id, at.business_connection_id);
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
