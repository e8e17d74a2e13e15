// What an answer of Wildberries that is no success means. Every group of hosts has a form of its own; 429 and 5XX never come
// here, the http client throws them.

import { z } from 'zod';
import { MINUTE_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import type { HttpResponse } from '../../http/http-client.ts';
import type { Endpoint } from './endpoints.ts';

const text = z.string();

/** All forms at once: gateway and analytics `{title, detail}`, statistics `{errors}`, content `{errorText}`, marketplace `{message}`. */
const bodySchema = z.object({
  title: text.nullish(),
  detail: text.nullish(),
  message: text.nullish(),
  errorText: text.nullish(),
  errors: z.union([text, z.array(text)]).nullish(),
});

const MESSAGE_LIMIT = 300;
/** The old code of a blocked account; no document names it any more. */
const BLOCKED = 461;
const BLOCKED_MS = 10 * MINUTE_MS;
/** A token of a kind that this method does not take, or without its category. */
const TOKEN_DETAIL = /base token|token (?:scope|category|type)|not allowed|access denied/i;
/** A method that is gone answers like any other path that never was. */
const GONE_DETAIL = /path not found|not found|deprecated|removed/i;

/** The platform's own words, shortened. */
function wordsOf(body: string): string {
  let parsed: ReturnType<typeof bodySchema.safeParse>;
  try {
    parsed = bodySchema.safeParse(JSON.parse(body));
  } catch {
    return '';
  }
  if (!parsed.success) return '';
  const { title, detail, message, errorText, errors } = parsed.data;
  const words = [title, detail, message, errorText, errors].flat().filter((word) => word != null && word !== '');
  return words.join(': ').slice(0, MESSAGE_LIMIT);
}

/** Wildberries asks to stay away for a while without saying 429. */
export function blockedMs({ status }: Pick<HttpResponse, 'status'>): number | undefined {
  return status === BLOCKED ? BLOCKED_MS : undefined;
}

/** The error of a status from 400 to 499. */
export function httpFailure(endpoint: Endpoint, status: number, body: string): AppError {
  const words = wordsOf(body);
  const name = `${endpoint.host}${endpoint.path}`;
  const said = words === '' ? `HTTP ${status}` : `HTTP ${status}, ${words}`;
  const details = { status, method: name };
  if (status === 401) return new AppError('platform.unauthorized', `Wildberries refused the token: ${said}`);
  if (status === 402)
    return new AppError('platform.forbidden', `Wildberries wants the service token paid for: ${said}`, { details });
  if (status === 403 || (status === 400 && TOKEN_DETAIL.test(words)))
    return new AppError('platform.scope_missing', `this token may not ask ${name}: ${said}`, { details });
  if (status === BLOCKED)
    return new AppError('platform.blocked', `Wildberries blocks this seller for a while: ${said}`, {
      details,
      retryAfterMs: BLOCKED_MS,
    });
  if (status === 404 && GONE_DETAIL.test(words))
    return new AppError('platform.method_gone', `Wildberries no longer knows ${name}: ${said}`, { details });
  return new AppError('platform.request_invalid', `expected HTTP 200 from ${name}, got ${said}`, { details });
}

const flagged = z.object({ error: z.literal(true), errorText: text.nullish() });
const complained = z.object({ errors: z.array(z.unknown()).min(1) });

/** An error inside HTTP 200; undefined: it is an answer. */
export function failureInside(endpoint: Endpoint, body: unknown): AppError | undefined {
  const name = `${endpoint.host}${endpoint.path}`;
  const flag = flagged.safeParse(body);
  if (flag.success) {
    const words = flag.data.errorText?.slice(0, MESSAGE_LIMIT) ?? 'no reason';
    const code = TOKEN_DETAIL.test(words) ? 'platform.scope_missing' : 'platform.answer_invalid';
    return new AppError(code, `${name} answered with an error: ${words}`, { details: { method: name } });
  }
  if (!complained.safeParse(body).success) return undefined;
  return new AppError('platform.answer_invalid', `${name} answered with errors`, { details: { method: name } });
}
