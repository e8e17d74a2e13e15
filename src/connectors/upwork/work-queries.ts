// The GraphQL operations about work: contracts, hours, transactions and offers. Rules as in `queries.ts`.

import { z } from 'zod';
import type { Operation } from './api.ts';
import { listSchema, MONEY, type Connection } from './queries.ts';

const nodesSchema = z
  .array(z.unknown())
  .nullish()
  .transform((nodes) => nodes ?? []);

export const PARTY = '{ id name }';

const CONTRACT = `
  id title status createDate modifyDate startDate endDate offerId
  job { id }
  closingReason { reason }
  clientOrganization ${PARTY}
  hourlyLimits { weeklyLimit startDate }
  terms {
    hourlyTerms { id hourlyRate ${MONEY} startDate endDate }
    fixedPriceTerms { id fixedAmount ${MONEY} }
  }`;

/** Who asks: ids under which his work is listed. */
export interface Vendor {
  readonly userId: string;
  readonly organizationId: string;
}

export const readVendor: Operation<Vendor> = {
  name: 'ReadVendor',
  document: () => `query ReadVendor { user { id } organization { id } }`,
  data: z
    .object({ user: z.object({ id: z.string().min(1) }), organization: z.object({ id: z.string().min(1) }) })
    .transform(({ user, organization }) => ({ userId: user.id, organizationId: organization.id })),
};

/** Raw contracts; a null is one that the platform could not give. */
export const searchContracts: Operation<readonly unknown[]> = {
  name: 'SearchContracts',
  document: () => `
query SearchContracts($filter: VendorContractSearchFilter!, $paging: ContractPagingInput!) {
  search: vendorContracts(filter: $filter, options: { addTerms: true, addHourLimits: true }, paging: $paging) {
    contracts {${CONTRACT}
    }
  }
}`,
  data: z
    .object({ search: z.object({ contracts: nodesSchema }).nullish() })
    .transform(({ search }) => search?.contracts ?? []),
};

export const listContracts: Operation<readonly unknown[]> = {
  name: 'ListContracts',
  document: () => `
query ListContracts($ids: [ID!]!) {
  list: contractList(ids: $ids) {
    contracts {${CONTRACT}
    }
  }
}`,
  data: z
    .object({ list: z.object({ contracts: nodesSchema }).nullish() })
    .transform(({ list }) => list?.contracts ?? []),
};

/** Ids of the contracts of a person's work history. */
export const listWorkHistory: Operation<readonly string[]> = {
  name: 'ListWorkHistory',
  document: () => `
query ListWorkHistory($person: ID!, $pagination: TalentWorkHistoryPagination!) {
  history: talentWorkHistory(filter: { personId: $person, pagination: $pagination }) {
    workHistoryList { contract { id } }
  }
}`,
  data: z
    .object({
      history: z
        .object({
          workHistoryList: z.array(z.object({ contract: z.object({ id: z.string() }).nullish() }).nullable()).nullish(),
        })
        .nullish(),
    })
    .transform(({ history }) => (history?.workHistoryList ?? []).flatMap((entry) => entry?.contract?.id ?? [])),
};

/** Days as `yyyyMMdd`, both inclusive: any other spelling finds nothing and says nothing. */
export const listHours: Operation<Connection> = {
  name: 'ListHours',
  document: () => `
query ListHours($filter: TimeReportFilter!, $pagination: Pagination!) {
  hours: contractTimeReport(filter: $filter, pagination: $pagination) {
    pageInfo { endCursor hasNextPage }
    edges { node {
      dateWorkedOn termId task memo
      totalHoursWorked totalOnlineHoursWorked totalOfflineHoursWorked totalCharges
      contract { id terms { hourlyTerms { id hourlyRate { currency } } } }
    } }
  }
}`,
  data: z.object({ hours: listSchema }).transform(({ hours }) => hours),
};

export const readAccountingEntity: Operation<string> = {
  name: 'ReadAccountingEntity',
  document: () => `query ReadAccountingEntity { entity: accountingEntity { id } }`,
  data: z.object({ entity: z.object({ id: z.string().min(1) }) }).transform(({ entity }) => entity.id),
};

/** Days as `yyyy-MM-dd`, both inclusive; everything at once, or a timeout. */
export const listTransactions: Operation<readonly unknown[]> = {
  name: 'ListTransactions',
  document: () => `
query ListTransactions($filter: TransactionHistoryFilter!) {
  history: transactionHistory(transactionHistoryFilter: $filter) {
    transactionDetail { transactionHistoryRow {
      recordId type accountingSubtype paymentStatus description descriptionUI
      amountCreditedToUser ${MONEY} transactionAmount ${MONEY}
      transactionCreationDate transactionReviewDueDate fullyPaidDate
      relatedAssignment relatedTransactionId assignmentCompanyName
    } }
  }
}`,
  data: z
    .object({
      history: z.object({ transactionDetail: z.object({ transactionHistoryRow: nodesSchema }).nullish() }).nullish(),
    })
    .transform(({ history }) => history?.transactionDetail?.transactionHistoryRow ?? []),
};

export const listOffers: Operation<readonly unknown[]> = {
  name: 'ListOffers',
  document: (optional) => `
query ListOffers($filter: SearchOffersInput!) {
  list: offersByAttribute(filter: $filter) {
    offers {
      id title description type state messageToContractor
      client ${PARTY}
      ${optional('Offer.job', 'job { id }')}
      offerTerms {
        expectedStartDate
        hourlyTerms { rate ${MONEY} weeklyHoursLimit }
        fixedPriceTerm { budget ${MONEY} }
      }
    }
  }
}`,
  data: z.object({ list: z.object({ offers: nodesSchema }).nullish() }).transform(({ list }) => list?.offers ?? []),
};
