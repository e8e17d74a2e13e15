// The answer of `user` with its freelancer profile → profile.

import { z } from 'zod';
import type { UpworkProfileRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { decimalOf, moneySchema } from './scalars.ts';

const aggregatesSchema = z.object({
  totalHours: z.number().nullish(),
  totalHourlyJobs: z.int().nullish(),
  totalFixedJobs: z.int().nullish(),
  jobSuccessScore: z.number().nullish(),
  totalEarnings: moneySchema.nullish(),
});

const freelancerSchema = z.object({
  fullName: z.string().nullish(),
  personalData: z
    .object({
      title: z.string().nullish(),
      description: z.string().nullish(),
      chargeRate: moneySchema.nullish(),
      profileUrl: z.string().nullish(),
    })
    .nullish(),
  aggregates: aggregatesSchema.nullish(),
  skills: z
    .object({
      edges: z.array(z.object({ node: z.object({ preferredLabel: z.string() }).nullish() }).nullish()).nullish(),
    })
    .nullish(),
  countryDetails: z.object({ name: z.string().nullish() }).nullish(),
});

const userSchema = z.object({
  id: z.string().min(1),
  nid: z.string().nullish(),
  name: z.string().nullish(),
  freelancerProfile: freelancerSchema.nullish(),
});

function totalJobs(aggregates: z.output<typeof aggregatesSchema> | null | undefined): number | null {
  if (aggregates?.totalHourlyJobs == null && aggregates?.totalFixedJobs == null) return null;
  return (aggregates.totalHourlyJobs ?? 0) + (aggregates.totalFixedJobs ?? 0);
}

/** Throws `record.invalid`. */
export function parseProfile(raw: unknown): UpworkProfileRecord {
  const { id, nid, name, freelancerProfile: profile } = parseRecord(userSchema, raw);
  const personal = profile?.personalData;
  const aggregates = profile?.aggregates;
  return {
    upworkId: id,
    username: nid ?? null,
    fullName: profile?.fullName ?? name ?? null,
    title: personal?.title ?? null,
    description: personal?.description ?? null,
    hourlyRate: personal?.chargeRate?.amount ?? null,
    hourlyRateCurrency: personal?.chargeRate?.currency ?? null,
    totalEarnings: aggregates?.totalEarnings?.amount ?? null,
    totalEarningsCurrency: aggregates?.totalEarnings?.currency ?? null,
    totalHours: decimalOf(aggregates?.totalHours),
    totalJobs: totalJobs(aggregates),
    successRate: decimalOf(aggregates?.jobSuccessScore),
    skills: (profile?.skills?.edges ?? []).flatMap((edge) => (edge?.node ? [edge.node.preferredLabel] : [])),
    location: profile?.countryDetails?.name ?? null,
    profileUrl: personal?.profileUrl ?? null,
    // The API does not say since when; null rather than a guess.
    memberSince: null,
    sourceUpdatedAt: null,
  };
}
