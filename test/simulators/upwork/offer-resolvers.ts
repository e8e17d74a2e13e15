// The GraphQL root of offers: a list by number of page, oldest first, which does not say how many there are.

import { genericOrganization, user } from './account-resolvers.ts';
import { ownedBy, optionalTime } from './contract-resolvers.ts';
import { postingDetails } from './job-resolvers.ts';
import type { Scope } from './scope.ts';
import type { Offer } from './work-model.ts';

interface OffersArguments {
  readonly filter: {
    readonly id: string;
    readonly searchAttribute: string;
    readonly limit: number;
    readonly page: number;
    readonly ascendingOrder: boolean;
  };
}

/** `offersByAttribute`: by vendor, personal (`VendorUser`) or as an organization (`VendorOrg`); other attributes find nothing. */
export function offersByAttribute({ filter }: OffersArguments, scope: Scope): object {
  const { id, searchAttribute, limit, page, ascendingOrder } = filter;
  const isMine =
    (searchAttribute === 'VendorUser' && id === scope.account.id) ||
    (searchAttribute === 'VendorOrg' && id === scope.organization.id);
  const direction = ascendingOrder ? 1 : -1;
  const found = ownedBy(scope.state.work.offers.all, scope)
    .filter(() => isMine)
    .sort((a, b) => direction * (a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1)));
  const rows = found.slice((page - 1) * limit, page * limit);
  return { offers: rows.map((offer) => offerNode(offer, scope)) };
}

function offerNode(offer: Offer, scope: Scope): object {
  const { id, title, description, type, state, client, hourlyRate, weeklyLimit, budget } = offer;
  const posting = offer.postingId === null ? undefined : scope.state.postings.get(offer.postingId);
  return {
    id,
    title,
    description,
    type,
    state,
    job: posting === undefined ? null : postingDetails(posting),
    vendorProposal: null,
    client: genericOrganization({ ...client, kind: 'client' }),
    messageToContractor: offer.message,
    milestones: [],
    freelancer: (user({}, scope) as { freelancerProfile: () => object }).freelancerProfile,
    deliveryModel: 'TalentMarketplace',
    closeJobPostingOnAccept: false,
    createdUsingBYOFlow: false,
    offerTerms: {
      expectedStartDate: optionalTime(offer.expectedStart),
      expectedEndDate: null,
      fixedPriceTerm: budget === null ? null : { budget },
      hourlyTerms:
        hourlyRate === null ? null : { rate: hourlyRate, weeklyHoursLimit: weeklyLimit, manualTimeAllowed: true },
    },
  };
}
