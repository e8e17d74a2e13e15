// The methods of the Bot API that the simulator knows, by the name that a client writes in any case.

import type { Call, Method, MethodResult } from './bot.ts';
import { integerIn, structureIn } from './parameters.ts';
import { CONFLICT } from './polling.ts';
import { getChat, getChatAdministrators, getChatMember, getFile, getMe } from './reading.ts';
import { editMessageText, sendMedia, sendMessage } from './sending.ts';
import { updateBody } from './updates.ts';

const INT32 = 2 ** 31;
const LONGEST_WAIT_S = 50;

async function getUpdates({ bot, parameters }: Call): Promise<MethodResult> {
  if (bot.webhook.isActive) return bot.polling.conflict(CONFLICT.webhookActive);
  bot.updates.subscribe(structureIn(parameters, 'allowed_updates'));
  const updates = await bot.polling.ask({
    offset: integerIn(parameters, 'offset', { otherwise: 0, min: -INT32, max: INT32 - 1 }),
    limit: integerIn(parameters, 'limit', { otherwise: 100, min: 1, max: 100 }),
    timeoutSeconds: integerIn(parameters, 'timeout', { otherwise: 0, min: 0, max: LONGEST_WAIT_S }),
  });
  return { result: updates.map(updateBody) };
}

const METHODS: Readonly<Record<string, Method>> = {
  getUpdates,
  setWebhook: async ({ bot, parameters }) => ({ result: true, description: await bot.webhook.set(parameters) }),
  deleteWebhook: ({ bot, parameters }) => ({ result: true, description: bot.webhook.remove(parameters) }),
  getWebhookInfo: ({ bot }) => ({ result: bot.webhook.info() }),
  getMe,
  getChat,
  getChatMember,
  getChatAdministrators,
  getFile,
  sendMessage,
  sendPhoto: (call) => sendMedia(call, 'photo'),
  sendVideo: (call) => sendMedia(call, 'video'),
  sendAudio: (call) => sendMedia(call, 'audio'),
  sendDocument: (call) => sendMedia(call, 'document'),
  sendAnimation: (call) => sendMedia(call, 'animation'),
  sendVoice: (call) => sendMedia(call, 'voice'),
  sendSticker: (call) => sendMedia(call, 'sticker'),
  editMessageText,
};

export interface NamedMethod {
  /** As the documentation writes it. */
  readonly name: string;
  readonly run: Method;
}

const BY_LOWER_NAME: ReadonlyMap<string, NamedMethod> = new Map(
  Object.entries(METHODS).map(([name, run]) => [name.toLowerCase(), { name, run }]),
);

export function methodOf(name: string): NamedMethod | undefined {
  return BY_LOWER_NAME.get(name.toLowerCase());
}

/** An answer of a webhook may call what writes, but not what reads or what steers the bot. */
export function isOpenToWebhooks({ name }: NamedMethod): boolean {
  return !/^get|webhook$/i.test(name);
}
