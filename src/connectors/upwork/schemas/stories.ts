// A node of `roomStories`, with the room it stands in and who reads it → message.

import { z } from 'zod';
import type { MessageRecord } from '../../../core/records.ts';
import { idOf, parseRecord } from '../../toolkit/parse-record.ts';
import { instantSchema, parseInstant } from './scalars.ts';

/** What a story does not say itself; the stream puts it beside the story. */
export interface StoryContext {
  readonly room: { readonly id: string; readonly type: string | null };
  /** The reader: what he or his organization wrote went out, all else came in. */
  readonly reader: { readonly userId: string; readonly organizationId: string };
}

const storySchema = z.object({
  id: z.string().min(1),
  message: z.string().nullish(),
  createdDateTime: instantSchema,
  updatedDateTime: instantSchema.nullish(),
  user: z.object({ id: z.string(), name: z.string().nullish() }).nullish(),
  organization: z.object({ id: z.string() }).nullish(),
  attachments: z
    .array(
      z
        .object({
          objectReferenceId: z.string().nullish(),
          objectType: z.string().nullish(),
          metadata: z.array(z.object({ key: z.string(), value: z.string() })).nullish(),
        })
        .nullable(),
    )
    .nullish(),
  room: z.object({ id: z.string().min(1), type: z.string().nullable() }),
  reader: z.object({ userId: z.string(), organizationId: z.string() }),
});

type Story = z.output<typeof storySchema>;

/** In a room of two the other one is the client; in a group that is not said. */
function senderOf({
  user,
  organization,
  reader,
  room,
}: Story): Pick<MessageRecord, 'direction' | 'role' | 'senderType'> {
  if (!user) return { direction: 'inbound', role: 'system', senderType: 'system' };
  if (user.id === reader.userId || organization?.id === reader.organizationId)
    return { direction: 'outbound', role: 'user', senderType: 'freelancer' };
  return { direction: 'inbound', role: 'user', senderType: room.type === 'GROUP' ? null : 'client' };
}

/** Throws `record.invalid`. */
export function parseStory(raw: unknown): MessageRecord {
  const story = parseRecord(storySchema, raw);
  const sender = senderOf(story);
  const updatedAt = story.updatedDateTime ?? null;
  return {
    chatKey: story.room.id,
    platformMessageId: story.id,
    ...sender,
    senderId: story.user?.id ?? null,
    senderName: story.user?.name ?? null,
    content: story.message ?? null,
    attachments: (story.attachments ?? []).flatMap((attachment) =>
      attachment === null
        ? []
        : [
            {
              id: attachment.objectReferenceId ?? null,
              type: attachment.objectType ?? null,
              name: attachment.metadata?.find(({ key }) => key === 'fileName')?.value ?? null,
            },
          ],
    ),
    status: sender.direction === 'outbound' ? 'sent' : 'received',
    sentAt: story.createdDateTime,
    editedAt: updatedAt !== null && updatedAt > story.createdDateTime ? updatedAt : null,
    messageType: null,
    replyToId: null,
    details: {},
    sourceUpdatedAt: updatedAt ?? story.createdDateTime,
  };
}

/** When a raw story was written; null where it does not say. */
export function writtenAtOf(raw: unknown): Date | null {
  if (raw === null || typeof raw !== 'object' || !('createdDateTime' in raw)) return null;
  return typeof raw.createdDateTime === 'string' ? parseInstant(raw.createdDateTime) : null;
}

/** Room and story: a story's own id is not promised to be unique among rooms. */
export function storyKeyOf(raw: unknown): string | null {
  const id = idOf(raw);
  if (id === null || raw === null || typeof raw !== 'object' || !('room' in raw)) return null;
  const room = idOf(raw.room);
  return room === null ? null : `${room} ${id}`;
}
