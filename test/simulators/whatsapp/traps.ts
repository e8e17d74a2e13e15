// The named ways in which WhatsApp's Cloud API differs from what a client would hope (messaging-apis 2). Read whenever they
// matter, so a test may switch one in the middle: `sim.traps.nextCarriesToken = true`.

export type MessageStatusWord = 'sent' | 'delivered' | 'read' | 'played' | 'failed' | 'deleted';

export interface WhatsappTraps {
  /**
   * Which HTTP status stands above an error: as the OpenAPI document has it, 400 whatever it is as the pages show it, or 401
   * and 403 swapped as older pages had it.
   */
  httpStatus: 'openapi' | 'always_400' | 'swapped';
  /** `paging.next` has the access token even when it came in the header. */
  nextCarriesToken: boolean;
  /** Ids of list items that are taken out after a page was cut: pages are short, or empty with a `next`. */
  hidden: ReadonlySet<string>;
  /** Lists give the same page and the same cursor again and again, always with a `next`. */
  cursorRepeats: boolean;
  /** `facebook-api-version` says this whatever was asked; null: what was asked, or what it was upgraded to. */
  versionUsed: string | null;
  /** Versions older than the oldest are refused instead of upgraded. */
  oldVersionsFail: boolean;
  /** Reports without a single point are missing from the answer. */
  emptyReportsLeftOut: boolean;
  /** Points of the report of templates on one page; the others come by `.after(…)`. */
  templatePointsPerPage: number;
  /** Codes of 131xxx that do not refuse a message but come as its `failed` status, after it was accepted. */
  refusedLater: ReadonlySet<number>;
  /** Statuses that every accepted message gets at once, in this order: `['read', 'sent']` is disorder. */
  statusesOnSend: readonly MessageStatusWord[];
  /** The answer of a sending waits until those statuses were delivered: they are there before their message. */
  statusesBeforeAnswer: boolean;
  /** Statuses have `conversation`; newer versions leave it out. */
  withConversation: boolean;
  /** Webhooks name people by business-scoped user id too (2026). */
  withUserIds: boolean;
  /** Beside it the id of the parent: `US.ENT.…`. */
  withParentUserIds: boolean;
  /** How webhooks are signed. */
  signature: 'valid' | 'missing' | 'wrong' | 'short' | 'sha1_only';
  /** So many more times every POST is sent that was answered with success. */
  duplicates: number;
  /** POSTs on their way at one time. */
  deliveriesAtOnce: number;
}

/** How it behaves on a good day. */
export function defaultTraps(): WhatsappTraps {
  return {
    httpStatus: 'openapi',
    nextCarriesToken: false,
    hidden: new Set(),
    cursorRepeats: false,
    versionUsed: null,
    oldVersionsFail: false,
    emptyReportsLeftOut: false,
    templatePointsPerPage: Number.POSITIVE_INFINITY,
    refusedLater: new Set(),
    statusesOnSend: [],
    statusesBeforeAnswer: false,
    withConversation: true,
    withUserIds: true,
    withParentUserIds: false,
    signature: 'valid',
    duplicates: 0,
    deliveriesAtOnce: 1,
  };
}
