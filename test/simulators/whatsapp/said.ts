// What a person can say, and what a webhook makes of each.

import type { MediaStore } from './media.ts';
import type { PhoneNumber } from './world.ts';

type MediaWord = 'image' | 'video' | 'audio' | 'document' | 'sticker';

/** One member per type of message that webhooks know. */
export type Said =
  | { readonly type: 'text'; readonly body: string }
  | {
      readonly type: MediaWord;
      readonly caption?: string;
      readonly fileName?: string;
      readonly mimeType?: string;
      /** Of the file. */
      readonly content?: string;
      /** Of audio: recorded in the app. */
      readonly isVoice?: boolean;
    }
  | {
      readonly type: 'location';
      readonly latitude: number;
      readonly longitude: number;
      readonly name?: string;
      readonly address?: string;
      readonly url?: string;
    }
  | { readonly type: 'contacts'; readonly contacts: readonly object[] }
  | { readonly type: 'button_reply'; readonly id: string; readonly title: string }
  | { readonly type: 'list_reply'; readonly id: string; readonly title: string; readonly description?: string }
  | { readonly type: 'flow_reply'; readonly name: string; readonly answers: object }
  /** Quick reply of a template. */
  | { readonly type: 'button'; readonly payload: string; readonly text: string }
  | {
      readonly type: 'order';
      readonly catalogId: string;
      readonly text?: string;
      readonly items: readonly {
        readonly product_retailer_id: string;
        readonly quantity: number;
        readonly item_price: number;
        readonly currency: string;
      }[];
    }
  /** `emoji` absent: the member is missing; `''`: it is empty. Both take the reaction away. */
  | { readonly type: 'reaction'; readonly to: string; readonly emoji?: string }
  | { readonly type: 'unsupported' | 'unknown' | 'request_welcome' | 'deleted' }
  /** A type that nobody has heard of. */
  | { readonly type: 'other'; readonly word: string; readonly content: object };

/** A message without its envelope. */
export interface Content {
  readonly type: string;
  readonly [member: string]: unknown;
}

const MIME: Readonly<Record<MediaWord, string>> = {
  image: 'image/jpeg',
  video: 'video/mp4',
  audio: 'audio/ogg; codecs=opus',
  document: 'application/pdf',
  sticker: 'image/webp',
};

const UNSUPPORTED = {
  code: 131_051,
  title: 'Message type unknown',
  message: 'Message type unknown',
  error_data: { details: 'Message type is currently not supported.' },
};

/** `type` and its member as they stand in a message. Files go into `media`. */
export function contentOf(said: Said, number: PhoneNumber, media: MediaStore): Content {
  switch (said.type) {
    case 'text':
      return { type: 'text', text: { body: said.body } };
    case 'image':
    case 'video':
    case 'audio':
    case 'document':
    case 'sticker':
      return { type: said.type, [said.type]: fileOf(said, number, media) };
    case 'location': {
      const { type, ...location } = said;
      return { type, location };
    }
    case 'contacts':
      return { type: 'contacts', contacts: said.contacts };
    case 'button_reply':
    case 'list_reply': {
      const { type, ...reply } = said;
      return { type: 'interactive', interactive: { type, [type]: reply } };
    }
    case 'flow_reply': {
      const reply = { name: said.name, body: 'Sent', response_json: JSON.stringify(said.answers) };
      return { type: 'interactive', interactive: { type: 'nfm_reply', nfm_reply: reply } };
    }
    case 'button':
      return { type: 'button', button: { payload: said.payload, text: said.text } };
    case 'order':
      return {
        type: 'order',
        order: { catalog_id: said.catalogId, text: said.text ?? '', product_items: said.items },
      };
    case 'reaction':
      return {
        type: 'reaction',
        reaction: { message_id: said.to, ...(said.emoji === undefined ? {} : { emoji: said.emoji }) },
      };
    case 'unsupported':
    case 'unknown':
    case 'deleted':
      return { type: said.type, errors: [UNSUPPORTED] };
    case 'request_welcome':
      return { type: 'request_welcome' };
    case 'other':
      return { type: said.word, [said.word]: said.content };
  }
}

function fileOf(said: Extract<Said, { type: MediaWord }>, number: PhoneNumber, media: MediaStore): object {
  const { type, caption, fileName, isVoice, mimeType = MIME[type], content } = said;
  const file = media.add(number.waba, mimeType, content);
  return {
    ...(caption === undefined ? {} : { caption }),
    ...(fileName === undefined ? {} : { filename: fileName }),
    mime_type: mimeType,
    sha256: file.sha256,
    id: file.id,
    ...(type === 'audio' ? { voice: isVoice ?? false } : {}),
    ...(type === 'sticker' ? { animated: false } : {}),
  };
}
