// A method of the platform: what it answers about one shop, and the subscriptions that open it.

import type { SimulatorAnswer } from '../server.ts';
import type { Row, Seller, Subscription } from './state.ts';
import type { OzonTraps } from './traps.ts';

export interface Asked {
  readonly seller: Seller;
  readonly traps: OzonTraps;
  readonly now: Date;
  readonly body: Row;
  /** The body as it came: ids may pass 2^53. */
  readonly text: string;
}

export interface Method {
  readonly path: string;
  /** Absent: every shop may ask. */
  readonly plans?: readonly Subscription[];
  /** A document, or a `Refusal`. */
  readonly answer: (asked: Asked) => unknown;
}

/** An error of the platform. */
export class Refusal {
  readonly whole: SimulatorAnswer;
  constructor(status: number, code: number, message: string) {
    this.whole = { status, body: { code, message, details: [] } };
  }
}

export const invalid = (message: string): Refusal => new Refusal(400, 3, message);

/** The digits of a number as JSON, however many they are. */
export function digits(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}

export function plain(value: unknown): string {
  return JSON.stringify(value) ?? '';
}

export function at(row: Row, name: string): number {
  return Date.parse(String(row[name]));
}

/** Digits in the list under `name` of a body, written as numbers or texts. */
export function idsIn(text: string, name: string): ReadonlySet<string> {
  const list = new RegExp(`"${name}":\\[([^\\]]*)\\]`).exec(text)?.[1] ?? '';
  return new Set(list.match(/\d+/g) ?? []);
}

export interface Paged {
  readonly rows: readonly Row[];
  /** Where the next page begins; empty at the end. */
  readonly next: string;
  readonly hasNext: boolean;
}

/** A page by an opaque place, with the traps of places. */
export function pageOf(rows: readonly Row[], place: unknown, limit: number, traps: OzonTraps): Paged {
  const offset = placeOf(place);
  const page = rows.slice(offset, offset + limit);
  const isMore = offset + limit < rows.length;
  const next =
    traps.cursorRepeats && page.length > 0
      ? placeText(offset)
      : isMore || traps.hasNextForever
        ? placeText(offset + page.length)
        : '';
  return { rows: page, next, hasNext: isMore || traps.hasNextForever };
}

export function placeText(offset: number): string {
  return Buffer.from(`at:${offset}`).toString('base64url');
}

function placeOf(place: unknown): number {
  if (typeof place !== 'string' || place === '') return 0;
  return Number(Buffer.from(place, 'base64url').toString().slice(3));
}
