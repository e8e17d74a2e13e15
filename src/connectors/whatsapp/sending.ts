// Sending: once, and what the platform made of it. It never tells us of our own messages but how far they got, so the message is
// recorded here.

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { MessageRecord } from '../../core/records.ts';
import type { OutgoingMessage, Sending, Sent } from '../contract/sending.ts';
import { idText } from '../toolkit/scalars.ts';
import { createGraphApi, type Context } from './api.ts';
import type { WhatsAppCredential } from './credential.ts';
import { chatKeyOf, checkOutgoing, toWire } from './outgoing.ts';
import { conversationOf } from './schemas/messages.ts';
import { isUserId, type Person } from './schemas/people.ts';
import type { WhatsAppSettings } from './settings.ts';

const answerSchema = z.object({
  messages: z.array(z.object({ id: idText, message_status: z.string().nullish().catch(null) })).min(1),
  contacts: z
    .array(z.object({ wa_id: idText.nullish().catch(null), user_id: idText.nullish().catch(null) }))
    .nullish()
    .catch(null),
});

export const sending: Sending<WhatsAppCredential, WhatsAppSettings> = {
  check: checkOutgoing,
  chatKeyOf,
  async send(context: Context, message: OutgoingMessage, { refusals = 0 } = {}): Promise<Sent> {
    const wire = toWire(message);
    const key = chatKeyOf(message);
    const answer = await refusedForGood(() =>
      createGraphApi(context).send({ recipient: key, body: wire, refusals }, answerSchema),
    );
    const [said] = answer.messages;
    const sentAt = context.clock.now();
    const person = personOf(key, wire['recipient_type'] === 'group', answer.contacts?.[0] ?? {});
    const record = recordOf(message, { wire, person, platformMessageId: said!.id, sentAt });
    return {
      platformMessageId: record.platformMessageId,
      chatKey: person.chatKey,
      sentAt,
      records: { conversations: [conversationOf(person, sentAt)], messages: [record] },
    };
  },
};

/** Of a message, a request that Meta does not understand is a message that it does not take. */
async function refusedForGood<Answer>(send: () => Promise<Answer>): Promise<Answer> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'platform.request_invalid')) throw error;
    throw new AppError('message.refused', error.message, { cause: error, details: error.details });
  }
}

/** Numbers of some countries are written otherwise than they are dialled (Brazil, Mexico, Argentina): events say it as the answer. */
function personOf(
  key: string,
  isGroup: boolean,
  contact: { readonly wa_id?: string | null | undefined; readonly user_id?: string | null | undefined },
): Person {
  const waId = isGroup ? null : (contact.wa_id ?? (isUserId(key) ? null : key));
  const userId = isGroup ? null : (contact.user_id ?? (isUserId(key) ? key : null));
  return { chatKey: waId ?? userId ?? key, isGroup, waId, userId, username: null, name: null };
}

interface Made {
  readonly wire: Readonly<Record<string, unknown>>;
  readonly person: Person;
  readonly platformMessageId: string;
  readonly sentAt: Date;
}

function recordOf(message: OutgoingMessage, { wire, person, platformMessageId, sentAt }: Made): MessageRecord {
  const type = String(wire['type']);
  return {
    chatKey: person.chatKey,
    platformMessageId,
    direction: 'outbound',
    role: 'user',
    senderType: 'seller',
    senderId: null,
    senderName: null,
    content: message.type === 'text' ? message.text : message.type === 'media' ? (message.caption ?? null) : null,
    attachments:
      message.type === 'media'
        ? [{ id: null, type: message.media, name: message.fileName ?? null, reference: message.link }]
        : [],
    status: 'sent',
    sentAt,
    editedAt: null,
    messageType: type,
    replyToId: message.replyTo ?? null,
    details: type === 'template' || type === 'interactive' ? { [type]: wire[type] } : {},
    sourceUpdatedAt: sentAt,
  };
}
