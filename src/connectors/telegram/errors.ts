// What a refusal of the Bot API means. Its HTTP status repeats `error_code`; which of several reasons it is stands in the
// description only (messaging notes of 2026-11-20, read from the server's source). 429 and 5XX never come here, the http client
// throws them.

import { AppError } from '../../core/errors.ts';

export interface Refusal {
  readonly method: string;
  readonly status: number;
  /** The platform's own words, shortened. */
  readonly words: string;
  /** Where the chat has gone. */
  readonly migrateTo: string | null;
  /** Whether the method writes to a chat: then a refusal is the chat's, not the bot's. */
  readonly isSend: boolean;
}

const WORDS_LIMIT = 300;

interface Row {
  readonly means: (refusal: Refusal) => boolean;
  readonly error: (refusal: Refusal) => AppError;
}

const detailsOf = ({ method, status, words }: Refusal) => ({ method, status, words: words.slice(0, WORDS_LIMIT) });
const said = ({ status, words }: Refusal): string => `${status} ${words.slice(0, WORDS_LIMIT)}`;

/** The first row that holds. */
const ROWS: readonly Row[] = [
  {
    means: ({ migrateTo }) => migrateTo !== null,
    error: (refusal) =>
      new AppError('message.chat_migrated', 'the group has become a supergroup, which has another id', {
        details: { ...detailsOf(refusal), toChatKey: refusal.migrateTo },
      }),
  },
  {
    // The edge answers a token that is none with 404; so does the server for a method that is none, which is our mistake.
    means: ({ status, words }) => status === 401 || (status === 404 && !/method not found/i.test(words)),
    error: (refusal) =>
      new AppError('platform.unauthorized', `Telegram refused the bot's token: ${said(refusal)}`, {
        details: detailsOf(refusal),
      }),
  },
  {
    means: ({ status, words }) => status === 409 && /webhook is active/i.test(words),
    error: (refusal) =>
      new AppError(
        'receive.webhook_active',
        'somebody has set a webhook for this bot, so its updates go there: remove it, or set take_over_webhook',
        { details: detailsOf(refusal) },
      ),
  },
  {
    means: ({ status, words }) => status === 409 && /setwebhook/i.test(words),
    error: (refusal) =>
      new AppError('receive.webhook_changed', 'a webhook was set while we asked for updates', {
        details: detailsOf(refusal),
      }),
  },
  {
    means: ({ status }) => status === 409,
    error: (refusal) =>
      new AppError('receive.other_poller', 'somebody else asks for the updates of this bot, too', {
        details: detailsOf(refusal),
      }),
  },
  {
    means: ({ status, isSend }) => status === 403 && isSend,
    error: (refusal) =>
      new AppError('message.recipient_unreachable', `the chat does not take messages of this bot: ${said(refusal)}`, {
        details: detailsOf(refusal),
      }),
  },
  {
    means: ({ words, isSend }) => isSend && /chat not found|user not found|PEER_ID_INVALID/i.test(words),
    error: (refusal) =>
      new AppError('message.recipient_unreachable', `Telegram knows no such chat: ${said(refusal)}`, {
        details: detailsOf(refusal),
      }),
  },
  {
    means: ({ isSend }) => isSend,
    error: (refusal) =>
      new AppError('message.refused', `Telegram does not take this message: ${said(refusal)}`, {
        details: detailsOf(refusal),
      }),
  },
  {
    means: ({ status }) => status === 403,
    error: (refusal) =>
      new AppError('platform.forbidden', `the bot may not ask ${refusal.method}: ${said(refusal)}`, {
        details: detailsOf(refusal),
      }),
  },
];

/** The error of a refusal. What no row knows is our mistake. */
export function failureOf(refusal: Refusal): AppError {
  const row = ROWS.find(({ means }) => means(refusal));
  if (row !== undefined) return row.error(refusal);
  return new AppError('platform.request_invalid', `expected a result of ${refusal.method}, got ${said(refusal)}`, {
    details: detailsOf(refusal),
  });
}

/** A page of HTML or of a proxy instead of Telegram's JSON. */
export function strangerAnswer(method: string, status: number, length: number): AppError {
  const message = `expected JSON from ${method}, got HTTP ${status} and ${length} characters of something else`;
  return new AppError('platform.answer_invalid', message, { details: { method, status } });
}
