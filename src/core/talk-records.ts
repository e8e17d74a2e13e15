// Talks and what was said in them, on any platform.

import type { Details, SourceRecord } from './source-record.ts';

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
  readonly details: Details;
}

/** A file of a message: what it is, never its content. */
export interface Attachment {
  /** Stable where the platform has such an id: two messages with one file have one id. */
  readonly id: string | null;
  readonly type: string | null;
  readonly name: string | null;
  readonly mimeType?: string;
  readonly sizeBytes?: number;
  /** What the platform wants to hear to give the file out; changes or ends, as its README says. */
  readonly reference?: string;
  /** Base64 or hex, as the platform writes it. */
  readonly sha256?: string;
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
  /** The platform's word for what it is: `text`, `photo`, `location`, …; null: it has none. */
  readonly messageType: string | null;
  /** `platformMessageId` of the message in the same talk that this one answers. */
  readonly replyToId: string | null;
  readonly details: Details;
}

/** Somebody in a talk of several (`chat_members`). */
export interface ChatMemberRecord extends SourceRecord {
  readonly chatKey: string;
  readonly memberId: string;
  readonly name: string | null;
  readonly username: string | null;
  readonly status: 'owner' | 'administrator' | 'member' | 'restricted' | 'left' | 'banned';
  readonly isBot: boolean;
}

/** What a platform told that is no message, as it came (`platform_events`). */
export interface PlatformEventRecord extends SourceRecord {
  readonly eventKey: string;
  /** The platform's own word; of one that we have never heard of too. */
  readonly kind: string;
  readonly chatKey: string | null;
  readonly actorId: string | null;
  readonly occurredAt: Date;
  readonly body: Details;
}

/** How far a message of ours got (`message_statuses`). Never goes backwards: sent < delivered < read; failed is the end. */
export interface MessageStatus {
  readonly platformMessageId: string;
  readonly status: 'sent' | 'delivered' | 'read' | 'failed';
  readonly at: Date;
  readonly recipientId: string | null;
  /** Of `failed`. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Price and the like. */
  readonly details: Details;
}

/** A message that is gone at the platform, whether it was ever stored or not. */
export interface RemovedMessage {
  readonly chatKey: string;
  readonly platformMessageId: string;
  readonly removedAt: Date;
}

/** One talk went on under another key; its old messages stay where they are. */
export interface ChatMigration {
  readonly fromChatKey: string;
  readonly toChatKey: string;
  readonly at: Date;
}

/** A number that a business sends from (`phone_numbers`). */
export interface PhoneNumberRecord extends SourceRecord {
  readonly phoneNumberId: string;
  readonly displayPhoneNumber: string | null;
  readonly verifiedName: string | null;
  readonly status: string | null;
  readonly qualityRating: string | null;
  readonly details: Details;
}

/** A text that a platform approved for opening a talk (`message_templates`). */
export interface MessageTemplateRecord extends SourceRecord {
  readonly platformTemplateId: string;
  readonly name: string;
  readonly language: string;
  readonly status: string;
  readonly category: string | null;
  readonly components: readonly unknown[];
  readonly details: Details;
}

/** Counts of a period as the platform reckons them (`messaging_analytics`). */
export interface MessagingAnalyticsRecord extends SourceRecord {
  /** Made of report, period and dimensions: the platform gives such a row no id. */
  readonly pointKey: string;
  readonly report: 'messaging' | 'conversation' | 'pricing' | 'template';
  readonly granularity: 'half_hour' | 'day' | 'month';
  readonly startsAt: Date;
  readonly endsAt: Date;
  /** Phone number, country, category, … by the platform's names. */
  readonly dimensions: Details;
  /** Counts by the platform's names; whole numbers. */
  readonly counts: Readonly<Record<string, number>>;
  readonly cost: string | null;
  readonly currency: string | null;
}
