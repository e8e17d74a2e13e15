// What a platform tells of its own accord, by polling or by a webhook: events on their way through the inbox. An event is
// stored as it came before anybody looks into it; what it means is read from the stored one, as often as somebody asks.

import type {
  ChatMemberRecord,
  ChatMigration,
  ConversationRecord,
  MessageRecord,
  MessageStatus,
  PlatformEventRecord,
  RemovedMessage,
} from '../../core/records.ts';

/** One thing that a platform told, cut out of the batch it came in. */
export interface InboxEvent {
  /** The account at the platform that was told: whose integrations get it. */
  readonly accountId: string;
  /** What was told again has the same key, and two different things never have. At most 500 characters. */
  readonly eventKey: string;
  /** Events of one lane are processed in the order in which they came: a chat. At most 200 characters. */
  readonly lane: string;
  /** The platform's word for what it is. */
  readonly kind: string;
  /** JSON as it came; ids that a double cannot hold are text. */
  readonly body: unknown;
}

/** An event out of the inbox. */
export interface StoredEvent extends Omit<InboxEvent, 'lane'> {
  readonly receivedAt: Date;
}

/** What an event says. Absent: nothing of the kind. */
export interface EventRecords {
  readonly conversations?: readonly ConversationRecord[];
  readonly messages?: readonly MessageRecord[];
  readonly members?: readonly ChatMemberRecord[];
  /** What is no message, as it came. */
  readonly events?: readonly PlatformEventRecord[];
  readonly statuses?: readonly MessageStatus[];
  readonly removed?: readonly RemovedMessage[];
  readonly migrations?: readonly ChatMigration[];
}

export interface Inbox {
  /**
   * Reads an event. Records of one event have different keys. Throws `record.invalid` with `details.path`; a kind that nobody has
   * heard of is no error but a `PlatformEventRecord`. Must not do I/O.
   */
  read(event: StoredEvent): EventRecords;
}
