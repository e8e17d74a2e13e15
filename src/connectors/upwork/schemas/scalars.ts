// How Upwork writes dates, money and numbers, and how we read them.

import { z } from 'zod';
import { money, normalizeDecimal, type Money } from '../../../core/money.ts';

/** `2026-09-15T09:12:00+0000` (no colon in the offset), RFC 3339, or epoch milliseconds as a string. */
export function parseInstant(text: string): Date | null {
  const instant = /^-?\d{11,14}$/.test(text)
    ? new Date(Number(text))
    : new Date(text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  return Number.isNaN(instant.getTime()) ? null : instant;
}

/** An instant in any of Upwork's spellings. */
export const instantSchema = z.string().transform((text, context) => {
  const instant = parseInstant(text);
  if (instant !== null) return instant;
  context.addIssue({ code: 'custom', message: 'expected an instant' });
  return z.NEVER;
});

/** Money as decimal text; `rawValue` is a string and never goes through a float. */
export const moneySchema = z
  .object({ rawValue: z.string(), currency: z.string() })
  .transform((value, context): Money => {
    try {
      return money(value.rawValue, value.currency);
    } catch {
      context.addIssue({ code: 'custom', message: 'expected a decimal rawValue and an ISO currency' });
      return z.NEVER;
    }
  });

/** Amount of money that is there and not zero: an hourly job carries `amount.rawValue` "0.0", which is no budget. */
export function positiveAmount(value: Money | null | undefined): string | null {
  return value === null || value === undefined || value.amount === '0' ? null : value.amount;
}

/** A JSON number as decimal text without an exponent; null stays null. */
export function decimalOf(value: number | null | undefined): string | null {
  if (value === null || value === undefined || !Number.isFinite(value)) return null;
  return Math.abs(value) >= 1e21 ? null : value.toFixed(4).replace(/\.?0+$/, '');
}

/** A number in a text, such as a weekly limit of `"40"`. */
export const decimalText = z.string().transform((text, context) => {
  try {
    return normalizeDecimal(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'expected a decimal number' });
    return z.NEVER;
  }
});
