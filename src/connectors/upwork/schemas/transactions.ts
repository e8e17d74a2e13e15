// A row of `transactionHistory` → payment. Signs are the account holder's: what he gets is positive, what he pays negative.

import { z } from 'zod';
import type { PaymentRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { instantSchema, moneySchema } from './scalars.ts';

const transactionSchema = z
  .object({
    recordId: z.string().min(1),
    type: z.string().nullish(),
    accountingSubtype: z.string().nullish(),
    paymentStatus: z.string().nullish(),
    description: z.string().nullish(),
    descriptionUI: z.string().nullish(),
    amountCreditedToUser: moneySchema.nullish(),
    transactionAmount: moneySchema.nullish(),
    transactionCreationDate: instantSchema,
    transactionReviewDueDate: instantSchema.nullish(),
    fullyPaidDate: instantSchema.nullish(),
    relatedAssignment: z.int().nullish(),
    relatedTransactionId: z.string().nullish(),
    assignmentCompanyName: z.string().nullish(),
  })
  .transform((row, context) => {
    const money = row.amountCreditedToUser ?? row.transactionAmount;
    if (money) return { ...row, money };
    context.addIssue({ code: 'custom', path: ['transactionAmount'], message: 'expected an amount' });
    return z.NEVER;
  });

/** The first that fits; Upwork publishes no list of its subtypes. */
const KINDS: readonly (readonly [RegExp, PaymentRecord['kind']])[] = [
  [/refund|reversal|chargeback/i, 'refund'],
  [/bonus|tip/i, 'bonus'],
  [/vat|tax|withholding|wht|gst/i, 'tax'],
  [/fee|membership|connects|subscription/i, 'fee'],
  [/withdrawal|payout/i, 'withdrawal'],
  [/hourly|fixed|milestone|salary|expense/i, 'earning'],
  [/adjustment/i, 'adjustment'],
];

function kindOf(type: string | null, subtype: string | null): PaymentRecord['kind'] {
  const found = KINDS.find(([words]) => words.test(subtype ?? ''));
  if (found !== undefined) return found[1];
  return type === 'APAdjustment' ? 'adjustment' : 'other';
}

function statusOf(word: string | null, paidAt: Date | null): PaymentRecord['status'] {
  if (/refund/i.test(word ?? '')) return 'refunded';
  if (/fail|cancel|declin|void/i.test(word ?? '')) return 'failed';
  return paidAt !== null || /^(?:paid|completed?)$/i.test(word ?? '') ? 'completed' : 'pending';
}

/** Throws `record.invalid`. */
export function parseTransaction(raw: unknown): PaymentRecord {
  const row = parseRecord(transactionSchema, raw);
  const paidAt = row.fullyPaidDate ?? null;
  return {
    platformPaymentId: row.recordId,
    kind: kindOf(row.type ?? null, row.accountingSubtype ?? null),
    platformKind: row.accountingSubtype ?? row.type ?? null,
    upworkContractId: row.relatedAssignment?.toString() ?? null,
    amount: row.money.amount,
    currency: row.money.currency,
    status: statusOf(row.paymentStatus ?? null, paidAt),
    platformStatus: row.paymentStatus ?? null,
    description: row.descriptionUI ?? row.description ?? null,
    clientName: row.assignmentCompanyName ?? null,
    relatedPaymentId: row.relatedTransactionId ?? null,
    occurredAt: row.transactionCreationDate,
    dueAt: row.transactionReviewDueDate ?? null,
    paymentDate: paidAt,
    sourceUpdatedAt: null,
  };
}

/** `recordId` of a raw row, or null. */
export function transactionKeyOf(raw: unknown): string | null {
  const row = z.object({ recordId: z.string().min(1) }).safeParse(raw);
  return row.success ? row.data.recordId : null;
}
