// `ContractDetails` → contract.

import { z } from 'zod';
import type { ContractRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { decimalText, instantSchema, moneySchema } from './scalars.ts';

const hourlyTermSchema = z.object({
  hourlyRate: moneySchema.nullish(),
  startDate: instantSchema.nullish(),
  endDate: instantSchema.nullish(),
});

const STATUSES = { ACTIVE: 'active', PAUSED: 'paused', CLOSED: 'closed' } as const;

const contractSchema = z.object({
  id: z.string().min(1),
  title: z.string().nullish(),
  status: z.enum(['ACTIVE', 'PAUSED', 'CLOSED']),
  createDate: instantSchema.nullish(),
  modifyDate: instantSchema.nullish(),
  startDate: instantSchema.nullish(),
  endDate: instantSchema.nullish(),
  offerId: z.string().nullish(),
  job: z.object({ id: z.string().nullish() }).nullish(),
  closingReason: z.object({ reason: z.string().nullish() }).nullish(),
  clientOrganization: z.object({ id: z.string().nullish(), name: z.string().nullish() }).nullish(),
  hourlyLimits: z
    .array(z.object({ weeklyLimit: decimalText.nullish(), startDate: instantSchema.nullish() }).nullable())
    .nullish(),
  terms: z
    .object({
      hourlyTerms: z.array(hourlyTermSchema.nullable()).nullish(),
      fixedPriceTerms: z.array(z.object({ fixedAmount: moneySchema.nullish() }).nullable()).nullish(),
    })
    .nullish(),
});

type Started = { readonly startDate?: Date | null | undefined };

/** The one that began last; one that does not say began first of all. */
function latest<T extends Started>(terms: readonly (T | null)[] | null | undefined): T | null {
  const beginning = (term: T): number => term.startDate?.getTime() ?? 0;
  return (terms ?? []).reduce<T | null>(
    (last, term) => (term !== null && (last === null || beginning(term) >= beginning(last)) ? term : last),
    null,
  );
}

/** Throws `record.invalid`. */
export function parseContract(raw: unknown): ContractRecord {
  const contract = parseRecord(contractSchema, raw);
  const hourly = latest(contract.terms?.hourlyTerms);
  const fixed = (contract.terms?.fixedPriceTerms ?? []).find((term) => term !== null) ?? null;
  return {
    upworkContractId: contract.id,
    upworkJobId: contract.job?.id ?? null,
    upworkOfferId: contract.offerId ?? null,
    clientId: contract.clientOrganization?.id ?? null,
    clientName: contract.clientOrganization?.name ?? null,
    title: contract.title ?? null,
    contractType: hourly === null ? (fixed === null ? null : 'fixed') : 'hourly',
    hourlyRate: hourly?.hourlyRate?.amount ?? null,
    hourlyRateCurrency: hourly?.hourlyRate?.currency ?? null,
    fixedAmount: fixed?.fixedAmount?.amount ?? null,
    fixedAmountCurrency: fixed?.fixedAmount?.currency ?? null,
    weeklyLimitHours: latest(contract.hourlyLimits)?.weeklyLimit ?? null,
    status: STATUSES[contract.status],
    platformStatus: contract.status,
    closingReason: contract.closingReason?.reason ?? null,
    startDate: contract.startDate ?? null,
    endDate: contract.endDate ?? null,
    sourceUpdatedAt: contract.modifyDate ?? null,
  };
}

const changeSchema = z.object({ modifyDate: instantSchema.nullish(), createDate: instantSchema.nullish() });

/** When the contract last changed; null when it does not say. */
export function changedOf(raw: unknown): Date | null {
  const read = changeSchema.safeParse(raw);
  return read.success ? (read.data.modifyDate ?? read.data.createDate ?? null) : null;
}
