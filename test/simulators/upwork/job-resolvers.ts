// GraphQL roots of the marketplace: job search, single posting, batch of contents. Turns postings into the official
// shapes, offsets into cursors. Never changes the state.

import { hashText } from '../random.ts';
import type { Money, Posting } from './model.ts';
import type { Scope } from './scope.ts';
import { platformTime } from './scope.ts';
import { searchPostings } from './search.ts';
import type { SearchFilter, SortField } from './search.ts';
import { HttpFailure } from './http-failure.ts';

interface SearchArguments {
  readonly marketPlaceJobFilter?:
    | (SearchFilter & { pagination_eq?: { after?: string | null; first: number } | null })
    | null;
  readonly sortAttributes?: readonly { readonly field: SortField }[] | null;
}

/** Rows of a search without `pagination_eq` [community claim]. */
const UNPAGED_ROWS = 10;
/** More than this is cut silently; the sheet names 50 as used and no limit, so this is an assumption. */
const SEARCH_PAGE_MAX = 100;

/** `marketplaceJobPostingsSearch`: `after` is an offset dressed as a cursor, `endCursor` the next offset. */
export function marketplaceJobPostingsSearch(args: SearchArguments, scope: Scope): object {
  const filter = args.marketPlaceJobFilter ?? {};
  const page = filter.pagination_eq ?? undefined;
  if (page !== undefined && scope.traps.paginationRejected) throw new HttpFailure(500, 'Exception occurred');
  const found = cachedSearch(scope, filter, args.sortAttributes?.[0]?.field ?? 'RELEVANCE');
  const offset = Number.parseInt(page?.after ?? '0', 10);
  if (!(offset >= 0)) throw new HttpFailure(500, 'Exception occurred');
  const reachable = Math.min(found.length, scope.traps.searchCap ?? Infinity);
  const size = scope.traps.fixedSearchPageSize ?? Math.min(page?.first ?? UNPAGED_ROWS, SEARCH_PAGE_MAX);
  const end = Math.min(offset + size, reachable);
  const rows = found.slice(offset, Math.max(offset, end));
  return {
    totalCount: found.length,
    edges: rows.map((posting, index) => ({ cursor: String(offset + index), node: searchResult(posting, scope) })),
    pageInfo: { endCursor: String(offset + rows.length), hasNextPage: end < reachable },
  };
}

/** `marketplaceJobPosting(id)`: also for closed postings; null for unknown ones. */
export function marketplaceJobPosting({ id }: { id: string }, scope: Scope): object | null {
  const posting = scope.state.postings.get(id);
  return posting === undefined ? null : postingDetails(posting);
}

/** `marketplaceJobPostingsContents(ids)`: unknown ids are left out. */
export function marketplaceJobPostingsContents({ ids }: { ids: readonly string[] }, scope: Scope): object[] {
  return ids
    .map((id) => scope.state.postings.get(id))
    .filter((posting) => posting !== undefined)
    .map(({ id, ciphertext, title, description, publishedAt }) => ({
      id,
      ciphertext,
      title,
      description,
      publishedDateTime: platformTime(publishedAt),
      annotations: { tags: [], customFields: [] },
    }));
}

/** A posting as `MarketplaceJobPosting`, as search results and proposals link it. */
export function postingDetails(posting: Posting): object {
  const { id, title, description, status, jobType, freelancersToHire, experienceLevel } = posting;
  const asNumber = (money: Money | null): number | null => (money === null ? null : Number(money.rawValue));
  return {
    id,
    workFlowState: { closeResult: status === 'CLOSED' ? 'Closed by client' : null, status },
    content: { title, description },
    classification: {
      category: ontologyEntity(posting.categoryId, posting.category),
      subCategory: ontologyEntity(posting.subcategoryId, posting.subcategory),
      skills: posting.skills.map(({ name, prettyName }) => ({
        ...ontologyEntity(String(hashText(name)), prettyName),
        prettyName,
      })),
    },
    contractTerms: {
      contractType: jobType,
      personsToHire: freelancersToHire,
      experienceLevel: experienceLevel === 'NONE' ? null : experienceLevel,
      fixedPriceContractTerms:
        jobType === 'FIXED' ? { amount: posting.amount, maxAmount: null, engagementDuration: null } : null,
      hourlyContractTerms:
        jobType === 'HOURLY'
          ? {
              engagementType: posting.workload,
              engagementDuration: engagementDuration(posting),
              notSureProjectDuration: posting.duration === null,
              hourlyBudgetType: posting.hourlyBudgetType,
              hourlyBudgetMin: asNumber(posting.hourlyBudgetMin),
              hourlyBudgetMax: asNumber(posting.hourlyBudgetMax),
            }
          : null,
    },
    activityStat: null,
    annotations: { tags: [], customFields: [] },
  };
}

function searchResult(posting: Posting, scope: Scope): object {
  return {
    ...posting,
    job: () => postingDetails(posting),
    createdDateTime: platformTime(posting.createdAt),
    publishedDateTime: platformTime(posting.publishedAt),
    renewedDateTime: posting.renewedAt === null ? null : platformTime(posting.renewedAt),
    relevance: () => ({
      id: posting.id,
      effectiveCandidates: hashText(posting.id) % 40,
      recommendedEffectiveCandidates: 15,
      uniqueImpressions: hashText(posting.id) % 900,
      publishTime: String(posting.publishedAt.getTime()),
      hoursInactive: 0,
    }),
    relevanceEncoded: '{}',
    applied: () => scope.appliedPostingIds().has(posting.id),
    clientNotSureFields: [],
    clientPrivateFields: [],
    occupations: () => occupationsOf(posting),
    engagementDuration: engagementDuration(posting),
    totalFreelancersToHire: posting.freelancersToHire,
    teamId: posting.client.companyOrgUid,
    freelancerClientRelation: null,
    localJobUserDistance: null,
  };
}

function occupationsOf({ categoryId, category, subcategoryId, subcategory }: Posting): object | null {
  if (categoryId === null || category === null) return null;
  const subCategories =
    subcategoryId === null || subcategory === null ? [] : [{ id: subcategoryId, prefLabel: subcategory }];
  return { category: { id: categoryId, prefLabel: category }, subCategories, occupationService: null };
}

const WEEKS: Readonly<Record<string, number>> = { WEEK: 1, MONTH: 4, QUARTER: 13, SEMESTER: 26, ONGOING: 52 };

function engagementDuration({ duration, durationLabel }: Posting): object | null {
  if (duration === null) return null;
  return { id: String(WEEKS[duration]), label: durationLabel ?? duration, weeks: WEEKS[duration] };
}

function ontologyEntity(id: string | null, label: string | null): object | null {
  if (id === null || label === null) return null;
  return { id, ontologyId: `upworkOntology:${id}`, preferredLabel: label };
}

/** Walking 400 pages of one search must not filter and sort 20,000 postings 400 times. */
function cachedSearch({ state, searches }: Scope, filter: SearchFilter, sort: SortField): readonly Posting[] {
  const { pagination_eq: _, ...criteria } = filter;
  const key = `${state.postingsVersion} ${sort} ${JSON.stringify(criteria)}`;
  const known = searches.get(key);
  if (known !== undefined) return known;
  const found = searchPostings(state.postings.values(), criteria, sort);
  if (searches.size >= 32) searches.clear();
  searches.set(key, found);
  return found;
}
