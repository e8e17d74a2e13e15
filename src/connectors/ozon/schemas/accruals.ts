// Lines of the accounts, as the method of accruals by day sends them. Only the total counts: services and commission are parts
// of it, told again.

import { z } from 'zod';
import type { FinanceEntryRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, day, decimalText, idText, maybeText } from '../../toolkit/scalars.ts';

/** Accounts of `finance_entries`. */
const SOURCE = 'accrual';

const money = z.object({ amount: decimalText, currency: z.string().regex(/^[A-Z]{3}$/, 'expected an ISO currency') });
const feeSchema = z.object({ type_id: idText.nullish(), accrued: money.nullish() });

const accrualSchema = z.object({
  accrual_id: idText,
  date: day,
  unit_number: maybeText,
  accrued_category: maybeText,
  total_amount: money,
  posting: z
    .object({
      delivery_schema: maybeText,
      products: z
        .array(
          z.object({
            sku: idText.nullish(),
            quantity: count.nullish(),
            delivery: z.object({ total_accrued: money.nullish() }).nullish(),
            commission: z
              .object({
                sale_price: money.nullish(),
                sale_commission: money.nullish(),
                bonus: money.nullish(),
                coinvestment: money.nullish(),
              })
              .nullish(),
          }),
        )
        .nullish(),
    })
    .nullish(),
  item_fees: z
    .object({
      fees: z
        .array(z.object({ sku: idText.nullish(), quantity: count.nullish(), fees: z.array(feeSchema).nullish() }))
        .nullish(),
    })
    .nullish(),
  non_item_fee: feeSchema.nullish(),
  container_fees: z.object({ fees: z.array(feeSchema).nullish() }).nullish(),
  /** The stream counts lines of one day with one id, and names the types. */
  ordinal: z.int().min(1),
  typeNames: z.record(z.string(), z.string()).default({}),
});

type Accrual = z.output<typeof accrualSchema>;

/** An id may be given to more than one line, and is not known to be one for ever. */
export function accrualKey(raw: unknown): string | null {
  const row = z.object({ accrual_id: idText, date: day, ordinal: z.int() }).safeParse(raw).data;
  return row === undefined ? null : `${SOURCE} ${entryId(row)}`;
}

const entryId = ({ date, accrual_id: id, ordinal }: Pick<Accrual, 'date' | 'accrual_id' | 'ordinal'>): string =>
  ordinal === 1 ? `${date}:${id}` : `${date}:${id}:${ordinal}`;

function kindOf({ accrued_category: category, total_amount: { amount } }: Accrual): FinanceEntryRecord['kind'] {
  if (category === 'POSTING') return amount.startsWith('-') ? 'return' : 'sale';
  return category === 'ITEM' || category === 'NON_ITEM' || category === 'CONTAINER_FEES' ? 'service' : 'other';
}

/** The types of fees in a line; an id that the platform does not name stays a number. */
function typesOf({
  item_fees: items,
  non_item_fee: own,
  container_fees: containers,
  typeNames,
}: Accrual): readonly string[] {
  const fees = [...(items?.fees ?? []).flatMap(({ fees: inside }) => inside ?? []), ...(containers?.fees ?? [])];
  const ids = [...fees, ...(own == null ? [] : [own])].map(({ type_id: id }) => id).filter((id) => id != null);
  return [...new Set(ids)].map((id) => typeNames[id] ?? id);
}

export function parseAccrual(raw: unknown): FinanceEntryRecord {
  const row = parseRecord(accrualSchema, raw);
  const products = row.posting?.products ?? row.item_fees?.fees ?? [];
  const skus = [...new Set(products.map(({ sku }) => sku).filter((sku) => sku != null))];
  const types = typesOf(row);
  return {
    source: SOURCE,
    entryId: entryId(row),
    reportId: null,
    kind: kindOf(row),
    platformKind: types.length === 0 ? row.accrued_category : types.join(', '),
    entryDate: row.date,
    occurredAt: null,
    amount: row.total_amount.amount,
    currency: row.total_amount.currency,
    quantity: products.reduce<number | null>(
      (sum, { quantity }) => (quantity == null ? sum : (sum ?? 0) + quantity),
      null,
    ),
    orderKey: row.unit_number,
    productKey: null,
    offerCode: null,
    breakdown: {
      accrualId: row.accrual_id,
      category: row.accrued_category,
      skus,
      scheme: row.posting?.delivery_schema ?? null,
      products: (row.posting?.products ?? []).map(({ sku, delivery, commission }) => ({
        sku: sku ?? null,
        salePrice: commission?.sale_price?.amount ?? null,
        saleCommission: commission?.sale_commission?.amount ?? null,
        bonus: commission?.bonus?.amount ?? null,
        coinvestment: commission?.coinvestment?.amount ?? null,
        delivery: delivery?.total_accrued?.amount ?? null,
      })),
    },
    sourceUpdatedAt: null,
  };
}
