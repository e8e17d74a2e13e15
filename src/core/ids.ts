// Identifiers. UUIDv7: 48 bits of Unix milliseconds, a counter within the millisecond, then random bits, so that new rows
// land at the end of an index and ids of one process sort as they were made.

import { randomUUID } from 'node:crypto';

const MAX_COUNTER = 0xfff;
let lastMs = -1;
let counter = 0;

/** Starts somewhere in the lower quarter, so that ids of one millisecond in several processes differ early. */
function nextCounter(atMs: number, randomBits: number): number {
  counter = atMs === lastMs ? Math.min(MAX_COUNTER, counter + 1) : randomBits >> 2;
  lastMs = atMs;
  return counter;
}

/**
 * A UUIDv7 for the instant `atMs` (Unix milliseconds). RFC 9562, section 5.7, with the counter of section 6.2, method 1. Of
 * more than about 3,000 in one millisecond the last ones are in no order.
 */
export function uuidv7(atMs: number = Date.now()): string {
  const random = randomUUID();
  const time = atMs.toString(16).padStart(12, '0');
  const order = nextCounter(atMs, Number.parseInt(random.slice(15, 18), 16))
    .toString(16)
    .padStart(3, '0');
  // From the 20th character on: the variant and 62 random bits.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${order}-${random.slice(19)}`;
}

/** An unguessable token (122 random bits) in UUID form. */
export function randomToken(): string {
  return randomUUID();
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}
