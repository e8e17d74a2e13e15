// Talks and what was said in them, on any platform.

import type { SourceRecord } from './source-record.ts';

export interface Participant {
  readonly id: string;
  readonly name: string | null;
}

/** A talk with somebody, on any platform (`conversations`). */
export interface ConversationRecord extends SourceRecord {
  /** The platform's id of it. */
  readonly chatKey: string;
  readonly kind: 'direct' | 'group' | 'interview' | 'channel';
  readonly title: string | null;
  readonly topic: string | null;
  readonly participants: readonly Participant[];
  readonly upworkContractId: string | null;
  readonly unreadCount: number | null;
  readonly isHidden: boolean;
  readonly lastMessageAt: Date | null;
  readonly lastReadAt: Date | null;
  readonly startedAt: Date | null;
}

export interface Attachment {
  readonly id: string | null;
  readonly type: string | null;
  readonly name: string | null;
}

/** Something that was said in a talk, on any platform (`messages`). */
export interface MessageRecord extends SourceRecord {
  /** The platform's id of the talk; has no white space. */
  readonly chatKey: string;
  readonly platformMessageId: string;
  /** As the account holder sees it. */
  readonly direction: 'inbound' | 'outbound' | null;
  readonly role: 'user' | 'assistant' | 'system' | null;
  readonly senderType: 'client' | 'freelancer' | 'seller' | 'system' | null;
  readonly senderId: string | null;
  readonly senderName: string | null;
  readonly content: string | null;
  readonly attachments: readonly Attachment[];
  readonly status: 'received' | 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown';
  readonly sentAt: Date;
  readonly editedAt: Date | null;
}
