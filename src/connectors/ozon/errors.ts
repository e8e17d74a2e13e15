// What an answer of Ozon that is no success means: `{code, message, details}` in the manner of gRPC. 429 and 5XX never come here,
// the http client throws them.

import { z } from 'zod';
import { MINUTE_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import type { HttpResponse } from '../../http/http-client.ts';

const bodySchema = z.object({ code: z.number().nullish(), message: z.string().nullish() });

const MESSAGE_LIMIT = 300;
const CIRCLE_OPEN = /circle is open/i;
const CIRCLE_MS = 5 * MINUTE_MS;
const OBSOLETE =
  /obsolete|deprecated|no longer (?:supported|available)|method (?:is )?(?:disabled|switched off|not found)/i;
const BAD_KEY = /invalid api-?key|api-?key is (?:deactivated|expired|missing)|client-?id/i;
const BY_ADDRESS = /ip address|restricted to specific ip/i;
const COMPANY_BLOCKED = /company is blocked/i;
const BY_PLAN = /subscription|premium|tariff/i;
const BY_ROLE = /role|no access|permission|not available|access denied|forbidden/i;
const CURSOR = /last_id|cursor/i;
/** gRPC's codes. */
const FAILED_PRECONDITION = 9;
const PERMISSION_DENIED = 7;

function readBody(text: string): { readonly code: number | null; readonly words: string } {
  try {
    const body = bodySchema.parse(JSON.parse(text));
    return { code: body.code ?? null, words: (body.message ?? '').slice(0, MESSAGE_LIMIT) };
  } catch {
    return { code: null, words: '' };
  }
}

/** A method that is closed for some minutes says so in an error of its own. */
export function circleOpenMs({ status, text }: Pick<HttpResponse, 'status' | 'text'>): number | undefined {
  return status >= 400 && CIRCLE_OPEN.test(text) ? CIRCLE_MS : undefined;
}

function forbidden(method: string, said: string, words: string): AppError {
  const details = { method };
  if (BAD_KEY.test(words)) return new AppError('platform.unauthorized', `Ozon refused the key: ${said}`);
  if (BY_ADDRESS.test(words)) {
    const message = `the key may be used from other addresses only: add this machine's outgoing address to it (${said})`;
    return new AppError('credential.invalid', message, { details });
  }
  if (COMPANY_BLOCKED.test(words)) return new AppError('credential.invalid', `Ozon has blocked this company: ${said}`);
  const because = BY_PLAN.test(words) ? 'the subscription of the shop' : 'a role of the key';
  const message = `${method} needs more than ${because} allows: ${said}`;
  return new AppError('platform.scope_missing', message, { details: { ...details, because } });
}

/** The error of a status from 400 to 499. */
export function httpFailure(method: string, status: number, text: string): AppError {
  const { code, words } = readBody(text);
  const said = words === '' ? `HTTP ${status}` : `HTTP ${status}, ${words}`;
  const details = { method, status, code };
  if (status === 401) return new AppError('platform.unauthorized', `Ozon refused the key: ${said}`);
  if (status === 403 || code === PERMISSION_DENIED) return forbidden(method, said, words);
  // What one asks for is never named in a path, so a path that is not found is a method that is gone.
  const isGone = status === 404 || code === FAILED_PRECONDITION || OBSOLETE.test(words);
  if (isGone) return new AppError('platform.method_gone', `Ozon has switched ${method} off: ${said}`, { details });
  if (BY_ROLE.test(words) && BY_PLAN.test(words)) return forbidden(method, said, words);
  if (CURSOR.test(words))
    return new AppError('sync.stale_cursor', `Ozon no longer knows the place in ${method}: ${said}`, { details });
  return new AppError('platform.request_invalid', `expected HTTP 200 from ${method}, got ${said}`, { details });
}
