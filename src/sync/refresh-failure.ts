// What a failed request for tokens says about the refresh token or code that it brought: certainly unspent, or perhaps spent.
// Pure.

import { AppError } from '../core/errors.ts';
import { isNeverConnected } from '../http/failures.ts';

/** Errors that are thrown before a byte left: the refresh token is certainly unspent, and the platform was not asked. */
const NEVER_ASKED = new Set([
  'platform.rate_limited',
  'http.egress_denied',
  'http.redirect_denied',
  'credential.missing',
  'db.unavailable',
  'db.timeout',
]);
/** The platform read the request and said no. */
const REFUSED = new Set(['credential.grant_dead', 'credential.invalid', 'oauth.code_refused']);

export interface RefreshFailure {
  readonly error: unknown;
  /** The connector was handed the token; false: it failed on our side before. */
  readonly asked: boolean;
}

/** `lost`: the token may be spent and its answer is gone. `cooldown`: the platform was asked in vain. */
export function judgeFailure({ error, asked }: RefreshFailure): { readonly lost: boolean; readonly cooldown: boolean } {
  const code = error instanceof AppError ? error.code : '';
  if (!asked || NEVER_ASKED.has(code)) return { lost: false, cooldown: false };
  const unspent = REFUSED.has(code) || isNeverConnected(error);
  return { lost: !unspent, cooldown: true };
}
