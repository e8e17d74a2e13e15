// API tokens: `tm_`, 32 random bytes, and a checksum that tells a mistyped token from a wrong one without the database.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Secret } from '../core/secret.ts';

const TOKEN = /^tm_([\w-]{43})([\w-]{6})$/;

function checksum(body: string): string {
  return createHash('sha256').update(`tidemark token ${body}`).digest('base64url').slice(0, 6);
}

export function createToken(): Secret {
  const body = randomBytes(32).toString('base64url');
  return new Secret(`tm_${body}${checksum(body)}`);
}

/** False for anything that cannot be a token of ours. */
export function isToken(text: string): boolean {
  const [, body = '', sum = ''] = TOKEN.exec(text) ?? [];
  return body !== '' && checksum(body) === sum;
}

/** What is stored: SHA-256. The token is random, so a slow hash would add nothing; look-up is by equality of hashes. */
export function hashToken(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}

/** Whether `text` is the token behind a stored hash, in constant time. */
export function isTokenOfHash(text: string, tokenHash: Uint8Array): boolean {
  const hash = hashToken(text);
  return hash.length === tokenHash.length && timingSafeEqual(hash, tokenHash);
}
