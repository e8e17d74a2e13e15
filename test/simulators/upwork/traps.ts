// The named ways in which Upwork differs from what a client would hope (commerce-apis 1.1-1.4). Read at every request,
// so a test may switch one in the middle of a run: `sim.traps.paginationRejected = true`.

/** A field that answers null although the schema says non-null. */
export interface NulledField {
  /** `Type.field`, e.g. `MarketplaceJobPostingSearchResult.experienceLevel`, `VendorProposalsEdge.node`. */
  readonly field: string;
  /** Only for objects with these ids (for an edge: the id of its node). */
  readonly ids?: readonly string[];
  /** Only for every n-th object that is resolved, counted over the simulator's life. */
  readonly every?: number;
}

export interface UpworkTraps {
  /**
   * Partial errors inside 200: each of these answers null, GraphQL bubbles it to the nearest nullable parent and adds
   * to `errors`. `MarketplaceJobPostingSearchResult.experienceLevel` makes a null EDGE (`node` is non-null there);
   * `VendorProposalsEdge.node` makes a null node.
   */
  nulledFields: readonly NulledField[];
  /** `Type.field`s the API key may not read: the whole query fails, with the list of fields it asked for. */
  deniedFields: readonly string[];
  /** `Type.field`s that are gone: taken out of the schema, so that a query with one is a real ValidationError. */
  goneFields: readonly string[];
  /** HTTP 500 "Exception occurred" as soon as `pagination_eq` is present in a job search. */
  paginationRejected: boolean;
  /** A job search gives this many rows whatever `first` says; null = honour `first`. Some API keys always get 10. */
  fixedSearchPageSize: number | null;
  /** A job search ends after this many results although `totalCount` says more. Null = no cap. */
  searchCap: number | null;
  /** `vendorProposals(pagination.first)` above this is an error with code VJCA-6. */
  proposalsPageMax: number;
  /** `vendorContracts` gives everything, silently nothing, or "Authorization failed". */
  vendorContracts: 'works' | 'empty' | 'refused';
  /** `talentWorkHistory` names every contract, or none. */
  workHistory: 'works' | 'empty';
  /** `transactionHistory` answers "Transform timeout" when a range holds more rows than this. */
  transactionsPerAnswer: number;
  /** `roomStories` gives the cursor of its first page again and again, and says that there is more. */
  storyCursorStuck: boolean;
  /** `roomStories.totalCount` says something else than there is. */
  storyTotalLies: boolean;
  /** `roomStories` with a range finds what it should, or silently nothing, as other lists do with another spelling. */
  storyRange: 'works' | 'empty';
  /** What the person says at the page of consent. */
  consent: 'given' | 'denied';
  /** Whether the page of consent takes a code challenge. Upwork documents none. */
  challenges: 'refused' | 'checked';
  /** Id of the account whose person sits at the browser; null: the one that was added last. */
  consentingAccount: string | null;
  /** Milliseconds that every answer of the token endpoint takes. */
  slowTokenMs: number;
}

/** How Upwork behaves on a good day: the caps are on, nothing is broken. */
export function defaultTraps(): UpworkTraps {
  return {
    nulledFields: [],
    deniedFields: [],
    goneFields: [],
    paginationRejected: false,
    fixedSearchPageSize: null,
    searchCap: 5_000,
    proposalsPageMax: 40,
    vendorContracts: 'works',
    workHistory: 'works',
    transactionsPerAnswer: 200,
    storyCursorStuck: false,
    storyTotalLies: true,
    storyRange: 'works',
    consent: 'given',
    challenges: 'refused',
    consentingAccount: null,
    slowTokenMs: 0,
  };
}
