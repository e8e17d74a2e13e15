// The seller: company, subscription, ratings, and what the key opens until when.

import { z } from 'zod';
import type { SellerAccountRecord } from '../../../core/records.ts';
import type { Details } from '../../../core/source-record.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { maybeInstant, maybeText } from '../../toolkit/scalars.ts';
import { currency, maybeDecimal, maybeList } from './scalars.ts';

export const rolesSchema = z.object({
  expires_at: maybeInstant,
  roles: maybeList(z.object({ name: z.string(), methods: maybeList(z.string()) })),
});

const valueSchema = z.object({ value: maybeDecimal }).nullish();

export const sellerSchema = z.object({
  company: z
    .object({
      name: maybeText,
      legal_name: maybeText,
      inn: maybeText,
      ogrn: maybeText,
      country: maybeText,
      currency,
      ownership_form: maybeText,
      tax_system: maybeText,
    })
    .nullish(),
  ratings: maybeList(
    z.object({
      rating: z.string(),
      name: maybeText,
      status: maybeText,
      value_type: maybeText,
      current_value: valueSchema,
      past_value: valueSchema,
    }),
  ),
  subscription: z.object({ is_premium: z.boolean().nullish(), type: maybeText }).nullish(),
});

export const ratingSummarySchema = z.object({
  groups: maybeList(
    z.object({
      group_name: maybeText,
      items: maybeList(
        z.object({
          rating: z.string(),
          name: maybeText,
          current_value: maybeDecimal,
          past_value: maybeDecimal,
          status: maybeText,
          value_type: maybeText,
        }),
      ),
    }),
  ),
  penalty_score_exceeded: z.boolean().nullish(),
});

/** As the stream puts the three answers together; they were read by their schemas, but come back from storage as JSON. */
const accountSchema = z.object({
  client_id: z.string().min(1),
  seller: sellerSchema,
  roles: rolesSchema,
  /** Null: the key may not ask for it. */
  rating_summary: ratingSummarySchema.nullable(),
});

type Account = z.output<typeof accountSchema>;

const REVIEW_SCORE = 'REVIEW_SCORE';

/** Ratings of both answers by their name; the summary knows more of them. */
function ratingsOf({ seller, rating_summary: summary }: Account): readonly Details[] {
  const known = seller.ratings.map(({ rating, name, status, value_type, current_value, past_value }) => ({
    rating,
    name,
    group: null as string | null,
    status,
    valueType: value_type,
    value: current_value?.value ?? null,
    past: past_value?.value ?? null,
  }));
  const grouped = (summary?.groups ?? []).flatMap(({ group_name: group, items }) =>
    items.map(({ rating, name, status, value_type, current_value: value, past_value: past }) => ({
      rating,
      name,
      group,
      status,
      valueType: value_type,
      value,
      past,
    })),
  );
  return [...new Map([...known, ...grouped].map((each) => [each.rating, each])).values()];
}

/** Throws `record.invalid`. */
export function parseAccount(raw: unknown): SellerAccountRecord {
  const account = parseRecord(accountSchema, raw);
  const { seller, roles, rating_summary: summary } = account;
  const ratings = ratingsOf(account);
  const score = ratings.find(({ valueType }) => valueType === REVIEW_SCORE)?.['value'];
  const { company, subscription } = seller;
  return {
    sourceUpdatedAt: null,
    accountKey: account.client_id,
    name: company?.name ?? null,
    legalName: company?.legal_name ?? null,
    taxId: company?.inn ?? null,
    country: company?.country ?? null,
    currency: company?.currency ?? null,
    subscription: subscription?.type ?? null,
    rating: typeof score === 'string' ? score : null,
    ratings,
    permissions: roles.roles.map(({ name }) => name),
    credentialExpiresAt: roles.expires_at,
    details: {
      methods: [...new Set(roles.roles.flatMap(({ methods }) => methods))].sort(),
      isPremium: subscription?.is_premium ?? null,
      ownershipForm: company?.ownership_form ?? null,
      taxSystem: company?.tax_system ?? null,
      ogrn: company?.ogrn ?? null,
      penaltyScoreExceeded: summary?.penalty_score_exceeded ?? null,
    },
  };
}
