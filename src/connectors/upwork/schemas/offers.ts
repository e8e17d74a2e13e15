// An offer of `offersByAttribute` → offer.

import { z } from 'zod';
import type { OfferRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { instantSchema, moneySchema } from './scalars.ts';

/** What the states mean to the one who got the offer. */
const STATUSES: Readonly<Record<string, OfferRecord['status']>> = {
  DRAFT: 'pending',
  DRAFT_CHANGED: 'pending',
  SUBMITTED: 'pending',
  AWAITING_APPROVAL: 'pending',
  APPROVED: 'pending',
  PENDING_VENDOR_ACCEPTANCE: 'pending',
  PENDING_VENDOR_ACCEPTANCE_AFTER_REMINDER: 'pending',
  ACCEPTED: 'accepted',
  PENDING_FUND: 'accepted',
  FUNDING_FAILED: 'accepted',
  FUNDED: 'accepted',
  REJECTED: 'rejected',
  DENIED: 'rejected',
  WITHDRAWN: 'withdrawn',
  CANCELED: 'withdrawn',
  DISCARDED: 'withdrawn',
  REPLACED: 'withdrawn',
  DELETED: 'withdrawn',
  FAILED: 'withdrawn',
  EXPIRED: 'expired',
};

const offerSchema = z.object({
  id: z.string().min(1),
  title: z.string(),
  description: z.string().nullish(),
  type: z.string().nullish(),
  state: z.string().refine((state) => state in STATUSES, `expected one of ${Object.keys(STATUSES).join(', ')}`),
  messageToContractor: z.string().nullish(),
  client: z.object({ id: z.string().nullish(), name: z.string().nullish() }).nullish(),
  job: z.object({ id: z.string().nullish() }).nullish(),
  offerTerms: z
    .object({
      expectedStartDate: instantSchema.nullish(),
      hourlyTerms: z.object({ rate: moneySchema.nullish(), weeklyHoursLimit: z.int().nullish() }).nullish(),
      fixedPriceTerm: z.object({ budget: moneySchema.nullish() }).nullish(),
    })
    .nullish(),
});

function typeOf(type: string | null | undefined): OfferRecord['offerType'] {
  if (type?.endsWith('HOURLY') === true) return 'hourly';
  return type?.endsWith('FIXED_PRICE') === true ? 'fixed' : null;
}

/** Throws `record.invalid`; a state that the platform adds later is invalid until we know what it means. */
export function parseOffer(raw: unknown): OfferRecord {
  const offer = parseRecord(offerSchema, raw);
  const { hourlyTerms: hourly, fixedPriceTerm: fixed, expectedStartDate } = offer.offerTerms ?? {};
  return {
    upworkOfferId: offer.id,
    upworkJobId: offer.job?.id ?? null,
    clientId: offer.client?.id ?? null,
    clientName: offer.client?.name ?? null,
    title: offer.title,
    description: offer.description ?? null,
    message: offer.messageToContractor ?? null,
    offerType: typeOf(offer.type),
    hourlyRate: hourly?.rate?.amount ?? null,
    fixedAmount: fixed?.budget?.amount ?? null,
    currency: hourly?.rate?.currency ?? fixed?.budget?.currency ?? null,
    weeklyLimitHours: hourly?.weeklyHoursLimit?.toString() ?? null,
    status: STATUSES[offer.state]!,
    platformStatus: offer.state,
    expectedStart: expectedStartDate ?? null,
    // An offer has no stamp of its changes.
    sourceUpdatedAt: null,
  };
}
