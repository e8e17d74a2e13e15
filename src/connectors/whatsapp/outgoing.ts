// A message of ours in WhatsApp's words, and what WhatsApp does not take, said before anything is queued. Pure.

import { AppError } from '../../core/errors.ts';
import type { OutgoingMessage } from '../contract/sending.ts';
import { isUserId } from './schemas/people.ts';

type Json = Readonly<Record<string, unknown>>;
type Of<Type extends OutgoingMessage['type']> = Extract<OutgoingMessage, { readonly type: Type }>;
type Button = NonNullable<OutgoingMessage['keyboard']>[number][number];

const MAX_BUTTONS = 3;
const MAX_BUTTON_CHARS = 20;
/** Of the text above buttons. */
const MAX_BODY_CHARS = 1_024;

/** WhatsApp's word for a kind of file; null: it has none. */
const MEDIA: Readonly<Record<Of<'media'>['media'], string | null>> = {
  photo: 'image',
  video: 'video',
  audio: 'audio',
  voice: 'audio',
  document: 'document',
  sticker: 'sticker',
  animation: null,
};
/** Files that may have words of their own, and may stand above buttons. */
const WITH_WORDS: ReadonlySet<string> = new Set(['image', 'video', 'document']);

const NUMBER = /^\+?[0-9]{5,20}$/;
const GROUP = /^[A-Za-z0-9+/=_-]{16,200}$/;

function refuse(path: string, expected: string): never {
  throw new AppError('input.invalid', `WhatsApp: ${path}: expected ${expected}`, { details: { path } });
}

/** Throws `input.invalid` that says what would be taken. */
export function checkOutgoing(message: OutgoingMessage): void {
  toWire(message);
}

/** The chat's key: the number without its plus, a user id or a group as it is. */
export function chatKeyOf({ chat }: OutgoingMessage): string {
  return chat.replace(/^\+(?=\d)/, '');
}

/** The body of `POST /{number}/messages`. Throws `input.invalid`. */
export function toWire(message: OutgoingMessage): Json {
  return {
    messaging_product: 'whatsapp',
    ...recipientOf(message.chat),
    ...(message.replyTo === undefined ? {} : { context: { message_id: message.replyTo } }),
    ...contentOf(message),
  };
}

function recipientOf(chat: string): Json {
  if (NUMBER.test(chat)) return { recipient_type: 'individual', to: chat.replace('+', '') };
  // A person without a number is named by another member.
  if (isUserId(chat)) return { recipient_type: 'individual', recipient: chat };
  if (GROUP.test(chat)) return { recipient_type: 'group', to: chat };
  return refuse('chat', 'a phone number with country code, a user id (US.…) or a group id');
}

function contentOf(message: OutgoingMessage): Json {
  switch (message.type) {
    case 'text':
      return textOf(message);
    case 'media':
      return mediaOf(message);
    case 'template':
      return templateOf(message);
  }
}

function textOf({ text, format, preview, keyboard }: Of<'text'>): Json {
  if (format !== undefined) {
    refuse('format', 'none: WhatsApp marks text up in its own way (*bold*, _italic_, ~struck~, ```code```)');
  }
  if (keyboard !== undefined) return interactive(keyboard, text, {});
  return { type: 'text', text: { body: text, ...(preview === undefined ? {} : { preview_url: preview }) } };
}

function mediaOf({ media, link, caption, fileName, keyboard }: Of<'media'>): Json {
  const type = MEDIA[media] ?? refuse('media', 'a video: WhatsApp knows no animations');
  if (caption !== undefined && !WITH_WORDS.has(type))
    refuse('caption', `none: a message of kind ${media} has no words`);
  if (fileName !== undefined && type !== 'document') refuse('fileName', 'none: only documents have a name');
  const name = fileName === undefined ? {} : { filename: fileName };
  if (keyboard === undefined) {
    return { type, [type]: { link, ...(caption === undefined ? {} : { caption }), ...name } };
  }
  if (!WITH_WORDS.has(type)) refuse('keyboard', `none: a message of kind ${media} has no buttons`);
  if (!caption) refuse('caption', 'words above the buttons');
  return interactive(keyboard, caption, { header: { type, [type]: { link, ...name } } });
}

function templateOf({ template, language, components, keyboard }: Of<'template'>): Json {
  if (keyboard !== undefined) refuse('keyboard', 'none: the buttons of a template are part of it');
  return {
    type: 'template',
    template: {
      name: template,
      language: { policy: 'deterministic', code: language },
      ...(components === undefined ? {} : { components }),
    },
  };
}

/** Words with up to three answers to press, or with one address to open. */
function interactive(keyboard: NonNullable<OutgoingMessage['keyboard']>, text: string, header: Json): Json {
  if (text.length > MAX_BODY_CHARS) refuse('text', `at most ${MAX_BODY_CHARS} characters above buttons`);
  const buttons = keyboard.flat();
  const long = buttons.find((button) => button.text.length > MAX_BUTTON_CHARS);
  if (long !== undefined) refuse('keyboard', `at most ${MAX_BUTTON_CHARS} characters on a button, got ${long.text}`);
  const [first] = buttons;
  const isLink = buttons.some(({ url }) => url !== undefined);
  if (isLink && (buttons.length > 1 || first?.url === undefined)) {
    refuse('keyboard', 'one button with an address, or up to three with data, not both');
  }
  if (buttons.length > MAX_BUTTONS) refuse('keyboard', `at most ${MAX_BUTTONS} buttons, got ${buttons.length}`);
  if (isDouble(buttons, ({ text: said }) => said) || isDouble(buttons, ({ data }) => data)) {
    refuse('keyboard', 'buttons that differ in text and data');
  }
  const body = { ...header, body: { text } };
  if (isLink) {
    const parameters = { display_text: first?.text, url: first?.url };
    return { type: 'interactive', interactive: { type: 'cta_url', ...body, action: { name: 'cta_url', parameters } } };
  }
  const replies = buttons.map(({ text: title, data: id }) => ({ type: 'reply', reply: { id, title } }));
  return { type: 'interactive', interactive: { type: 'button', ...body, action: { buttons: replies } } };
}

const isDouble = (buttons: readonly Button[], of: (button: Button) => string | undefined): boolean =>
  new Set(buttons.map(of)).size < buttons.length;
