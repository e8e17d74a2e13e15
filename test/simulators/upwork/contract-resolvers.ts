// GraphQL roots of contracts: the vendor's search with its moods, look-ups by id, and the work history that stands in
// for the search.

import { GraphQLError } from 'graphql';

import { genericOrganization } from './account-resolvers.ts';
import type { Scope } from './scope.ts';
import { platformTime } from './scope.ts';
import type { Contract, HourlyTerm, Owned } from './work-model.ts';

interface Paging {
  readonly limit?: number | null;
  readonly offset?: number | null;
}

interface VendorContractsArguments {
  readonly filter: { readonly vendorId: string; readonly contractStatuses?: readonly string[] | null };
  readonly paging?: Paging | null;
}

interface WorkHistoryArguments {
  readonly filter?: {
    readonly personId: string;
    readonly status?: readonly string[] | null;
    readonly pagination?: { readonly offset: number; readonly limit: number } | null;
  } | null;
}

const DEFAULT_LIMIT = 10;
/** More ids than this at once come back cut off. */
const LIST_LIMIT = 25;

/** Records of the account in the organization of the tenant header. */
export function ownedBy<R extends Owned>(all: ReadonlyMap<string, R>, { account, organization }: Scope): R[] {
  return [...all.values()].filter(
    ({ accountId, organizationId }) => accountId === account.id && organizationId === organization.id,
  );
}

export const optionalTime = (instant: Date | null): string | null => (instant === null ? null : platformTime(instant));

/** `vendorContracts`: some accounts get no rows or a refusal from it, whatever they have. */
export function vendorContracts({ filter, paging }: VendorContractsArguments, scope: Scope): object {
  const { vendorContracts: mood } = scope.traps;
  if (mood === 'refused') throw new GraphQLError('Authorization failed', { extensions: { code: 'FORBIDDEN' } });
  const offset = paging?.offset ?? 0;
  const limit = paging?.limit ?? DEFAULT_LIMIT;
  const isMine = filter.vendorId === scope.account.id || filter.vendorId === scope.organization.id;
  const found =
    mood === 'empty' || !isMine
      ? []
      : ownedBy(scope.state.work.contracts.all, scope).filter(
          ({ status }) => filter.contractStatuses?.includes(status) ?? true,
        );
  return {
    paging: { limit, offset, total: found.length },
    contracts: found.slice(offset, offset + limit).map((contract) => contractNode(contract, scope)),
  };
}

/** `contractList`: those of the ids that are the account's, at most 25. */
export function contractList({ ids }: { ids?: readonly string[] | null }, scope: Scope): object {
  const wanted = new Set((ids ?? []).slice(0, LIST_LIMIT));
  const found = ownedBy(scope.state.work.contracts.all, scope).filter(({ id }) => wanted.has(id));
  return { contracts: found.map((contract) => contractNode(contract, scope)) };
}

/** `contractDetails`: an error for an id that is not the account's. */
export function contractDetails({ id }: { id: string }, scope: Scope): object {
  const contract = ownedBy(scope.state.work.contracts.all, scope).find((one) => one.id === id);
  if (contract === undefined) throw new GraphQLError('Contract not found', { extensions: { code: 'NOT_FOUND' } });
  return contractNode(contract, scope);
}

/** `talentWorkHistory`: the same contracts in fewer words; rates are texts without a currency. */
export function talentWorkHistory({ filter }: WorkHistoryArguments, scope: Scope): object {
  const found =
    filter?.personId === scope.account.id && scope.traps.workHistory === 'works'
      ? ownedBy(scope.state.work.contracts.all, scope).filter(({ status }) => filter.status?.includes(status) ?? true)
      : [];
  const { offset = 0, limit = DEFAULT_LIMIT } = filter?.pagination ?? {};
  return {
    totalCount: found.length,
    workHistoryList: found.slice(offset, offset + limit).map(({ id, status, title, startDate, endDate, ...rest }) => ({
      contract: {
        id,
        status,
        title,
        startDate: platformTime(startDate),
        endDate: optionalTime(endDate),
        createDate: platformTime(rest.createdAt),
        clientOrgId: rest.client.id,
        clientTeamId: null,
        terms: {
          jobType: rest.fixedAmount === null ? 'HOURLY' : 'FIXED',
          hourlyRate: rest.hourlyTerms.at(-1)?.hourlyRate?.rawValue ?? null,
          fixedAmount: rest.fixedAmount?.rawValue ?? null,
          stipendAmount: null,
        },
      },
      contractAggregate: null,
    })),
  };
}

function hourlyTerm({ id, hourlyRate, startDate, endDate }: HourlyTerm): object {
  return {
    id,
    hourlyRate,
    startDate: platformTime(startDate),
    endDate: optionalTime(endDate),
    manualTimeAllowed: true,
  };
}

export function contractNode(contract: Contract, { account, organization }: Scope): object {
  const { id, title, status, fixedAmount, weeklyLimit, startDate, endDate, client } = contract;
  const { firstName, lastName } = account.profile;
  const started = platformTime(startDate);
  return {
    id,
    title,
    status,
    closingReason: contract.closingReason === null ? null : { id: '12', reason: contract.closingReason },
    deliveryModel: 'TALENT_MARKETPLACE',
    kind: null,
    createDate: platformTime(contract.createdAt),
    modifyDate: platformTime(contract.modifiedAt),
    startDate: started,
    endDate: optionalTime(endDate),
    offerId: contract.offerId,
    job: { id: contract.postingId },
    freelancer: { id: account.id, rid: account.rid, name: `${firstName} ${lastName}`, firstName, lastName },
    vendorOrganization: genericOrganization(organization),
    clientOrganization: genericOrganization({ ...client, kind: 'client' }),
    hourlyLimits:
      weeklyLimit === null
        ? []
        : [
            {
              id: `${id}9`,
              weeklyLimit: String(weeklyLimit),
              createDate: started,
              modifyDate: started,
              startDate: started,
              endDate: null,
            },
          ],
    terms: {
      hourlyTerms: fixedAmount === null ? contract.hourlyTerms.map(hourlyTerm) : [],
      fixedPriceTerms:
        fixedAmount === null
          ? []
          : [{ id: `${id}1`, fixedAmount, startDate: started, endDate: optionalTime(endDate), milestones: [] }],
    },
  };
}
