// The shop: who it is, what it pays the platform for, how it is rated, and what its key may do.

import { z } from 'zod';
import type { SellerAccountRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { decimalText, maybeInstant, maybeText } from '../../toolkit/scalars.ts';

const accountSchema = z.object({
  clientId: z.string().min(1),
  company: z
    .object({ name: maybeText, legal_name: maybeText, inn: maybeText, country: maybeText, currency: maybeText })
    .nullish(),
  subscription: z.object({ type: maybeText, is_premium: z.boolean().nullish() }).nullish(),
  groups: z
    .array(
      z.object({
        group_name: maybeText,
        items: z
          .array(
            z.object({ name: maybeText, rating: maybeText, status: maybeText, current_value: decimalText.nullish() }),
          )
          .nullish(),
      }),
    )
    .nullish(),
  roles: z.array(z.object({ name: z.string() })).nullish(),
  expiresAt: maybeInstant,
});

const currencyOf = (text: string | null | undefined): string | null =>
  text != null && /^[A-Z]{3}$/.test(text) ? text : null;

export function parseAccount(raw: unknown): SellerAccountRecord {
  const { company, subscription, groups, ...row } = parseRecord(accountSchema, raw);
  const ratings = (groups ?? []).flatMap(({ group_name: group, items }) =>
    (items ?? []).map(({ name, rating, status, current_value: value }) => ({
      group,
      name: name ?? rating,
      key: rating,
      status,
      value: value ?? null,
    })),
  );
  return {
    accountKey: row.clientId,
    name: company?.name ?? null,
    legalName: company?.legal_name ?? null,
    taxId: company?.inn ?? null,
    country: company?.country ?? null,
    currency: currencyOf(company?.currency),
    subscription: subscription?.type ?? null,
    rating: null,
    ratings,
    permissions: (row.roles ?? []).map(({ name }) => name),
    credentialExpiresAt: row.expiresAt,
    details: { isPremium: subscription?.is_premium ?? null },
    sourceUpdatedAt: null,
  };
}
