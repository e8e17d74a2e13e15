// The shop: who it is, how it is rated, what it pays the platform for, and what its token may do.

import { z } from 'zod';
import type { SellerAccountRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, decimalText, instant, maybeText } from '../../toolkit/scalars.ts';

const accountSchema = z.object({
  sid: z.string().min(1),
  name: maybeText,
  tradeMark: maybeText,
  tin: maybeText,
  token: z.object({ kind: z.string(), categories: z.array(z.string()), expiresAt: instant }),
  rating: z.object({ feedbackCount: count.nullish(), valuation: decimalText.nullish() }).nullish(),
  subscription: z
    .object({ state: maybeText, level: maybeText, activationSource: maybeText, till: maybeText })
    .nullish(),
});

export function parseAccount(raw: unknown): SellerAccountRecord {
  const { token, rating, subscription, ...row } = parseRecord(accountSchema, raw);
  return {
    accountKey: row.sid,
    name: row.tradeMark ?? row.name,
    legalName: row.name,
    taxId: row.tin,
    country: null,
    currency: null,
    subscription: subscription?.state === 'active' ? subscription.level : null,
    rating: rating?.valuation ?? null,
    ratings:
      rating == null
        ? []
        : [{ name: 'feedbacks', value: rating.valuation ?? null, count: rating.feedbackCount ?? null }],
    permissions: token.categories,
    credentialExpiresAt: token.expiresAt,
    details: { tokenKind: token.kind, subscriptionTill: subscription?.till ?? null },
    sourceUpdatedAt: null,
  };
}
