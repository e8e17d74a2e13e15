// Ids as Meta makes them: numeric text that a double cannot hold, message ids with the signs of base64, trace ids. The same
// order of calls gives the same ids.

import { createHash } from 'node:crypto';

export interface Ids {
  /** Odd and past 2^53: whoever makes a number of it gets another one. */
  numeric(): string;
  /** `wamid.…` of a message with somebody. */
  message(partner: string): string;
  /** `fbtrace_id` of an answer. */
  trace(): string;
}

const FIRST = 10_220_000_000_000_001n;
const STEP = 20_014n;

export function createIds(): Ids {
  let count = 0;
  const hash = (text: string): string => createHash('sha1').update(text).digest('base64');
  return {
    numeric: () => String(FIRST + STEP * BigInt(count++)),
    message: (partner) => `wamid.HBgL${Buffer.from(partner).toString('base64')}${hash(`message ${count++}`)}`,
    trace: () => `A${hash(`trace ${count++}`).replaceAll(/[^A-Za-z0-9]/g, '')}`.slice(0, 23),
  };
}

/** Digits that follow from a text, for ids that two calls must agree on. */
export function digitsOf(text: string, length: number): string {
  const number = BigInt(`0x${createHash('sha256').update(text).digest('hex')}`);
  return String(number).slice(0, length);
}
