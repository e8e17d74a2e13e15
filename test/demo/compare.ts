// Source against store, row by row: what the simulated platform holds, written as our columns by a mapping of its own
// (not the connector's), beside what Postgres holds. Any difference is named.

import type { Posting, Proposal } from '../simulators/upwork/model.ts';

export type Row = Readonly<Record<string, string | number | null>>;

export interface Comparison {
  readonly source: number;
  readonly stored: number;
  /** At most 20, each with the key and what was expected and found. */
  readonly differences: readonly string[];
}

const DIFFERENCE_LIMIT = 20;

/** Postgres text holds neither NUL nor half a surrogate pair; the store keeps the text without the one, U+FFFD for the other. */
export const storable = (text: string): string => text.replaceAll('\0', '').toWellFormed();

/** `"25.0"` → `"25"`, `"0.0"` → null: an amount of zero is no budget. */
export function amount(value: { readonly rawValue: string } | null): string | null {
  if (value === null || Number(value.rawValue) === 0) return null;
  return value.rawValue.includes('.') ? value.rawValue.replace(/\.?0+$/, '') : value.rawValue;
}

/** An instant in UTC to the second, as the platform writes it; null stays null. */
export const seconds = (instant: Date | null): string | null => instant?.toISOString().slice(0, 19) ?? null;

const LEVELS: Readonly<Record<string, string>> = {
  ENTRY_LEVEL: 'entry',
  INTERMEDIATE: 'intermediate',
  EXPERT: 'expert',
};

/** A posting of the platform as the row we expect in `jobs`. */
export function expectedPosting(posting: Posting): Row {
  const hourly = posting.jobType === 'HOURLY';
  return {
    title: storable(posting.title),
    description: storable(posting.description),
    job_type: hourly ? 'hourly' : 'fixed',
    budget_max: hourly ? null : amount(posting.amount),
    hourly_rate_min: hourly ? amount(posting.hourlyBudgetMin) : null,
    hourly_rate_max: hourly ? amount(posting.hourlyBudgetMax) : null,
    experience_level: LEVELS[posting.experienceLevel] ?? null,
    category: posting.category,
    skills: posting.skills.map(({ name }) => storable(name)).join('|'),
    country: posting.client.location?.country ?? null,
    proposals_count: posting.totalApplicants,
    posted_date: seconds(posting.publishedAt),
    renewed_at: seconds(posting.renewedAt),
  };
}

/** The same columns as SQL, in the same spelling. */
export const POSTINGS_SQL = `
  select upwork_job_id as key, title, description, job_type,
    trim_scale(budget_max)::text as budget_max, trim_scale(hourly_rate_min)::text as hourly_rate_min,
    trim_scale(hourly_rate_max)::text as hourly_rate_max, experience_level, category,
    array_to_string(skills, '|') as skills, country, proposals_count,
    to_char(posted_date at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') as posted_date,
    to_char(renewed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') as renewed_at
  from jobs
  where deleted_at is null`;

/** A proposal of the platform as the row we expect in `proposals`. */
export function expectedProposal(proposal: Proposal): Row {
  return {
    platform_status: proposal.status,
    upwork_job_id: proposal.postingId,
    cover_letter: proposal.coverLetter,
    bid_amount: amount(proposal.chargeRate),
    bid_currency: proposal.chargeRate.currency,
    submitted_at: proposal.status === 'Created' ? null : seconds(proposal.createdAt),
    source_updated_at: seconds(proposal.modifiedAt ?? proposal.createdAt),
  };
}

export const PROPOSALS_SQL = `
  select upwork_proposal_id as key, platform_status, upwork_job_id, cover_letter,
    trim_scale(bid_amount)::text as bid_amount, bid_currency,
    to_char(submitted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') as submitted_at,
    to_char(source_updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') as source_updated_at
  from proposals
  where deleted_at is null`;

function differenceOf(key: string, expected: Row, found: Row): string | null {
  const columns = Object.keys(expected).filter((column) => expected[column] !== found[column]);
  if (columns.length === 0) return null;
  const [first] = columns as [string];
  const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? 'nothing';
  return `${key}: ${columns.join(', ')} differ; ${first}: source ${shown(expected[first])}, store ${shown(found[first])}`;
}

/** Every source row must be stored exactly once and equal; nothing else may be stored. */
export function compareRows(
  source: ReadonlyMap<string, Row>,
  stored: readonly (Row & { readonly key: string })[],
): Comparison {
  const byKey = new Map(stored.map((row) => [row.key, row]));
  const doubled = stored.length - byKey.size;
  const differences = [
    ...(doubled > 0 ? [`${doubled} rows are stored twice`] : []),
    ...[...source].flatMap(([key, expected]) => {
      const found = byKey.get(key);
      return found === undefined
        ? [`${key}: in the source, not in the store`]
        : (differenceOf(key, expected, found) ?? []);
    }),
    ...[...byKey.keys()].filter((key) => !source.has(key)).map((key) => `${key}: in the store, not in the source`),
  ];
  return { source: source.size, stored: stored.length, differences: differences.slice(0, DIFFERENCE_LIMIT) };
}
