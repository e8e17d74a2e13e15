// Identifiers. UUIDv7: 48 bits of Unix milliseconds, then random bits, so that new rows land at the end of an index.

import { randomUUID } from 'node:crypto';

/** A UUIDv7 for the instant `atMs` (Unix milliseconds). RFC 9562, section 5.7. */
export function uuidv7(atMs: number = Date.now()): string {
  const time = atMs.toString(16).padStart(12, '0');
  // A version 4 has its random bits in the same places, and Node draws those for many ids at once.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** An unguessable token (122 random bits) in UUID form. */
export function randomToken(): string {
  return randomUUID();
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}
