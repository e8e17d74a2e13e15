// The methods by which a bot writes. What was accepted stays accepted, also when the answer gets lost: `bot.sent` knows.

import type { Call, MethodResult } from './bot.ts';
import { spaceOf } from './directory.ts';
import { badRequest } from './failure.ts';
import { markedText, type MarkedText } from './markup.ts';
import { mediaFields, type MediaKind } from './media.ts';
import { unixSeconds, type TelegramMessage } from './model.ts';
import { integerIn, structureIn, textIn, type IntegerRange } from './parameters.ts';
import { businessIn, chatIn } from './target.ts';

type Fields = Readonly<Record<string, unknown>>;

const LONGEST_TEXT = 4_096;
const LONGEST_CAPTION = 1_024;
const MESSAGE_ID: IntegerRange = { otherwise: 0, min: -(2 ** 31), max: 2 ** 31 - 1 };

export function sendMessage(call: Call): MethodResult {
  return send(call, () => textFields(call));
}

export function sendMedia(call: Call, kind: MediaKind): MethodResult {
  return send(call, () => ({ ...mediaFields(call, kind), ...(kind === 'sticker' ? {} : captionFields(call)) }));
}

export function editMessageText(call: Call): MethodResult {
  const { platform, bot, parameters } = call;
  const { chat } = chatIn(call);
  const space = spaceOf(bot.user.id, chat, businessIn(call)?.id);
  const old = platform.directory.message(space, integerIn(parameters, 'message_id', MESSAGE_ID));
  if (old === undefined) throw badRequest('message to edit not found');
  const index = bot.sent.indexOf(old);
  if (index === -1) throw badRequest("message can't be edited");
  const { text: _text, entities: _entities, reply_markup: _markup, ...kept } = old;
  const content = { ...textFields(call), ...markupFields(call) };
  if (isSame(content, old)) throw badRequest(NOT_MODIFIED);
  const edited: TelegramMessage = {
    ...kept,
    edit_date: unixSeconds(platform.time.now()),
    ...content,
  };
  bot.sent[index] = edited;
  platform.directory.keep(space, edited);
  return { result: edited };
}

const NOT_MODIFIED =
  'message is not modified: specified new message content and reply markup are exactly the same as a current content ' +
  'and reply markup of the message';

function isSame(content: Fields, old: TelegramMessage): boolean {
  const names = ['text', 'entities', 'reply_markup'];
  return names.every((name) => JSON.stringify(content[name]) === JSON.stringify(old[name]));
}

/** `content` is read once the chat is known to be open. */
function send(call: Call, content: () => Fields): MethodResult {
  const { platform, bot } = call;
  const { chat } = chatIn(call);
  const business = businessIn(call);
  const fields = content();
  const space = spaceOf(bot.user.id, chat, business?.id);
  const reply = replyFields(call, space);
  const markup = markupFields(call);
  platform.limiter.takeMessage(bot.user.id, chat);
  const author =
    business === undefined
      ? chat.type === 'channel'
        ? { sender_chat: chat }
        : { from: bot.user }
      : { from: business.user, sender_business_bot: bot.user, business_connection_id: business.id };
  const message: TelegramMessage = {
    message_id: platform.directory.nextMessageId(space),
    ...author,
    chat,
    date: unixSeconds(platform.time.now()),
    ...reply,
    ...fields,
    ...markup,
  };
  platform.directory.keep(space, message);
  bot.sent.push(message);
  return { result: message };
}

function textFields({ parameters }: Call): Fields {
  const { text, entities } = marked(parameters['text'], textIn(parameters, 'parse_mode'));
  if (text.trim() === '') throw badRequest('message text is empty');
  if ([...text].length > LONGEST_TEXT) throw badRequest('message is too long');
  return { text, ...(entities.length > 0 && { entities }) };
}

function captionFields({ parameters }: Call): Fields {
  const { text, entities } = marked(parameters['caption'], textIn(parameters, 'parse_mode'));
  if ([...text].length > LONGEST_CAPTION) throw badRequest('message caption is too long');
  return text === '' ? {} : { caption: text, ...(entities.length > 0 && { caption_entities: entities }) };
}

function marked(text: unknown, mode: string): MarkedText {
  return markedText(typeof text === 'string' || typeof text === 'number' ? String(text) : '', mode);
}

function replyFields({ platform, parameters }: Call, space: string): Fields {
  const asked = structureIn(parameters, 'reply_parameters') as Fields | undefined;
  const id = Number(asked?.['message_id'] ?? textIn(parameters, 'reply_to_message_id'));
  if (!(id > 0)) return {};
  const replied = platform.directory.message(space, id);
  if (replied === undefined) {
    if (asked?.['allow_sending_without_reply'] === true) return {};
    throw badRequest('message to be replied not found');
  }
  // A reply is not nested further.
  const { reply_to_message: _deeper, ...shallow } = replied;
  return { reply_to_message: shallow };
}

/** Buttons stay with a message; a keyboard of the person's own is not part of it. */
function markupFields({ parameters }: Call): Fields {
  if (parameters['reply_markup'] === undefined) return {};
  const markup = structureIn(parameters, 'reply_markup') as Fields | undefined;
  if (markup === undefined || markup === null || typeof markup !== 'object')
    throw badRequest("can't parse reply keyboard markup JSON object");
  const rows = markup['inline_keyboard'] as readonly (readonly Fields[])[] | undefined;
  for (const button of rows?.flat() ?? []) {
    const data = button['callback_data'];
    if (typeof data === 'string' && Buffer.byteLength(data) > 64) throw badRequest('BUTTON_DATA_INVALID');
  }
  return rows === undefined ? {} : { reply_markup: { inline_keyboard: rows } };
}
