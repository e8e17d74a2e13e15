// The named ways in which Ozon differs from what a client would hope. Read at every request, so a test may switch one in the middle
// of a run: `sim.traps.hasNextForever = true`.

export interface OzonTraps {
  /** `has_next` stays true, also on pages without rows. */
  hasNextForever: boolean;
  /** The place of the next page is the same for ever. */
  cursorRepeats: boolean;
  /** How long a place in a day of the accounts lives, in milliseconds. */
  placeLivesMs: number;
  /** Methods that are switched off, and how they say so. */
  readonly gone: Map<string, 'code 9' | '404'>;
  /** The key may be used from other addresses only. */
  addressRefused: boolean;
  companyBlocked: boolean;
  /** Methods that are closed for some minutes. */
  readonly circleOpen: Set<string>;
  /** Objects that the documents promise are null. */
  nullObjects: boolean;
  /** Values of enumerations come in small letters. */
  smallLetters: boolean;
  /** Rows of a page of the accounts. */
  accrualsPage: number;
}

export const defaultTraps = (): OzonTraps => ({
  hasNextForever: false,
  cursorRepeats: false,
  placeLivesMs: 15 * 60_000,
  gone: new Map(),
  addressRefused: false,
  companyBlocked: false,
  circleOpen: new Set(),
  nullObjects: false,
  smallLetters: false,
  accrualsPage: 3,
});
