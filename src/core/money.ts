// Money as an exact decimal with its currency. Never a float: amounts stay text from the platform to Postgres numeric,
// and arithmetic goes through integers of a fixed scale.

import { AppError } from './errors.ts';

export interface Money {
  /** Decimal text: optional sign, digits, optional fraction (`-12.50`). */
  readonly amount: string;
  /** ISO 4217, upper case. */
  readonly currency: string;
}

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;
const CURRENCY = /^[A-Z]{3}$/;

/** Decimal text in its shortest form (`"0012.50"` → `"12.5"`, `"-0.0"` → `"0"`). Throws `record.invalid`. */
export function normalizeDecimal(text: string): string {
  const trimmed = text.trim();
  if (!DECIMAL.test(trimmed)) {
    throw new AppError('record.invalid', `expected a decimal number, got ${JSON.stringify(text.slice(0, 40))}`);
  }
  const negative = trimmed.startsWith('-');
  const [whole = '', fraction = ''] = trimmed.replace(/^[+-]/, '').split('.');
  const digits = whole.replace(/^0+(?=\d)/, '') || '0';
  const decimals = fraction.replace(/0+$/, '');
  const shortest = decimals === '' ? digits : `${digits}.${decimals}`;
  return negative && shortest !== '0' ? `-${shortest}` : shortest;
}

/** Checked money. Throws `record.invalid` when amount or currency is malformed. */
export function money(amount: string, currency: string): Money {
  if (!CURRENCY.test(currency)) {
    throw new AppError('record.invalid', `expected an ISO 4217 currency, got ${JSON.stringify(currency.slice(0, 40))}`);
  }
  return { amount: normalizeDecimal(amount), currency };
}

const SCALE = 6;

function toScaled(amount: string): bigint {
  const normal = normalizeDecimal(amount);
  const negative = normal.startsWith('-');
  const [whole = '0', fraction = ''] = normal.replace('-', '').split('.');
  if (fraction.length > SCALE) {
    throw new AppError('record.invalid', `expected at most ${SCALE} decimals, got ${normal}`);
  }
  const scaled = BigInt(whole + fraction.padEnd(SCALE, '0'));
  return negative ? -scaled : scaled;
}

function fromScaled(scaled: bigint): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(SCALE + 1, '0');
  return normalizeDecimal(`${scaled < 0n ? '-' : ''}${digits.slice(0, -SCALE)}.${digits.slice(-SCALE)}`);
}

/** Sum of amounts of one currency; amounts of different currencies are never summed (`record.invalid`). */
export function addMoney(a: Money, b: Money): Money {
  if (a.currency !== b.currency) {
    throw new AppError('record.invalid', `expected one currency, got ${a.currency} and ${b.currency}`);
  }
  return { amount: fromScaled(toScaled(a.amount) + toScaled(b.amount)), currency: a.currency };
}
