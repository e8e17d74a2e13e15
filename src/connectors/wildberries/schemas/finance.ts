// A line of a sales report. Amounts are texts and never negative, whatever they do to the balance: the kind of document gives
// the sign of a sale, and the kind of amount that of everything else.

import { z } from 'zod';
import { addMoney, type Money } from '../../../core/money.ts';
import type { FinanceEntryRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, day, decimalText, idText, maybeText, moscowInstant } from '../../toolkit/scalars.ts';

/** Accounts of `finance_entries`. */
const SOURCE = 'report';
const SALE = 'Продажа';
const RETURN = 'Возврат';

const amount = decimalText.nullish().transform((text) => text ?? '0');
const zeroIsNone = idText.nullish().transform((id) => (id == null || id === '0' ? null : id));

const entrySchema = z.object({
  rrdId: idText,
  reportId: idText,
  currency: z
    .string()
    .transform((text) => text.toUpperCase())
    .refine((text) => /^[A-Z]{3}$/.test(text), 'expected an ISO currency'),
  rrDate: day,
  saleDt: moscowInstant,
  orderDt: moscowInstant,
  docTypeName: maybeText,
  sellerOperName: maybeText,
  bonusTypeName: maybeText,
  quantity: count.nullish(),
  nmId: zeroIsNone,
  vendorCode: maybeText,
  srid: maybeText,
  officeName: maybeText,
  retailPrice: amount,
  retailAmount: amount,
  retailPriceWithDisc: amount,
  ppvzSalesCommission: amount,
  acquiringFee: amount,
  forPay: amount,
  deliveryService: amount,
  penalty: amount,
  paidStorage: amount,
  deduction: amount,
  paidAcceptance: amount,
  additionalPayment: amount,
  rebillLogisticCost: amount,
});

type Entry = z.output<typeof entrySchema>;

const negated = (text: string): string => (text.startsWith('-') ? text.slice(1) : `-${text}`);

/** What the line does to the balance: what is paid for it, less what the platform keeps. */
function balanceOf(row: Entry): Money {
  const { currency } = row;
  const isReturn = row.docTypeName === RETURN;
  const parts = [
    isReturn ? negated(row.forPay) : row.forPay,
    row.additionalPayment,
    ...[row.deliveryService, row.penalty, row.paidStorage, row.deduction, row.paidAcceptance].map(negated),
  ];
  return parts.reduce<Money>((sum, part) => addMoney(sum, { amount: part, currency }), { amount: '0', currency });
}

function kindOf(row: Entry): FinanceEntryRecord['kind'] {
  if (row.forPay !== '0' && row.docTypeName === RETURN) return 'return';
  if (row.forPay !== '0' && row.docTypeName === SALE) return 'sale';
  if (row.penalty !== '0') return 'penalty';
  if (row.additionalPayment !== '0') return 'compensation';
  const services = [row.deliveryService, row.paidStorage, row.deduction, row.paidAcceptance, row.rebillLogisticCost];
  return services.some((part) => part !== '0') ? 'service' : 'other';
}

export function parseFinanceEntry(raw: unknown): FinanceEntryRecord {
  const row = parseRecord(entrySchema, raw);
  const { amount: total, currency } = balanceOf(row);
  return {
    source: SOURCE,
    entryId: row.rrdId,
    reportId: row.reportId,
    kind: kindOf(row),
    platformKind: row.sellerOperName,
    entryDate: row.rrDate,
    occurredAt: row.saleDt ?? row.orderDt,
    amount: total,
    currency,
    quantity: row.quantity ?? null,
    orderKey: row.srid,
    productKey: row.nmId,
    offerCode: row.vendorCode,
    breakdown: {
      document: row.docTypeName,
      reason: row.bonusTypeName,
      office: row.officeName,
      retailPrice: row.retailPrice,
      retailAmount: row.retailAmount,
      retailPriceWithDisc: row.retailPriceWithDisc,
      commission: row.ppvzSalesCommission,
      acquiringFee: row.acquiringFee,
      forPay: row.forPay,
      delivery: row.deliveryService,
      penalty: row.penalty,
      storage: row.paidStorage,
      deduction: row.deduction,
      acceptance: row.paidAcceptance,
      additionalPayment: row.additionalPayment,
      rebilledLogistics: row.rebillLogisticCost,
    },
    sourceUpdatedAt: null,
  };
}

export function entryKey(raw: unknown): string | null {
  const id = z.object({ rrdId: idText }).safeParse(raw).data?.rrdId;
  return id === undefined ? null : `${SOURCE} ${id}`;
}
