// The job search of the simulator: filters, order and offset pages over the postings in memory. Simple on purpose: a
// term matches when the text contains it. A filter it does not know answers 501 instead of matching everything.

import { hashText } from '../random.ts';
import { HttpFailure } from './http-failure.ts';
import type { Posting } from './model.ts';

export interface IntRange {
  readonly rangeStart?: number | null;
  readonly rangeEnd?: number | null;
}

interface SearchTerm {
  readonly andTerms_all?: readonly string[] | null;
  readonly orTerms_any?: readonly string[] | null;
  readonly exactTerms_any?: readonly string[] | null;
  readonly excludeTerms_any?: readonly string[] | null;
}

/** `MarketplaceJobPostingsSearchFilter` as coerced by GraphQL. */
export type SearchFilter = Readonly<Record<string, unknown>>;
export type SortField = 'RECENCY' | 'RELEVANCE' | 'CLIENT_TOTAL_CHARGE' | 'CLIENT_RATING';

type Test = (posting: Posting) => boolean;

/** Postings that are open and satisfy the whole filter, in the order of `sort`. */
export function searchPostings(postings: Iterable<Posting>, filter: SearchFilter, sort: SortField): Posting[] {
  const tests = Object.entries(filter)
    .filter(([name, value]) => name !== 'pagination_eq' && value !== null && value !== undefined)
    .map(([name, value]) => testOf(name, value));
  const found: Posting[] = [];
  for (const posting of postings) {
    if (posting.status === 'ACTIVE' && tests.every((test) => test(posting))) found.push(posting);
  }
  return found.sort(ORDERS[sort]);
}

/** When it was published, or renewed since: what RECENCY sorts by. */
export function recencyOf(posting: Posting): number {
  return (posting.renewedAt ?? posting.publishedAt).getTime();
}

const byIdDescending = (a: Posting, b: Posting): number => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

const ORDERS: Readonly<Record<SortField, (a: Posting, b: Posting) => number>> = {
  RECENCY: (a, b) => recencyOf(b) - recencyOf(a) || byIdDescending(a, b),
  // Not time, and stable: whoever forgets to ask for RECENCY notices.
  RELEVANCE: (a, b) => hashText(a.id) - hashText(b.id) || byIdDescending(a, b),
  CLIENT_TOTAL_CHARGE: (a, b) => spentOf(b) - spentOf(a) || byIdDescending(a, b),
  CLIENT_RATING: (a, b) => b.client.totalFeedback - a.client.totalFeedback || byIdDescending(a, b),
};

const spentOf = (posting: Posting): number => Number(posting.client.totalSpent?.rawValue ?? 0);

const FILTERS: Readonly<Record<string, (value: never) => Test>> = {
  searchExpression_eq: (expression: string) => expressionTest(expression),
  skillExpression_eq: (names: string) => {
    const wanted = names.split(',').map((name) => name.trim().toLowerCase());
    return ({ skills }) =>
      skills.some((skill) => wanted.includes(skill.name) || wanted.includes(skill.prettyName.toLowerCase()));
  },
  titleExpression_eq: (expression: string) => {
    const terms = expression.toLowerCase().split(/\s+/).filter(Boolean);
    return ({ title }) => terms.every((term) => title.toLowerCase().includes(term));
  },
  searchTerm_eq: (term: SearchTerm) => searchTermTest(term),
  categoryIds_any: (ids: readonly string[]) => (posting) =>
    posting.categoryId !== null && ids.includes(posting.categoryId),
  subcategoryIds_any: (ids: readonly string[]) => (posting) =>
    posting.subcategoryId !== null && ids.includes(posting.subcategoryId),
  jobType_eq: (type: string) => (posting) => posting.jobType === type,
  workload_eq: (workload: string) => (posting) => posting.workload === workload,
  experienceLevel_eq: (level: string) => (posting) => posting.experienceLevel === level,
  clientHiresRange_eq: (range: IntRange) => (posting) => isWithin(posting.client.totalHires, range),
  proposalRange_eq: (range: IntRange) => (posting) => isWithin(posting.totalApplicants, range),
  budgetRange_eq: (range: IntRange) => (posting) =>
    posting.jobType === 'FIXED' && isWithin(Number(posting.amount.rawValue), range),
  hourlyRate_eq: (range: IntRange) => (posting) => overlapsRate(posting, range),
  verifiedPaymentOnly_eq: (only: boolean) => (posting) => !only || posting.client.verificationStatus === 'VERIFIED',
  enterpriseOnly_eq: (only: boolean) => (posting) => !only || posting.enterprise,
  locations_any: (countries: readonly string[]) => (posting) =>
    countries.includes(posting.client.location?.country ?? ''),
  // Ids are numeric; text gives nothing, without an error. No posting here carries ontology ids, so numbers give nothing too.
  ontologySkillIds_all: () => () => false,
};

function testOf(name: string, value: unknown): Test {
  const build = FILTERS[name] as ((value: unknown) => Test) | undefined;
  if (build === undefined) throw new HttpFailure(501, `expected a filter that the simulator models, got ${name}`);
  return build(value);
}

/**
 * Lucene in small: terms must all be contained; `OR` between groups; `-term` and `NOT term` exclude; quotes keep a phrase;
 * `title:` and `skills:` look there only. No parentheses and no wildcards (they fail).
 */
function expressionTest(expression: string): Test {
  if (/[()*?~^]/.test(expression))
    throw new HttpFailure(501, `expected an expression without ()*?~^, got ${JSON.stringify(expression)}`);
  const groups = expression.split(/\s+OR\s+/).map((group) => [...group.matchAll(TERM)].map(termTest));
  return (posting) => groups.some((tests) => tests.every((test) => test(posting)));
}

const TERM = /(?<not>-|NOT\s+)?(?:(?<field>title|skills):)?(?:"(?<phrase>[^"]*)"|(?<word>[^\s"]+))/g;

function termTest(match: RegExpExecArray): Test {
  const { not, field, phrase, word } = match.groups!;
  if (word === 'AND') return () => true;
  const term = (phrase ?? word ?? '').toLowerCase();
  const isWanted = not === undefined;
  return (posting) => textOf(posting)[(field ?? 'all') as TextPart].includes(term) === isWanted;
}

function searchTermTest(term: SearchTerm): Test {
  const lower = (terms: readonly string[] | null | undefined): string[] =>
    (terms ?? []).map((text) => text.toLowerCase());
  const [all, any, exact, excluded] = [
    lower(term.andTerms_all),
    lower(term.orTerms_any),
    lower(term.exactTerms_any),
    lower(term.excludeTerms_any),
  ];
  return (posting) => {
    const text = textOf(posting).all;
    const hasOneOf = (terms: readonly string[]): boolean =>
      terms.length === 0 || terms.some((one) => text.includes(one));
    return (
      all.every((one) => text.includes(one)) &&
      hasOneOf(any) &&
      hasOneOf(exact) &&
      !excluded.some((one) => text.includes(one))
    );
  };
}

type TextPart = 'all' | 'title' | 'skills';
const texts = new WeakMap<Posting, Readonly<Record<TextPart, string>>>();

function textOf(posting: Posting): Readonly<Record<TextPart, string>> {
  const known = texts.get(posting);
  if (known !== undefined) return known;
  const title = posting.title.toLowerCase();
  const skills = posting.skills.map((skill) => skill.prettyName.toLowerCase()).join('\n');
  const text = { title, skills, all: `${title}\n${skills}\n${posting.description.toLowerCase()}` };
  texts.set(posting, text);
  return text;
}

function overlapsRate(posting: Posting, range: IntRange): boolean {
  if (posting.jobType !== 'HOURLY' || posting.hourlyBudgetMin === null || posting.hourlyBudgetMax === null)
    return false;
  const low = Number(posting.hourlyBudgetMin.rawValue);
  const high = Number(posting.hourlyBudgetMax.rawValue);
  return high >= (range.rangeStart ?? 0) && low <= (range.rangeEnd ?? Infinity);
}

function isWithin(value: number, range: IntRange): boolean {
  return value >= (range.rangeStart ?? -Infinity) && value <= (range.rangeEnd ?? Infinity);
}
