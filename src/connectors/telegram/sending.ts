// Messages of a bot. The bot is never told of what it sends itself, so the answer is the only record of it.

import { AppError } from '../../core/errors.ts';
import type { OutgoingMessage, Sending } from '../contract/sending.ts';
import { callApi, botId } from './api.ts';
import type { TelegramCredential } from './credential.ts';
import { sendCharges } from './limits.ts';
import { conversationOf } from './schemas/chat.ts';
import { keyOfChat, messageOf, messageSchema } from './schemas/message.ts';
import type { TelegramSettings } from './settings.ts';

type Parameters = Readonly<Record<string, unknown>>;
type Media = Extract<OutgoingMessage, { type: 'media' }>;

const FORMATS = { html: 'HTML', markdown: 'MarkdownV2' } as const;
const METHODS: Readonly<Record<Media['media'], string>> = {
  photo: 'sendPhoto',
  video: 'sendVideo',
  audio: 'sendAudio',
  document: 'sendDocument',
  sticker: 'sendSticker',
  animation: 'sendAnimation',
  voice: 'sendVoice',
};
/** Bytes of what a button brings back. */
const MAX_DATA_BYTES = 64;

/** `<business connection>/<chat>`, or the chat alone. */
function targetOf(chat: string): { readonly chatId: string; readonly parameters: Parameters } {
  const slash = chat.indexOf('/');
  if (slash < 0) return { chatId: chat, parameters: { chat_id: chat } };
  const chatId = chat.slice(slash + 1);
  return { chatId, parameters: { chat_id: chatId, business_connection_id: chat.slice(0, slash) } };
}

function commonOf({ replyTo, keyboard }: OutgoingMessage): Parameters {
  const rows = keyboard?.map((row) =>
    row.map(({ text, url, data }) => ({ text, ...(url === undefined ? { callback_data: data } : { url }) })),
  );
  return {
    ...(replyTo === undefined ? {} : { reply_parameters: { message_id: Number(replyTo) } }),
    ...(rows === undefined ? {} : { reply_markup: { inline_keyboard: rows } }),
  };
}

function contentOf(message: OutgoingMessage): { readonly method: string; readonly parameters: Parameters } {
  switch (message.type) {
    case 'text':
      return {
        method: 'sendMessage',
        parameters: {
          text: message.text,
          ...(message.format === undefined ? {} : { parse_mode: FORMATS[message.format] }),
          ...(message.preview === undefined ? {} : { link_preview_options: { is_disabled: !message.preview } }),
        },
      };
    case 'media':
      return {
        method: METHODS[message.media],
        parameters: {
          [message.media]: message.link,
          ...(message.caption === undefined ? {} : { caption: message.caption }),
        },
      };
    case 'template':
      throw refusal('a text or media: Telegram knows no templates', 'a template');
  }
}

const refusal = (expected: string, got: string): AppError =>
  new AppError('input.invalid', `expected ${expected}, got ${got}`);

const CHAT = /^(?:[\w-]{1,100}\/)?-?\d{1,17}$|^@\w{4,40}$/;

export const sending: Sending<TelegramCredential, TelegramSettings> = {
  check(message) {
    const { chat, replyTo, keyboard = [] } = message;
    if (!CHAT.test(chat) || chat.startsWith('history/'))
      throw refusal('a chat id, @name, or <business connection>/<chat id>', JSON.stringify(chat.slice(0, 60)));
    if (replyTo !== undefined && !/^\d{1,10}$/.test(replyTo))
      throw refusal('the number of a message as replyTo', JSON.stringify(replyTo.slice(0, 60)));
    const tooLong = keyboard.flat().find(({ data = '' }) => Buffer.byteLength(data) > MAX_DATA_BYTES);
    if (tooLong !== undefined)
      throw refusal(`data of buttons of at most ${MAX_DATA_BYTES} bytes`, `${Buffer.byteLength(tooLong.data!)}`);
    if (message.type === 'media' && message.media === 'sticker' && message.caption !== undefined)
      throw refusal('no caption: a sticker has none', 'one');
    if (message.type === 'media' && message.fileName !== undefined)
      throw refusal('no fileName: Telegram takes the name of the link', 'one');
    contentOf(message);
  },

  chatKeyOf: ({ chat }) => chat,

  async send(context, message) {
    const { chatId, parameters: target } = targetOf(message.chat);
    const { method, parameters } = contentOf(message);
    const charges = sendCharges(await botId(context), chatId);
    const call = {
      method,
      parameters: { ...target, ...commonOf(message), ...parameters },
      charges,
      attempts: 1,
      isSend: true,
    };
    const sent = await callApi(context, call, messageSchema);
    const chatKey = keyOfChat(sent);
    return {
      platformMessageId: sent.message_id,
      chatKey,
      sentAt: sent.date,
      records: {
        conversations: [conversationOf(sent.chat, chatKey, sent.date)],
        messages: [messageOf(sent, { direction: 'outbound', status: 'sent', role: 'assistant' })],
      },
    };
  },
};
