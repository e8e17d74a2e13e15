// What a platform tells of its own accord, by polling or by a webhook: events on their way through the inbox. An event is
// stored as it came before anybody looks into it; what it means is read from the stored one, as often as somebody asks.

import type { StoredEvent } from '../../core/inbox-event.ts';
import type {
  ChatMemberRecord,
  ChatMigration,
  ConversationRecord,
  MessageRecord,
  MessageStatus,
  PlatformEventRecord,
  RemovedMessage,
} from '../../core/records.ts';

export type { InboxEvent, StoredEvent } from '../../core/inbox-event.ts';

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
