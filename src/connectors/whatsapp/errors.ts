// What an error of the Graph API means: `{error: {code, …}}`. The code decides and never the HTTP status, which documents give
// differently for one code and the platform gives as it likes. Table: messaging notes of 2026-11-20.

import { z } from 'zod';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import { APP_RULE, MANAGEMENT_RULE, MESSAGES_RULE, PAIR_RULE } from './limits.ts';

const failureSchema = z.object({
  error: z.object({
    code: z.coerce.number().int(),
    message: z.string().catch(''),
    error_subcode: z.coerce.number().int().nullish().catch(null),
    error_data: z.object({ details: z.string().nullish() }).nullish().catch(null),
    error_user_msg: z.string().nullish().catch(null),
    is_transient: z.boolean().nullish().catch(null),
    fbtrace_id: z.string().nullish().catch(null),
  }),
});

/** An error as the platform tells it. */
export interface Failure {
  readonly code: number;
  readonly subcode: number | null;
  /** The platform's own words, shortened; not yet free of secrets. */
  readonly words: string;
  readonly isTransient: boolean;
  /** What Meta's support wants to hear. */
  readonly traceId: string | null;
}

const WORDS_LIMIT = 300;

/** The failure in a body that was read as JSON; null: it is an answer. */
export function failureInside(body: unknown): Failure | null {
  const read = failureSchema.safeParse(body);
  if (!read.success) return null;
  const { code, message, error_subcode, error_data, error_user_msg, is_transient, fbtrace_id } = read.data.error;
  const said = [message, error_data?.details ?? error_user_msg ?? ''].filter((part) => part !== '');
  return {
    code,
    subcode: error_subcode ?? null,
    words: [...new Set(said)].join(': ').slice(0, WORDS_LIMIT),
    isTransient: is_transient === true,
    traceId: fbtrace_id ?? null,
  };
}

interface Row {
  readonly codes: readonly (number | readonly [from: number, to: number])[];
  readonly error: ErrorCode;
  readonly means: string;
  /** How long to wait when the platform does not say, in milliseconds. */
  readonly waitMs?: number;
  /** The wait in the headers is of this limit: they tell of calls, never of messages. */
  readonly isTold?: true;
  /** Rules whose buckets rest; absent: all that were charged. */
  readonly rules?: readonly string[];
}

/** The first row that holds. */
const ROWS: readonly Row[] = [
  { codes: [0, 102, 104, 190, 463, 467], error: 'platform.unauthorized', means: 'Meta refused the access token' },
  {
    codes: [3, 10, [200, 299], 131005],
    error: 'platform.scope_missing',
    means: 'the token may not do this: a permission is missing, or the account is not assigned to it',
  },
  {
    codes: [1, 2, 131000, 131016, 131057, 133004],
    error: 'platform.unavailable',
    means: 'Meta could not answer',
  },
  {
    codes: [4],
    error: 'platform.rate_limited',
    means: 'the app has used up its calls',
    waitMs: 5 * MINUTE_MS,
    isTold: true,
    rules: [APP_RULE.id],
  },
  {
    codes: [17, 80007, 80008],
    error: 'platform.rate_limited',
    means: 'the business account has used up its calls',
    waitMs: 5 * MINUTE_MS,
    isTold: true,
    rules: [MANAGEMENT_RULE.id],
  },
  {
    codes: [613],
    error: 'platform.rate_limited',
    means: 'a limit of this call is reached',
    waitMs: 5 * MINUTE_MS,
    isTold: true,
  },
  {
    codes: [130429],
    error: 'platform.rate_limited',
    means: 'the number sends more than it may in a second',
    waitMs: 5 * SECOND_MS,
    rules: [MESSAGES_RULE.id],
  },
  {
    codes: [131048],
    error: 'platform.rate_limited',
    means: 'too many people blocked or reported this number: it may send less for a while',
    waitMs: HOUR_MS,
    rules: [MESSAGES_RULE.id],
  },
  {
    codes: [131056],
    error: 'platform.rate_limited',
    means: 'too many messages to one person',
    rules: [PAIR_RULE.id],
  },
  { codes: [133016], error: 'platform.rate_limited', means: 'the number was registered too often', waitMs: DAY_MS },
  {
    codes: [368, 131031],
    error: 'platform.blocked',
    means: 'Meta has blocked this account, for its policy or until it is checked',
    waitMs: HOUR_MS,
  },
  {
    codes: [131021, 131026, 131030, 131050],
    error: 'message.recipient_unreachable',
    means: 'the message cannot reach this person',
  },
  {
    codes: [131047],
    error: 'message.window_closed',
    means: 'the person wrote more than 24 hours ago: only a template may be sent',
  },
  { codes: [[132000, 132999]], error: 'message.template_refused', means: 'Meta refused the template' },
  {
    codes: [130472, 130497, [131008, 131009], 131037, 131042, 131045, [131049, 131055], 133010, 135000],
    error: 'message.refused',
    means: 'Meta refused the message',
  },
];

const OUR_MISTAKE: Row = { codes: [], error: 'platform.request_invalid', means: 'Meta refused a request' };

const rowOf = ({ code, isTransient }: Failure): Row =>
  ROWS.find(({ codes }) =>
    codes.some((one) => (typeof one === 'number' ? one === code : one[0] <= code && code <= one[1])),
  ) ?? (isTransient ? { ...OUR_MISTAKE, error: 'platform.unavailable', means: 'Meta could not answer' } : OUR_MISTAKE);

/** Of code 100: the one word for two things. */
const NOT_THERE = 33;
/** Attempts after which the wait for a pair grows no more: 4^6 s are an hour and eight minutes. */
const MAX_PAIR_POWER = 6;

/** What was asked when the platform said no. */
export interface Asked {
  /** Without query: it may hold a token. */
  readonly path: string;
  readonly status: number;
  /** How long the platform's headers ask to wait. */
  readonly toldMs?: number | undefined;
  /** How often a limit refused the same message before. */
  readonly refusals?: number | undefined;
}

/** Ids of the rules whose buckets are to rest; null: all that were charged. */
export function restingRules(failure: Failure): readonly string[] | null {
  return rowOf(failure).rules ?? null;
}

/** The error of a failure. Pure; `failure.words` must be free of secrets. */
export function failureOf(failure: Failure, { path, status, toldMs, refusals = 0 }: Asked): AppError {
  const { code, subcode, words, traceId } = failure;
  const { error, means, waitMs, isTold } = rowOf(failure);
  const said = [`code ${code}${subcode === null ? '' : `/${subcode}`}`, words].filter((part) => part !== '').join(', ');
  const unclear =
    code === 100 && subcode === NOT_THERE ? '; Meta does not tell what is missing from what the token may not see' : '';
  // The document's own pace: 1, 4, 16, … seconds.
  const ownMs = waitMs ?? 4 ** Math.min(refusals, MAX_PAIR_POWER) * SECOND_MS;
  const isWait = error === 'platform.rate_limited' || error === 'platform.blocked';
  return new AppError(error, `${means} (${path}, HTTP ${status}, ${said})${unclear}`, {
    details: { path, status, code, subcode, traceId },
    ...(isWait ? { retryAfterMs: (isTold && toldMs) || ownMs } : {}),
  });
}

/** A page of HTML or of a proxy instead of Graph's JSON. */
export function strangerAnswer(path: string, status: number, length: number): AppError {
  const message = `expected JSON from ${path}, got HTTP ${status} and ${length} characters of something else`;
  return new AppError('platform.answer_invalid', message, { details: { path, status } });
}
