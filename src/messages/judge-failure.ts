// What a failed send says about its message: certainly not sent and worth another try, refused for good, gone on under another
// chat, or nobody knows. Pure.

import type { AppError } from '../core/errors.ts';
import { isNeverConnected } from '../http/failures.ts';

/**
 * - `again` it never left; `isSpent` false: the platform was not even asked, or said "later"
 * - `moved` it never left, and the chat has another key
 * - `refused` the platform said no, or we did
 * - `doubt` it may have been sent
 */
export type SendFailure =
  | { readonly kind: 'again'; readonly isSpent: boolean }
  | { readonly kind: 'moved'; readonly chatKey: string }
  | { readonly kind: 'refused' | 'doubt' };

/** Tries of one message that never left, before it is given up. */
export const MAX_TRIES = 8;

export function judgeFailure(error: AppError, tries: number): SendFailure {
  const { code, kind, details } = error;
  const { toChatKey } = details;
  if (code === 'message.chat_migrated' && typeof toChatKey === 'string' && tries < MAX_TRIES)
    return { kind: 'moved', chatKey: toChatKey };
  if (kind === 'rate_limited') return { kind: 'again', isSpent: false };
  if (isNeverConnected(error)) return tries < MAX_TRIES ? { kind: 'again', isSpent: true } : { kind: 'refused' };
  if (kind === 'auth' || kind === 'scope' || kind === 'config' || code === 'platform.request_invalid')
    return { kind: 'refused' };
  return { kind: 'doubt' };
}
