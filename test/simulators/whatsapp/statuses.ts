// Statuses of messages that were accepted: as told, in any order, some of them never.

import { contactOf, headOf, unixSeconds, userIdsOf, type Change, type Value } from './changes.ts';
import type { AcceptedMessage } from './conversations.ts';
import { titleOf } from './failure.ts';
import { digitsOf } from './ids.ts';
import type { MessageStatusWord, WhatsappTraps } from './traps.ts';

export interface StatusOptions {
  /** Of `failed`; default 131026. */
  readonly code?: number;
  readonly details?: string;
  readonly at?: Date;
}

export interface StatusRequest extends StatusOptions {
  readonly message: AcceptedMessage;
  readonly status: MessageStatusWord;
  readonly now: Date;
}

const UNDELIVERABLE = 131_026;
const DAY_MS = 86_400_000;

/** The change that tells a status. A failed one names no user id and no contact. */
export function statusChange(request: StatusRequest, traps: WhatsappTraps): Change {
  const { message, status, now, at = now } = request;
  const { number, to } = message;
  const { waba } = number;
  const isFailed = status === 'failed';
  message.statuses.push({ status, at });
  const entry = {
    id: message.id,
    status,
    timestamp: unixSeconds(at),
    ...(to.waId === null ? {} : { recipient_id: to.waId }),
    ...(isFailed ? {} : userIdsOf(to, waba, { traps, prefix: 'recipient_' })),
    ...(isFailed ? { errors: [errorOf(request)] } : billOf(message, status, { traps, at })),
    ...opaqueOf(message),
  };
  const contacts = isFailed || !traps.withUserIds ? {} : { contacts: [contactOf(to, waba, traps)] };
  return { waba, number, field: 'messages', value: { ...headOf(number), ...contacts, statuses: [entry] } };
}

function errorOf({ code = UNDELIVERABLE, details = titleOf(code) }: StatusOptions): Value {
  const title = titleOf(code);
  const href = 'https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/';
  return { code, title, message: title, error_data: { details }, href };
}

function billOf(
  { number, to, type }: AcceptedMessage,
  status: MessageStatusWord,
  { traps, at }: { readonly traps: WhatsappTraps; readonly at: Date },
): Value {
  const isTemplate = type === 'template';
  const category = isTemplate ? 'utility' : 'service';
  const pricing = {
    billable: isTemplate,
    pricing_model: 'PMP',
    category,
    type: isTemplate ? 'regular' : 'free_customer_service',
  };
  if (!traps.withConversation) return { pricing };
  const conversation = {
    id: digitsOf(`conversation ${number.id} ${to.key}`, 32),
    ...(status === 'sent' ? { expiration_timestamp: unixSeconds(new Date(at.getTime() + DAY_MS)) } : {}),
    origin: { type: category },
  };
  return { conversation, pricing };
}

function opaqueOf({ body }: AcceptedMessage): Value {
  const opaque = body['biz_opaque_callback_data'];
  return opaque === undefined ? {} : { biz_opaque_callback_data: opaque };
}
