// A small messaging platform in memory, and its connector: one queue of updates per account that is deleted by asking, and chats
// that take messages. For tests of what receives and sends; how real platforms behave is their simulators' affair.

import { z } from 'zod';
import { defineConnector, type AnyConnector } from '../../src/connectors/contract/connector.ts';
import type { EventRecords, InboxEvent } from '../../src/connectors/contract/events.ts';
import type { Sent } from '../../src/connectors/contract/sending.ts';
import { AppError } from '../../src/core/errors.ts';
import type { ConversationRecord, MessageRecord } from '../../src/core/records.ts';
import { parseRecord } from '../../src/connectors/toolkit/parse-record.ts';

export const AT = new Date('2026-11-01T10:00:00Z');
export const later = (seconds: number): Date => new Date(AT.getTime() + seconds * 1_000);

const updateSchema = z.object({
  kind: z.enum(['message', 'edited', 'removed', 'status', 'migrated', 'something']),
  chat: z.string(),
  id: z.string(),
  text: z.string().optional(),
  at: z.number(),
  status: z.enum(['sent', 'delivered', 'read', 'failed']).optional(),
  to: z.string().optional(),
});

export type Update = z.input<typeof updateSchema>;

export function conversation(chatKey: string, at: Date): ConversationRecord {
  return {
    chatKey,
    kind: 'direct',
    title: chatKey,
    topic: null,
    participants: [],
    upworkContractId: null,
    unreadCount: null,
    isHidden: false,
    lastMessageAt: at,
    lastReadAt: null,
    startedAt: null,
    details: {},
    sourceUpdatedAt: at,
  };
}

export function message(chatKey: string, id: string, over: Partial<MessageRecord>): MessageRecord {
  return {
    chatKey,
    platformMessageId: id,
    direction: 'inbound',
    role: 'user',
    senderType: 'client',
    senderId: chatKey,
    senderName: null,
    content: null,
    attachments: [],
    status: 'received',
    sentAt: AT,
    editedAt: null,
    messageType: 'text',
    replyToId: null,
    details: {},
    sourceUpdatedAt: AT,
    ...over,
  };
}

/** An update as an event of the inbox. */
export function eventOf(accountId: string, update: unknown, key?: string): InboxEvent {
  const { id, kind, chat } = update as Update;
  return { accountId, eventKey: key ?? `${kind}:${chat}:${id}`, lane: chat, kind, body: update };
}

function read(body: unknown): EventRecords {
  const { kind, chat, id, text = null, at, status, to } = parseRecord(updateSchema, body);
  const when = later(at);
  switch (kind) {
    case 'message':
      return {
        conversations: [conversation(chat, when)],
        messages: [said(chat, id, { content: text, sentAt: when, sourceUpdatedAt: when })],
      };
    case 'edited':
      return { messages: [said(chat, id, { content: text, editedAt: when, sourceUpdatedAt: when })] };
    case 'removed':
      return { removed: [{ chatKey: chat, platformMessageId: id, removedAt: when }] };
    case 'status': {
      const error = status === 'failed' ? { code: '131026', message: 'undeliverable' } : null;
      return {
        statuses: [{ platformMessageId: id, status: status!, at: when, recipientId: chat, error, details: {} }],
      };
    }
    case 'migrated':
      return { migrations: [{ fromChatKey: chat, toChatKey: to!, at: when }] };
    case 'something':
      return {
        events: [
          { eventKey: id, kind, chatKey: chat, actorId: null, occurredAt: when, body: { text }, sourceUpdatedAt: when },
        ],
      };
  }
}

/** A message that says `out:…` is one of ours. */
function said(chat: string, id: string, over: Partial<MessageRecord>): MessageRecord {
  const isOurs = id.startsWith('out:');
  return message(chat, id, isOurs ? { ...over, direction: 'outbound', role: 'assistant', status: 'sent' } : over);
}

export interface TalkPlatform {
  readonly connector: AnyConnector;
  /** What waits in the queue of an account. */
  readonly queues: Map<string, { readonly id: number; readonly update: Update }[]>;
  /** Every question, with the position it was asked from. */
  readonly asked: { readonly account: string; readonly position: number | null }[];
  /** What arrived in a chat, in order. */
  readonly sent: Map<string, string[]>;
  readonly told: string[];
  /** How often we asked whether our webhook stands. */
  looked: number;
  tell(account: string, ...updates: readonly Update[]): void;
  /** Thrown instead of the next answers, before (or after) the platform has acted. */
  readonly failures: { readonly at: 'poll' | 'send'; readonly when: 'before' | 'after'; readonly error: unknown }[];
  /** Awaited while a question is under way. */
  onAsk: (account: string) => Promise<void>;
  webhook: { readonly url: string; readonly secret: string } | null;
}

/** How long a question waits for something new: a test's signal ends it before. */
const WAIT_MS = 20;

export function createTalkPlatform(): TalkPlatform {
  let nextId = 100;
  const platform: Omit<TalkPlatform, 'connector'> = {
    queues: new Map(),
    asked: [],
    sent: new Map(),
    told: [],
    looked: 0,
    failures: [],
    onAsk: async () => undefined,
    webhook: null,
    tell(account, ...updates) {
      const queue = platform.queues.get(account) ?? [];
      queue.push(...updates.map((update) => ({ id: nextId++, update })));
      platform.queues.set(account, queue);
    },
  };
  const failing = (at: 'poll' | 'send', when: 'before' | 'after'): void => {
    const index = platform.failures.findIndex((failure) => failure.at === at && failure.when === when);
    if (index < 0) return;
    const [failure] = platform.failures.splice(index, 1);
    throw failure!.error;
  };
  const credentialSchema = z.strictObject({ account: z.string(), token: z.string() });
  const connector = defineConnector<z.output<typeof credentialSchema>, Record<string, unknown>>({
    platform: 'telegram',
    displayName: 'Small talk',
    allowedHosts: ['talk.test'],
    credential: credentialSchema,
    settings: z.record(z.string(), z.unknown()),
    auth: { kind: 'static' },
    limits: [],
    accountOf: ({ account }) => account,
    streams: [],
    inbox: { read: ({ body }) => read(body) },
    webhook: {
      proof: { kind: 'token', header: 'x-talk-secret' },
      maxBytes: 64 * 1024,
      eventsOf(body, receiver) {
        if (!Array.isArray(body)) throw new AppError('input.invalid', 'expected a list of updates');
        return body.map((update) => eventOf(receiver, update));
      },
    },
    polling: {
      longestWaitSeconds: 1,
      async poll({ credential, signal }, { position }) {
        const { account } = (await credential.current()).reveal();
        platform.asked.push({ account, position });
        failing('poll', 'before');
        await platform.onAsk(account);
        signal.throwIfAborted();
        const queue = (platform.queues.get(account) ?? []).filter(({ id }) => position === null || id >= position);
        platform.queues.set(account, queue);
        if (queue.length === 0) await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
        failing('poll', 'after');
        const batch = queue.slice(0, 10);
        const events = batch.map(({ id, update }) => eventOf(account, update, `${id}`));
        return { events, position: batch.length === 0 ? position : batch.at(-1)!.id + 1 };
      },
      startWebhook: async (_context, { url, secret }, isOurs = () => false) => {
        if (platform.webhook !== null && !isOurs(platform.webhook.url))
          throw new AppError('receive.webhook_active', 'somebody else has set a webhook');
        platform.told.push('webhook');
        platform.webhook = { url, secret: secret.reveal() };
      },
      isWebhookSet: async (_context, url) => {
        platform.looked += 1;
        failing('poll', 'before');
        return platform.webhook?.url === url;
      },
      stopWebhook: async (_context, isOurs) => {
        platform.told.push('poll');
        if (platform.webhook !== null && !isOurs(platform.webhook.url))
          throw new AppError('receive.webhook_active', 'somebody else has set a webhook');
        platform.webhook = null;
      },
    },
    sending: {
      check({ type }) {
        if (type === 'template') throw new AppError('input.invalid', 'expected a text or media, got a template');
      },
      chatKeyOf: ({ chat }) => chat,
      async send(_context, outgoing): Promise<Sent> {
        failing('send', 'before');
        const chat = outgoing.chat;
        const texts = platform.sent.get(chat) ?? [];
        texts.push(outgoing.type === 'text' ? outgoing.text : outgoing.type);
        platform.sent.set(chat, texts);
        failing('send', 'after');
        const platformMessageId = `out:${chat}:${texts.length}`;
        const records = {
          conversations: [conversation(chat, AT)],
          messages: [said(chat, platformMessageId, { content: texts.at(-1)! })],
        };
        return { platformMessageId, chatKey: chat, sentAt: AT, records };
      },
    },
    test: () => Promise.resolve({ externalAccountId: '42', displayName: 'one' }),
  });
  return Object.assign(platform, { connector });
}
