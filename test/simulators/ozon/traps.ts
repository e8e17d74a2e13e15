// The named ways in which Ozon differs from what a client would hope (commerce-apis 3.2-3.4). Read at every request, so a
// test may switch one in the middle of a run: `sim.traps.hasNextOnEmpty = true`.

export interface OzonTraps {
  /** Lists with `has_next` say that there is more, also behind their last record: the next page is empty and says it again. */
  hasNextOnEmpty: boolean;
  /** Lists give the same page and the same cursor again and again, and say that there is more. */
  cursorRepeats: boolean;
  /** Lists give an empty cursor although they say that there is more. */
  cursorEmpty: boolean;
  /** Methods that are switched off: "obsolete" is HTTP 400 with code 9, "absent" is HTTP 404. */
  switchedOff: ReadonlyMap<string, 'obsolete' | 'absent'>;
  /** Methods that the seller's subscription does not open, whatever it is. */
  outsideSubscription: ReadonlySet<string>;
  /** Methods that the key's roles do not open; beside `Seller.roles`. */
  outsideRoles: ReadonlySet<string>;
  /** The key has a list of addresses, and ours is not on it. */
  addressRefused: boolean;
  /** The company is blocked. */
  companyBlocked: boolean;
  /** Methods that answer their failure inside HTTP 200. */
  failureInside: ReadonlySet<string>;
  /** Methods whose circuit is open for some minutes. */
  circuitOpen: ReadonlySet<string>;
  /** `last_id` of the accruals lives this long, in milliseconds. */
  lastIdLivesMs: number;
  /** Objects that are documented as present are null: `financial_data`, `analytics_data`, `cancellation`, lists without rows. */
  nullObjects: boolean;
  /** `visibility: ALL` leaves archived products out. */
  allLeavesOutArchived: boolean;
  /** Postings have the money of version 3: plain numbers and texts beside `currency_code`, not `{amount, currency}`. */
  oldMoney: boolean;
}

/** How Ozon behaves on a good day. */
export function defaultTraps(): OzonTraps {
  return {
    hasNextOnEmpty: false,
    cursorRepeats: false,
    cursorEmpty: false,
    switchedOff: new Map(),
    outsideSubscription: new Set(),
    outsideRoles: new Set(),
    addressRefused: false,
    companyBlocked: false,
    failureInside: new Set(),
    circuitOpen: new Set(),
    lastIdLivesMs: 15 * 60_000,
    nullObjects: false,
    allLeavesOutArchived: true,
    oldMoney: false,
  };
}
