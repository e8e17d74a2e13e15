// How far a message of ours got, as the platform tells it: in any order, twice, or not at all. Which of them counts is decided where
// they are stored.

import { z } from 'zod';
import type { MessageStatus } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { idText } from '../../toolkit/scalars.ts';
import { idIn } from './people.ts';
import { loose, object, told, unixInstant } from './scalars.ts';

const errorSchema = z.object({
  code: z.union([z.number(), z.string()]).transform(String),
  title: loose,
  message: loose,
  error_data: z.object({ details: loose }).nullish().catch(null),
});

const statusSchema = z.object({
  id: idText,
  status: z.string().min(1),
  timestamp: unixInstant,
  conversation: object.nullish().catch(null),
  pricing: object.nullish().catch(null),
  errors: z.array(errorSchema).nullish().catch(null),
  biz_opaque_callback_data: loose,
  recipient_type: loose,
});

/** Our word for the platform's; `played` is what becomes of a voice message that was read. */
const WORDS: Readonly<Record<string, MessageStatus['status']>> = {
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  played: 'read',
  failed: 'failed',
};

export type ReadStatus =
  | { readonly kind: 'status'; readonly status: MessageStatus }
  | { readonly kind: 'deleted'; readonly platformMessageId: string; readonly at: Date }
  | { readonly kind: 'other'; readonly word: string; readonly at: Date };

/** Throws `record.invalid` with `details.path`. */
export function parseStatus(raw: unknown): ReadStatus {
  const row = parseRecord(statusSchema, raw);
  const { id, status: word, timestamp: at, conversation, pricing, recipient_type: recipientType } = row;
  if (word === 'deleted') return { kind: 'deleted', platformMessageId: id, at };
  const status = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
  if (status === undefined) return { kind: 'other', word, at };
  const [error] = row.errors ?? [];
  return {
    kind: 'status',
    status: {
      platformMessageId: id,
      status,
      at,
      recipientId: idIn(raw, 'recipient_id', 'recipient_user_id'),
      error: status === 'failed' && error !== undefined ? { code: error.code, message: wordsOf(error) } : null,
      details: told({
        conversation,
        pricing,
        recipientType,
        recipientUserId: idIn(raw, 'recipient_user_id'),
        callbackData: row.biz_opaque_callback_data,
        platformStatus: word === status ? null : word,
      }),
    },
  };
}

/** Titles are to be removed by the platform, details to stay. */
function wordsOf({ error_data: data, message, title }: z.output<typeof errorSchema>): string {
  return data?.details ?? message ?? title ?? 'no words';
}
