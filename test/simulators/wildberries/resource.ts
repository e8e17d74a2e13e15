// A method of the platform: who may ask it, what it is charged to, and what it answers about one shop.

import type { SimulatorAnswer, SimulatorRequest } from '../server.ts';
import type { Row, Seller } from './state.ts';
import type { Category } from './token.ts';
import type { WildberriesTraps } from './traps.ts';

export interface Asked {
  readonly request: SimulatorRequest;
  readonly seller: Seller;
  readonly traps: WildberriesTraps;
  readonly now: Date;
  /** The body as JSON; an empty object without one. */
  readonly body: Row;
}

export interface Method {
  readonly call: 'GET' | 'POST';
  /** With the label of the host first; `{name}` stands for a part. */
  readonly path: string;
  readonly category: Category | null;
  readonly group: string;
  /** Tokens of kind `base` are refused. */
  readonly noBase?: true;
  /** Tokens of every kind but `service` are refused. */
  readonly serviceOnly?: true;
  /** A document, or an `Answer`. */
  readonly answer: (asked: Asked) => unknown;
}

/** An answer that is no document, told from documents by its brand. */
export class Answer {
  readonly whole: SimulatorAnswer;
  constructor(whole: SimulatorAnswer) {
    this.whole = whole;
  }
}

export const refuse = (status: number, body: unknown): Answer => new Answer({ status, body });

export function number(text: string | null, fallback: number): number {
  return text === null || !/^\d+$/.test(text) ? fallback : Number(text);
}

/** The digits of a number as JSON, however many they are. */
export function digits(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}

/** The instant that a row has under `name`, in milliseconds. */
export function at(row: Row, name: string): number {
  return Date.parse(String(row[name]));
}

export function byText(name: string): (a: Row, b: Row) => number {
  return (a, b) => (String(a[name]) < String(b[name]) ? -1 : String(a[name]) > String(b[name]) ? 1 : 0);
}

/** A number in a row, whatever it was written as. */
export function plain(value: unknown): string {
  return JSON.stringify(value) ?? '';
}
