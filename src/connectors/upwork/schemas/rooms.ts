// A node of `roomList` → conversation.

import { z } from 'zod';
import type { ConversationRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { instantSchema, parseInstant } from './scalars.ts';

const KINDS = { ONE_ON_ONE: 'direct', GROUP: 'group', INTERVIEW: 'interview' } as const;

const roomSchema = z.object({
  id: z.string().min(1),
  roomName: z.string().nullish(),
  topic: z.string().nullish(),
  roomType: z.enum(['ONE_ON_ONE', 'GROUP', 'INTERVIEW']).nullish(),
  numUnread: z.int().nullish(),
  hidden: z.boolean().nullish(),
  contractId: z.string().nullish(),
  createdAtDateTime: instantSchema.nullish(),
  lastReadDateTime: instantSchema.nullish(),
  roomUsers: z
    .array(z.object({ user: z.object({ id: z.string(), name: z.string().nullish() }).nullish() }).nullable())
    .nullish(),
  latestStory: z.object({ createdDateTime: instantSchema.nullish() }).nullish(),
});

const PAIR = 2;

/** Throws `record.invalid`. */
export function parseRoom(raw: unknown): ConversationRecord {
  const room = parseRecord(roomSchema, raw);
  const participants = (room.roomUsers ?? []).flatMap((member) =>
    member?.user ? [{ id: member.user.id, name: member.user.name ?? null }] : [],
  );
  // By id, so that another order of the same people is no change.
  participants.sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    chatKey: room.id,
    kind: room.roomType ? KINDS[room.roomType] : participants.length > PAIR ? 'group' : 'direct',
    title: room.roomName ?? null,
    topic: room.topic ?? null,
    participants,
    upworkContractId: room.contractId ?? null,
    unreadCount: room.numUnread ?? null,
    isHidden: room.hidden ?? false,
    lastMessageAt: room.latestStory?.createdDateTime ?? null,
    lastReadAt: room.lastReadDateTime ?? null,
    startedAt: room.createdAtDateTime ?? null,
    details: {},
    // What changes a room does not always date it: being read, for one.
    sourceUpdatedAt: null,
  };
}

const shortSchema = z.object({
  roomType: z.string().nullish(),
  contractId: z.string().nullish(),
  latestStory: z.object({ createdDateTime: z.string().nullish() }).nullish(),
});

/** When something was last written in a raw room; null: never, or it does not say. */
export function latestStoryOf(raw: unknown): Date | null {
  const written = shortSchema.safeParse(raw).data?.latestStory?.createdDateTime;
  return typeof written === 'string' ? parseInstant(written) : null;
}

export function roomTypeOf(raw: unknown): string | null {
  return shortSchema.safeParse(raw).data?.roomType ?? null;
}

export function contractOfRoom(raw: unknown): string | null {
  return shortSchema.safeParse(raw).data?.contractId ?? null;
}
