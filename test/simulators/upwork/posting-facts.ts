// The parts of a posting that both sources (generator and CSV loader) invent in the same way: ids, instants, client,
// duration. Everything follows from the seed and the number, so a posting is the same in every run.

import type { Random } from '../random.ts';
import type { Posting, PostingClient } from './model.ts';
import { money } from './model.ts';

/** Number of the posting → a 19-digit id beyond 2^53 as Upwork's are; grows with the number. */
export function postingId(number: number): string {
  return String(1_840_000_000_000_000_000n + BigInt(number) * 1_000_003n);
}

/** What is not told by a title, a budget or skills. `ageMs` before `newest` is when it was published. */
export function inventedFacts(
  random: Random,
  { number, newest, ageMs }: { number: number; newest: Date; ageMs: number },
) {
  const id = postingId(number);
  const publishedAt = wholeSecond(newest.getTime() - ageMs);
  const duration = random.pick(DURATIONS);
  const workload = random.pick(WORKLOADS);
  return {
    id,
    ciphertext: `~02${id}`,
    recordNumber: String(2_000_000 + number),
    status: 'ACTIVE',
    duration: duration?.[0] ?? null,
    durationLabel: duration?.[1] ?? null,
    workload: workload[0],
    engagement: workload[1],
    weeklyBudget: null,
    freelancersToHire: random.chance(0.9) ? 1 : random.int(2, 12),
    totalApplicants: random.int(0, 80),
    preferredFreelancerLocation: random.chance(0.2)
      ? random.sample(COUNTRIES, random.int(1, 3)).map(([country]) => country)
      : null,
    preferredFreelancerLocationMandatory: random.chance(0.1) ? true : null,
    premium: random.chance(0.1),
    enterprise: random.chance(0.03),
    createdAt: wholeSecond(publishedAt.getTime() - random.int(0, 1_800) * 1_000),
    publishedAt,
    renewedAt: null,
    client: inventedClient(random),
  } satisfies Partial<Posting>;
}

/** Upwork's texts have whole seconds. */
export function wholeSecond(ms: number): Date {
  return new Date(Math.floor(ms / 1_000) * 1_000);
}

/** Skill names as the platform writes them: `Node.js` → `{name: "node-js", prettyName: "Node.js"}`. */
export function postingSkills(prettyNames: readonly string[]): Posting['skills'] {
  return prettyNames.map((prettyName) => ({
    name: prettyName.toLowerCase().replaceAll(/[^\p{L}\p{N}+#]+/gu, '-'),
    prettyName,
  }));
}

/** Budget fields of an hourly posting; a null end was not given. */
export function hourlyBudget(min: number | null, max: number | null) {
  return {
    jobType: 'HOURLY',
    amount: money(0),
    hourlyBudgetType: min === null ? 'NOT_PROVIDED' : 'MANUAL',
    hourlyBudgetMin: min === null ? null : money(min),
    hourlyBudgetMax: max === null ? null : money(max),
  } satisfies Partial<Posting>;
}

/** Budget fields of a fixed-price posting. */
export function fixedBudget(amount: number, currency = 'USD') {
  return {
    jobType: 'FIXED',
    amount: money(amount, currency),
    hourlyBudgetType: null,
    hourlyBudgetMin: null,
    hourlyBudgetMax: null,
  } satisfies Partial<Posting>;
}

function inventedClient(random: Random): PostingClient {
  const number = random.int(1, 900_000);
  const [country, city, timezone, offsetToUTC] = random.pick(COUNTRIES);
  const totalHires = random.chance(0.3) ? 0 : random.int(1, 120);
  return {
    totalHires,
    totalPostedJobs: totalHires + random.int(1, 30),
    totalSpent: totalHires === 0 ? null : money(random.int(50, 400_000) + 0.5),
    verificationStatus: random.pick(['VERIFIED', 'VERIFIED', 'VERIFIED', 'NOT_VERIFIED', 'UNKNOWN', null] as const),
    location: random.chance(0.05)
      ? null
      : { city: random.chance(0.2) ? null : city, country, timezone, state: null, offsetToUTC },
    totalReviews: Math.floor(totalHires * 0.8),
    totalFeedback: totalHires === 0 ? 0 : random.int(380, 500) / 100,
    companyRid: String(30_000_000 + number),
    companyOrgUid: String(1_300_000_000_000_000_000n + BigInt(number)),
    edcUserId: String(10_000_000 + number),
    hasFinancialPrivacy: random.chance(0.05),
  };
}

const DURATIONS = [
  ['WEEK', 'Less than 1 week'],
  ['MONTH', 'Less than 1 month'],
  ['QUARTER', '1 to 3 months'],
  ['SEMESTER', '3 to 6 months'],
  ['ONGOING', 'More than 6 months'],
  null,
] as const;

const WORKLOADS = [
  ['FULL_TIME', '30+ hrs/week'],
  ['PART_TIME', 'Less than 30 hrs/week'],
  ['AS_NEEDED', null],
  ['NOT_SURE', null],
] as const;

const COUNTRIES = [
  ['United States', 'Austin', 'America/Chicago', '-06:00'],
  ['United Kingdom', 'Leeds', 'Europe/London', '+00:00'],
  ['Germany', 'München', 'Europe/Berlin', '+01:00'],
  ['India', 'Pune', 'Asia/Kolkata', '+05:30'],
  ['Australia', 'Perth', 'Australia/Perth', '+08:00'],
  ['Japan', '大阪', 'Asia/Tokyo', '+09:00'],
  ['Brazil', 'São Paulo', 'America/Sao_Paulo', '-03:00'],
  ['Israel', 'Haifa', 'Asia/Jerusalem', '+02:00'],
] as const;
