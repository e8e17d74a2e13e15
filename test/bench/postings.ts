// Postings as a platform would send them: realistic lengths, every one of its own, cheap to make by the thousand.

const WORDS = 'sync worker data pipeline report design build fast clean API backend engineer “quoted” long-term client';

function descriptionOf(n: number): string {
  return `${WORDS} ${n} `.repeat(5 + (n % 5));
}

export function postingId(n: number): string {
  return String(1_800_000_000_000_000_000n + BigInt(n));
}

/** A node of Upwork's search result, as JSON would bring it. */
export function rawPosting(n: number): Record<string, unknown> {
  const hourly = n % 2 === 0;
  const day = new Date(Date.UTC(2026, 0, 1) + (n % 200_000) * 60_000).toISOString();
  return {
    id: postingId(n),
    title: `Posting ${n}: build a "fast" pipeline`,
    description: descriptionOf(n),
    ciphertext: `~0${n.toString(16).padStart(18, '0')}`,
    createdDateTime: day,
    publishedDateTime: day,
    renewedDateTime: null,
    duration: 'MONTH',
    durationLabel: '1 to 3 months',
    engagement: '30+ hrs/week',
    amount: { rawValue: hourly ? '0.0' : `${500 + (n % 900)}.0`, currency: 'USD', displayValue: '$' },
    hourlyBudgetType: hourly ? 'MANUAL' : null,
    hourlyBudgetMin: hourly ? { rawValue: `${20 + (n % 30)}.0`, currency: 'USD', displayValue: '$' } : null,
    hourlyBudgetMax: hourly ? { rawValue: `${60 + (n % 30)}.5`, currency: 'USD', displayValue: '$' } : null,
    experienceLevel: 'EXPERT',
    category: 'web_mobile_software_dev',
    subcategory: 'web_development',
    freelancersToHire: 1,
    totalApplicants: n % 50,
    skills: [{ name: 'typescript' }, { name: 'postgresql' }, { name: 'node.js' }, { name: 'api' }],
    client: {
      companyRid: String(10_000 + (n % 5_000)),
      totalHires: n % 20,
      totalPostedJobs: n % 40,
      totalReviews: 1 + (n % 15),
      totalFeedback: 4.93,
      totalSpent: { rawValue: '12345.67', currency: 'USD', displayValue: '$12,345.67' },
      verificationStatus: 'VERIFIED',
      location: { country: 'Germany', city: 'Berlin' },
    },
  };
}

/** Raw postings `from` to `from + count - 1`. */
export function rawPostings(from: number, count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, index) => rawPosting(from + index));
}
