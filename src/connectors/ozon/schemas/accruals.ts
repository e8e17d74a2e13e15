// One accrual of a day. Only `total_amount` is money that moved: what the posting, its services and its commission say are parts of
// it, some of them twice, and go to the breakdown.

import { z } from 'zod';
import { addMoney } from '../../../core/money.ts';
import type { FinanceEntryRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { day, decimalText, idText, maybeText } from '../../toolkit/scalars.ts';
import { maybeDecimal, maybeId, maybeList, maybePrice, type Price } from './scalars.ts';

const feeSchema = z.object({ type_id: maybeId, accrued: maybePrice });
type Fee = z.output<typeof feeSchema>;

/** `value:"0.450000"` where a number is meant. */
const ratio = z
  .union([z.string(), z.number()])
  .nullish()
  .transform((text) => /-?\d+(?:\.\d+)?/.exec(String(text ?? ''))?.[0] ?? null);

const productSchema = z.object({
  sku: maybeId,
  quantity: maybeDecimal,
  delivery: z.object({ total_accrued: maybePrice, services: maybeList(feeSchema) }).nullish(),
  commission: z
    .object({
      seller_price: maybePrice,
      sale_price: maybePrice,
      sale_amount: maybePrice,
      sale_commission: maybePrice,
      coinvestment: maybePrice,
      bonus: maybePrice,
      commission_ratio: ratio,
    })
    .nullish(),
});
type Product = z.output<typeof productSchema>;

const accrualSchema = z.object({
  accrual_id: idText,
  unit_number: maybeText,
  accrued_category: z.string().min(1),
  total_amount: z.object({ amount: decimalText, currency: z.string().regex(/^[A-Z]{3}$/, 'expected an ISO currency') }),
  posting: z.object({ delivery_schema: maybeText, products: maybeList(productSchema) }).nullish(),
  item_fees: z
    .object({ fees: maybeList(z.object({ sku: maybeId, quantity: maybeDecimal, fees: maybeList(feeSchema) })) })
    .nullish(),
  non_item_fee: feeSchema.nullish(),
  container_fees: z.object({ fees: maybeList(feeSchema) }).nullish(),
});
type Accrual = z.output<typeof accrualSchema>;

/** As the stream hands it on. */
const entrySchema = z.object({
  day,
  /** Number among the accruals of the day with this id. */
  ordinal: z.int().min(0),
  /** Names of the types that the accrual mentions, as far as they are known. */
  types: z.record(z.string(), z.string()),
  accrual: accrualSchema,
});

const keySchema = z.object({ day, ordinal: z.int(), accrual: z.object({ accrual_id: idText }) });

const SOURCE = 'accrual';

/** The id may name a type of accrual rather than one of them (report of 2026-06): only with day and number is it one. */
function entryIdOf({ day: on, ordinal, accrual }: z.output<typeof keySchema>): string {
  return `${on}:${accrual.accrual_id}:${ordinal}`;
}

/** As the table has it; null: it cannot be read. */
export function accrualKey(raw: unknown): string | null {
  const read = keySchema.safeParse(raw);
  return read.success ? `${SOURCE} ${entryIdOf(read.data)}` : null;
}

/** Sum of what is there; null: nothing is, or in several currencies. */
function sumOf(parts: readonly (Price | null | undefined)[]): string | null {
  const there = parts.filter((part) => part !== null && part !== undefined);
  const [first, ...rest] = there.map(({ amount, currency }) => ({ amount, currency: currency ?? 'XXX' }));
  if (first === undefined || rest.some(({ currency }) => currency !== first.currency)) return null;
  return rest.reduce(addMoney, first).amount;
}

/** Goods that come back are accrued with a negative price; a delivery alone moves none. */
function kindOf({ accrued_category: category }: Accrual, salePrice: string | null): FinanceEntryRecord['kind'] {
  if (category === 'POSTING') {
    if (salePrice === null || salePrice === '0') return 'service';
    return salePrice.startsWith('-') ? 'return' : 'sale';
  }
  return category === 'UNSPECIFIED' ? 'other' : 'service';
}

function quantityOf({ posting, item_fees: items }: Accrual): number | null {
  const lines = [...(posting?.products ?? []), ...(items?.fees ?? [])];
  const quantities = lines.flatMap(({ quantity }) => (quantity === null ? [] : Number(quantity)));
  return quantities.length > 0 && quantities.every(Number.isSafeInteger)
    ? quantities.reduce((sum, each) => sum + each, 0)
    : null;
}

interface Named {
  readonly types: Readonly<Record<string, string>>;
}

/** Unknown types keep their number. */
function feeOf(
  { type_id: typeId, accrued }: Fee,
  sku: string | null,
  { types }: Named,
): Readonly<Record<string, unknown>> {
  return { typeId, type: typeId === null ? null : (types[typeId] ?? null), sku, amount: accrued?.amount ?? null };
}

function lineOf({ sku, quantity, commission }: Product): Readonly<Record<string, unknown>> {
  return {
    sku,
    quantity,
    sellerPrice: commission?.seller_price?.amount ?? null,
    salePrice: commission?.sale_price?.amount ?? null,
    saleAmount: commission?.sale_amount?.amount ?? null,
    saleCommission: commission?.sale_commission?.amount ?? null,
    commissionRatio: commission?.commission_ratio ?? null,
  };
}

function breakdownOf(accrual: Accrual, named: Named): Readonly<Record<string, unknown>> {
  const { posting, item_fees: items, non_item_fee: other, container_fees: containers } = accrual;
  const products = posting?.products ?? [];
  const of = (read: (product: Product) => Price | null | undefined): string | null => sumOf(products.map(read));
  const sums = {
    salePrice: of(({ commission }) => commission?.sale_price),
    bonus: of(({ commission }) => commission?.bonus),
    coinvestment: of(({ commission }) => commission?.coinvestment),
    delivery: of(({ delivery }) => delivery?.total_accrued),
    saleCommission: of(({ commission }) => commission?.sale_commission),
  };
  const fees = [
    ...(items?.fees ?? []).flatMap(({ sku, fees: each }) => each.map((fee) => feeOf(fee, sku, named))),
    ...[other, ...(containers?.fees ?? [])].flatMap((fee) => (fee == null ? [] : [feeOf(fee, null, named)])),
  ];
  const services = products.flatMap(({ sku, delivery }) =>
    (delivery?.services ?? []).map((fee) => feeOf(fee, sku, named)),
  );
  return {
    ...(posting == null ? {} : { ...sums, scheme: posting.delivery_schema, services, products: products.map(lineOf) }),
    ...(fees.length > 0 ? { fees } : {}),
  };
}

/** Throws `record.invalid`. */
export function parseAccrual(raw: unknown): FinanceEntryRecord {
  const { accrual, day: on, ordinal, types } = parseRecord(entrySchema, raw);
  const { amount, currency } = accrual.total_amount;
  const breakdown = breakdownOf(accrual, { types });
  return {
    sourceUpdatedAt: null,
    source: SOURCE,
    entryId: entryIdOf({ day: on, ordinal, accrual }),
    reportId: null,
    kind: kindOf(accrual, (breakdown['salePrice'] as string | null | undefined) ?? null),
    platformKind: accrual.accrued_category,
    entryDate: on,
    occurredAt: null,
    amount,
    currency,
    quantity: quantityOf(accrual),
    orderKey: accrual.unit_number,
    // Accruals name skus only, in the breakdown.
    productKey: null,
    offerCode: null,
    breakdown,
  };
}
