// Whether a webhook comes from who it says. Proofs are compared by their digests in constant time, so that neither a length nor a
// common beginning can be learned. A missing proof is a wrong one.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../core/secret.ts';

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Whether `text` is what `hash` (SHA-256) was made of. */
export function isToken(text: string | undefined, hash: Uint8Array | null): boolean {
  if (text === undefined || hash === null || hash.length !== 32) return false;
  return timingSafeEqual(sha256(text), hash);
}

/** Whether `header` is `prefix` and the hex HMAC-SHA-256 of the bytes that came, under `secret`. */
export function isSigned(
  body: Uint8Array,
  secret: Secret,
  { header, prefix }: { readonly header: string | undefined; readonly prefix: string },
): boolean {
  if (header === undefined || !header.startsWith(prefix)) return false;
  const expected = createHmac('sha256', secret.reveal()).update(body).digest('hex');
  return timingSafeEqual(sha256(header.slice(prefix.length).toLowerCase()), sha256(expected));
}
