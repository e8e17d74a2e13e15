// Messages that we send: one shape for all platforms, checked before anything is queued, and what a platform makes of one.

import { z } from 'zod';
import type { EventRecords } from './events.ts';
import type { ReadContext } from './stream.ts';

const button = z
  .strictObject({
    text: z.string().min(1).max(100).describe('What the button says.'),
    url: z
      .url({ protocol: /^https?$/ })
      .max(2_000)
      .optional()
      .describe('Opens this address.'),
    data: z.string().min(1).max(256).optional().describe('Comes back to you when the button is pressed.'),
  })
  .refine(({ url, data }) => (url === undefined) !== (data === undefined), 'expected either url or data');

const common = {
  chat: z
    .string()
    .regex(/^\S{1,200}$/, 'expected a chat key of 1 to 200 characters without spaces')
    .describe('Key of the chat as in its conversation, or how the platform names a new one.'),
  replyTo: z.string().min(1).max(200).optional().describe('Platform id of the message that this one answers.'),
  keyboard: z
    .array(z.array(button).min(1).max(8))
    .min(1)
    .max(20)
    .optional()
    .describe('Rows of buttons under the message.'),
};

/** A message to be sent. What one platform does not take is refused by its connector. */
export const outgoingSchema = z.discriminatedUnion('type', [
  z.strictObject({
    ...common,
    type: z.literal('text'),
    text: z.string().min(1).max(4_096),
    format: z.enum(['html', 'markdown']).optional().describe('How the text is marked up; absent: not at all.'),
    preview: z.boolean().optional().describe('Whether links are shown as cards.'),
  }),
  z.strictObject({
    ...common,
    type: z.literal('media'),
    media: z.enum(['photo', 'video', 'audio', 'document', 'sticker', 'animation', 'voice']),
    link: z
      .url({ protocol: /^https?$/ })
      .max(2_000)
      .describe('Where the platform fetches the file.'),
    caption: z.string().max(1_024).optional(),
    fileName: z.string().min(1).max(240).optional(),
  }),
  z.strictObject({
    ...common,
    type: z.literal('template'),
    template: z.string().min(1).max(512).describe('Name of an approved template.'),
    language: z.string().min(2).max(15).describe('Language code of the template, `en_US`.'),
    components: z.array(z.record(z.string(), z.unknown())).max(20).optional().describe('As the platform takes them.'),
  }),
]);

export type OutgoingMessage = z.output<typeof outgoingSchema>;

/** What a platform made of a message. */
export interface Sent {
  readonly platformMessageId: string;
  /** The chat it went to, as the platform's events name it. */
  readonly chatKey: string;
  readonly sentAt: Date;
  /** The message as stored, with its chat. */
  readonly records: EventRecords;
}

export interface Sending<Credential, Settings> {
  /** Throws `input.invalid` for what this platform does not take, with what it would take. */
  check(message: OutgoingMessage): void;
  /** Messages with the same key are sent one after the other, in the order in which they were queued. */
  chatKeyOf(message: OutgoingMessage): string;
  /**
   * Sends once: never repeated by the http client (`attempts: 1`). Throws `message.*` when the platform refused it for good,
   * `message.chat_migrated` with `details.toChatKey` when the chat has another key now, `platform.rate_limited` when it was not
   * sent yet; every other error leaves open whether it was sent, but those that are thrown before a byte left.
   */
  send(context: ReadContext<Credential, Settings>, message: OutgoingMessage): Promise<Sent>;
}
