// What several answers of Ozon have in common: lists that may be null, money in its two shapes, flags.

import { z } from 'zod';
import { addMoney, normalizeDecimal, type Money } from '../../../core/money.ts';
import { decimalText, shiftPoint } from '../../toolkit/scalars.ts';

/** A list that must be there; null stands for none. A missing one is another answer than the one we know. */
export const rows = z
  .array(z.unknown())
  .nullable()
  .transform((list) => list ?? []);

/** A list of parts that may be left out. */
export const maybeList = <Item>(item: z.ZodType<Item>): z.ZodType<readonly Item[]> =>
  z
    .array(item)
    .nullish()
    .transform((list) => list ?? []);

const CURRENCY = /^[A-Z]{3}$/;

/** An ISO code, or null for the empty text. */
export const currency = z
  .string()
  .nullish()
  .transform((text) => (text !== null && text !== undefined && CURRENCY.test(text) ? text : null));

export interface Price {
  readonly amount: string;
  /** Null: the platform left it out. */
  readonly currency: string | null;
}

/** `{amount, currency}` as version 4 of the postings and the accruals have it. */
export const price: z.ZodType<Price> = z.object({ amount: decimalText, currency });

/** Money that the platform may leave out: null, absent, or with an empty amount. */
export const maybePrice: z.ZodType<Price | null> = z
  .object({ amount: z.union([z.number(), z.string()]).nullish(), currency: z.string().nullish() })
  .nullish()
  .transform((money, context) => {
    if (money?.amount === undefined || money.amount === null || money.amount === '') return null;
    const read = price.safeParse(money);
    if (read.success) return read.data;
    context.addIssue({ code: 'custom', message: 'expected {amount, currency}' });
    return z.NEVER;
  });

/** A decimal, or null for null, nothing and the empty text. */
export const maybeDecimal = z
  .union([z.number(), z.string()])
  .nullish()
  .transform((value, context) => {
    if (value === null || value === undefined || value === '') return null;
    const read = decimalText.safeParse(value);
    if (read.success) return read.data;
    context.addIssue({ code: 'custom', message: 'expected a decimal number' });
    return z.NEVER;
  });

/** An id, or null for null, nothing, the empty text and 0, which stands for none. */
export const maybeId = z
  .union([z.number(), z.string()])
  .nullish()
  .transform((value) =>
    value === null || value === undefined || value === '' || String(value) === '0' ? null : String(value),
  );

/** `amount` x `quantity`, exactly. */
function times(amount: string, quantity: number): string {
  const fraction = amount.split('.')[1] ?? '';
  const product = BigInt(amount.replace('.', '')) * BigInt(quantity);
  return normalizeDecimal(shiftPoint(String(product), -fraction.length));
}

export interface Priced {
  readonly quantity: number;
  /** Of one piece. */
  readonly price: string | null;
  readonly currency: string | null;
}

/** What all lines come to; null when there is none, one has no price, or they are in more than one currency. */
export function totalOf(lines: readonly Priced[]): Money | null {
  let total: Money | null = null;
  for (const { quantity, price: each, currency: of } of lines) {
    if (each === null || of === null || (total !== null && total.currency !== of)) return null;
    const line: Money = { amount: times(each, quantity), currency: of };
    total = total === null ? line : addMoney(total, line);
  }
  return total;
}
