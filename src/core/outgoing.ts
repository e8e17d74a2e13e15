// A message to be sent, in one shape for all platforms. What one of them does not take is refused by its connector.

import { z } from 'zod';

const button = z
  .strictObject({
    text: z.string().min(1).max(100).meta({ description: 'What the button says.' }),
    url: z
      .url({ protocol: /^https?$/ })
      .max(2_000)
      .optional()
      .meta({ description: 'Opens this address.' }),
    data: z.string().min(1).max(256).optional().meta({ description: 'Comes back to you when the button is pressed.' }),
  })
  .refine(({ url, data }) => (url === undefined) !== (data === undefined), 'expected either url or data');

const common = {
  chat: z
    .string()
    .regex(/^\S{1,200}$/, 'expected a chat key of 1 to 200 characters without spaces')
    .meta({ description: 'Key of the chat as in its conversation, or how the platform names a new one.' }),
  replyTo: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'Platform id of the message that this one answers.' }),
  keyboard: z
    .array(z.array(button).min(1).max(8))
    .min(1)
    .max(20)
    .optional()
    .meta({ description: 'Rows of buttons under the message.' }),
};

/** At most 4,096 characters of text, 1,024 of a caption. */
export const outgoingSchema = z.discriminatedUnion('type', [
  z
    .strictObject({
      ...common,
      type: z.literal('text'),
      text: z.string().min(1).max(4_096),
      format: z
        .enum(['html', 'markdown'])
        .optional()
        .meta({ description: 'How the text is marked up; absent: not at all.' }),
      preview: z.boolean().optional().meta({ description: 'Whether links are shown as cards.' }),
    })
    .meta({ id: 'TextMessage' }),
  z
    .strictObject({
      ...common,
      type: z.literal('media'),
      media: z.enum(['photo', 'video', 'audio', 'document', 'sticker', 'animation', 'voice']),
      link: z
        .url({ protocol: /^https?$/ })
        .max(2_000)
        .meta({ description: 'Where the platform fetches the file.' }),
      caption: z.string().max(1_024).optional(),
      fileName: z.string().min(1).max(240).optional(),
    })
    .meta({ id: 'MediaMessage' }),
  z
    .strictObject({
      ...common,
      type: z.literal('template'),
      template: z.string().min(1).max(512).meta({ description: 'Name of an approved template.' }),
      language: z.string().min(2).max(15).meta({ description: 'Language code of the template, `en_US`.' }),
      components: z
        .array(z.record(z.string(), z.unknown()))
        .max(20)
        .optional()
        .meta({ description: 'As the platform takes them.' }),
    })
    .meta({ id: 'TemplateMessage' }),
]);

export type OutgoingMessage = z.output<typeof outgoingSchema>;
