// What a part of the simulated Ozon is: a state per seller and the methods that answer from it. A new part is a file of its own
// and one line in resources.ts.

import { invalidArgument } from './failure.ts';
import type { Seller } from './sellers.ts';
import type { OzonTraps } from './traps.ts';

/** One request of one seller. */
export interface Call {
  readonly seller: Seller;
  /** The request's JSON; numbers that a double cannot hold are text. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly traps: OzonTraps;
  readonly now: Date;
}

/** Returns the answer's JSON; throws OzonFailure for anything but HTTP 200. */
export type Method<State> = (state: State, call: Call) => unknown;

export interface Resource<State> {
  readonly name: string;
  /** The state of a new seller. */
  readonly create: (seller: Seller, now: () => Date) => State;
  /** By path: `/v1/roles`. */
  readonly methods: Readonly<Record<string, Method<State>>>;
}

/** A resource whose state is known only to itself. */
export type AnyResource = Resource<unknown>;

export function defineResource<State>(resource: Resource<State>): Resource<State> {
  return resource;
}

// Digits of any length as a JSON number, which a double could not hold.
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

/** An id in an answer: `"9007199254740993"` goes out as that number. */
export function idNumber(digits: string): unknown {
  return rawJson(digits);
}

/** A decimal in an answer, digit by digit: `"145.90"`. */
export function decimalNumber(text: string): unknown {
  return rawJson(text);
}

/** Members of a request. A missing one is undefined; one of the wrong type is refused as Ozon does. */
export function textIn(body: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalidArgument(`proto: invalid value for string field ${name}`);
  return value;
}

export function objectIn(body: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const value = body[name] ?? {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw invalidArgument(`proto: invalid value for field ${name}`);
  return value as Readonly<Record<string, unknown>>;
}

/** Texts and numbers of a list as text; undefined: the list is not there, or empty. */
export function textsIn(body: Readonly<Record<string, unknown>>, name: string): readonly string[] | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw invalidArgument(`proto: invalid value for repeated field ${name}`);
  return value.length === 0 ? undefined : value.map(String);
}

export function dateIn(body: Readonly<Record<string, unknown>>, name: string): Date | undefined {
  const text = textIn(body, name);
  if (text === undefined) return undefined;
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw invalidArgument(`proto: invalid value for google.protobuf.Timestamp ${name}`);
  return date;
}

/** `limit` of a request. Out of bounds it is refused, as Ozon does whatever its document says. */
export function limitIn(
  body: Readonly<Record<string, unknown>>,
  bounds: { readonly min?: number; readonly max: number },
): number {
  const { min = 1, max } = bounds;
  const limit = Number(body['limit'] ?? Number.NaN);
  if (Number.isInteger(limit) && limit >= min && limit <= max) return limit;
  throw invalidArgument(`invalid Request.Limit: value must be inside range [${min}, ${max}]`);
}
