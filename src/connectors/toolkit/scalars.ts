// How marketplaces write numbers, ids and dates, and how we read them out of exact JSON.

import { z } from 'zod';
import { normalizeDecimal } from '../../core/money.ts';
import { moscowToInstant } from './moscow.ts';

/** Numbers of exact JSON, or the texts in which some platforms send theirs. */
const written = z.union([z.number(), z.string()]);

function refuse(context: z.core.$RefinementCtx, expected: string): never {
  context.addIssue({ code: 'custom', message: `expected ${expected}` });
  return z.NEVER;
}

/** A number in scientific notation is a number too; nobody writes money so, but `0` may come as `0E-8`. */
const EXPONENT = /^([+-]?\d+(?:\.\d+)?)[eE]([+-]?\d{1,3})$/;

function plainDecimal(text: string): string {
  const match = EXPONENT.exec(text.trim());
  if (match === null) return text;
  const [, digits = '0', power = '0'] = match;
  return shiftPoint(digits, Number(power));
}

/** `amount` x 10^power, without arithmetic. */
export function shiftPoint(amount: string, power: number): string {
  const sign = amount.startsWith('-') ? '-' : '';
  const [whole = '', fraction = ''] = amount.replace(/^[+-]/, '').split('.');
  const point = whole.length + power;
  const digits = `${whole}${fraction}`;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.slice(0, point).padEnd(point, '0')}.${digits.slice(point)}`.replace(/\.$/, '');
}

/** An amount of money or another decimal as text in its shortest form: `145.940` → "145.94", `7` → "7". */
export const decimalText = written.transform((value, context) => {
  try {
    return normalizeDecimal(plainDecimal(String(value)));
  } catch {
    return refuse(context, 'a decimal number');
  }
});

/** An amount in hundredths (`1250` → "12.5"). */
export const minorUnits = written.transform((value, context) => {
  try {
    return normalizeDecimal(shiftPoint(normalizeDecimal(String(value)), -2));
  } catch {
    return refuse(context, 'an amount in hundredths');
  }
});

/** An id as text, however long; the empty text is none, nor is a decimal number (but `123.4.0` is). */
export const idText = written.transform((value, context) => {
  const text = String(value);
  return text === '' || /^-?\d+\.\d+$/.test(text) ? refuse(context, 'an id') : text;
});

/** A whole number that a double holds. */
export const count = written.transform((value, context) => {
  const number = Number(value);
  return value === '' || !Number.isSafeInteger(number) ? refuse(context, 'a whole number') : number;
});

/** RFC 3339 with a zone. */
export const instant = z.string().transform((text, context) => {
  const at = /[zZ]$|[+-]\d{2}:\d{2}$/.test(text) ? new Date(text) : new Date(Number.NaN);
  return Number.isNaN(at.getTime()) ? refuse(context, 'an instant with its zone') : at;
});

/** The year 1 stands for "never" in what Go servers send. */
const NEVER = /^0001-01-01/;

/** An instant, or null for null, the empty text and the year 1. */
export const maybeInstant = z
  .string()
  .nullish()
  .transform((text, context) => {
    if (text === null || text === undefined || text === '' || NEVER.test(text)) return null;
    const read = instant.safeParse(text);
    return read.success ? read.data : refuse(context, 'an instant with its zone');
  });

/** Moscow time without an offset, or RFC 3339 with one; null for null, the empty text and the year 1. */
export const moscowInstant = z
  .string()
  .nullish()
  .transform((text, context) => {
    if (text === null || text === undefined || text === '' || NEVER.test(text)) return null;
    const at = moscowToInstant(text) ?? instant.safeParse(text).data;
    return at ?? refuse(context, 'an instant, in Moscow time when it has no zone');
  });

/** `2026-08-01`, or the beginning of an instant written in the platform's own zone. */
export const day = z.string().transform((text, context) => {
  const read = /^(\d{4}-\d{2}-\d{2})(?:$|[T ])/.exec(text)?.[1];
  return read === undefined || Number.isNaN(Date.parse(read)) ? refuse(context, 'a day') : read;
});

/** A text, or null for null and the empty text. */
export const maybeText = z
  .string()
  .nullish()
  .transform((text) => (text === undefined || text === '' ? null : text));
