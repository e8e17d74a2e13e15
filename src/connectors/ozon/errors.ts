// What an answer of Ozon that is no success means: `{code, message, details}` beside an HTTP status that says less. 429 and 5XX
// never come here, the http client throws them. Table: commerce notes of 2026-10-06.

import { z } from 'zod';
import { MINUTE_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';

/** gRPC codes that decide. */
const CODE = {
  deadline: 4,
  notFound: 5,
  denied: 7,
  exhausted: 8,
  precondition: 9,
  internal: 13,
  unavailable: 14,
} as const;

const failureSchema = z.object({
  code: z.union([z.number(), z.string()]).transform(Number),
  message: z.string(),
  details: z.unknown().optional(),
});

export interface Refusal {
  readonly method: string;
  readonly status: number;
  /** Of the gRPC-style body; null: it is no such body. */
  readonly code: number | null;
  /** The platform's own words, shortened. */
  readonly words: string;
  /** Whose address the platform sees. */
  readonly egressId: string;
}

const WORDS_LIMIT = 300;
/** "For some minutes": nobody says how many. */
const CIRCUIT_MS = 5 * MINUTE_MS;

/** A failure of a body that was read as JSON; null: it is an answer. */
export function failureInside(body: unknown): Pick<Refusal, 'code' | 'words'> | null {
  const failure = failureSchema.safeParse(body);
  if (!failure.success || failure.data.code === 0 || !Number.isInteger(failure.data.code)) return null;
  return { code: failure.data.code, words: failure.data.message.slice(0, WORDS_LIMIT) };
}

interface Row {
  readonly means: (refusal: Refusal) => boolean;
  readonly error: (refusal: Refusal, said: string) => AppError;
}

const says =
  (pattern: RegExp) =>
  ({ words }: Refusal): boolean =>
    pattern.test(words);

const detailsOf = ({ method, status, code, words }: Refusal): Readonly<Record<string, unknown>> => ({
  method,
  status,
  code,
  words,
});

/** A path that was switched off answers like one that never was; a method that was asked for a thing names the thing. */
const NAMES_NO_THING = /^$|^not ?found\.?$|\b(?:page|path|method|route|handler|url|endpoint)\b/i;

const isGone = ({ status, code, words }: Refusal): boolean =>
  code === CODE.precondition ||
  /obsolete|method (?:is )?(?:deprecated|removed|disabled)/i.test(words) ||
  ((status === 404 || code === CODE.notFound) && NAMES_NO_THING.test(words));

/** The first row that holds. */
const ROWS: readonly Row[] = [
  {
    means: says(/circ(?:le|uit) is open/i),
    error: (refusal, said) =>
      new AppError('platform.rate_limited', `Ozon has stopped ${refusal.method} for some minutes: ${said}`, {
        retryAfterMs: CIRCUIT_MS,
        details: detailsOf(refusal),
      }),
  },
  {
    means: says(/\bip\b|ip[- ]address|allow[- ]?list|white[- ]?list/i),
    error: (refusal, said) =>
      new AppError(
        'credential.invalid',
        `the Api-Key admits other addresses only: add the outgoing address of "${refusal.egressId}" to its list at Ozon (${said})`,
        { details: { ...detailsOf(refusal), egressId: refusal.egressId } },
      ),
  },
  {
    means: says(/(?:company|seller|account) (?:is|was|has been) blocked/i),
    error: (refusal, said) =>
      new AppError('platform.unauthorized', `Ozon has blocked this company: ${said}`, {
        details: { ...detailsOf(refusal), reason: 'company_blocked' },
      }),
  },
  {
    means: says(/\brole|subscription|premium/i),
    error: (refusal, said) =>
      new AppError('platform.scope_missing', `this key may not ask ${refusal.method}: ${said}`, {
        details: { ...detailsOf(refusal), reason: /\brole/i.test(refusal.words) ? 'role' : 'subscription' },
      }),
  },
  {
    means: ({ status, words }) =>
      status === 401 ||
      /(?:api[-_ ]?key|client[-_ ]?id).*(?:invalid|deactivated|expired|revoked|mismatch|not found|wrong)/i.test(
        words,
      ) ||
      /(?:invalid|wrong|unknown|deactivated|expired) (?:api[-_ ]?key|client[-_ ]?id)/i.test(words),
    error: (_, said) => new AppError('platform.unauthorized', `Ozon refused Client-Id and Api-Key: ${said}`),
  },
  {
    means: ({ status, code }) => status === 403 || code === CODE.denied,
    error: (refusal, said) =>
      new AppError('platform.scope_missing', `this key may not ask ${refusal.method}: ${said}`, {
        details: { ...detailsOf(refusal), reason: 'unknown' },
      }),
  },
  {
    means: isGone,
    error: (refusal, said) =>
      new AppError('platform.method_gone', `Ozon has switched ${refusal.method} off: ${said}`, {
        details: detailsOf(refusal),
      }),
  },
  {
    means: ({ code }) => code === CODE.exhausted,
    error: (refusal, said) =>
      new AppError('platform.rate_limited', `Ozon asks to slow down: ${said}`, { details: detailsOf(refusal) }),
  },
  {
    means: ({ status, code }) =>
      status === 409 || code === CODE.internal || code === CODE.unavailable || code === CODE.deadline,
    error: (refusal, said) =>
      new AppError('platform.unavailable', `Ozon could not answer ${refusal.method}: ${said}`, {
        details: detailsOf(refusal),
      }),
  },
];

/** The error of a refusal. What no row knows is our mistake: asking again would only be counted against the shop. */
export function failureOf(refusal: Refusal): AppError {
  const { method, status, words, code } = refusal;
  const said = [`HTTP ${status}`, code === null ? '' : `code ${code}`, words].filter((part) => part !== '').join(', ');
  const row = ROWS.find(({ means }) => means(refusal));
  if (row !== undefined) return row.error(refusal, said);
  return new AppError('platform.request_invalid', `expected an answer from ${method}, got ${said}`, {
    details: { ...detailsOf(refusal), ...(/PERIOD_IS_TOO_LONG/i.test(words) ? { reason: 'period_too_long' } : {}) },
  });
}

/** A page of HTML or of a proxy instead of Ozon's JSON. */
export function strangerAnswer(method: string, status: number, length: number): AppError {
  const message = `expected JSON from ${method}, got HTTP ${status} and ${length} characters of something else`;
  return new AppError('platform.answer_invalid', message, { details: { method, status } });
}
