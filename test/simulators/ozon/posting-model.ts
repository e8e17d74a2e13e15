// Postings of the simulated Ozon, and how they change.

export interface PostingLine {
  readonly sku: string;
  readonly offerId: string;
  readonly name: string;
  readonly quantity: number;
  /** What the seller asks for one piece. */
  readonly price: string;
  /** What the buyer paid for one piece; null: not known. */
  readonly customerPrice: string | null;
  readonly currency: string;
}

export type PostingScheme = 'fbs' | 'rfbs' | 'fbo';

export interface Posting {
  readonly number: string;
  readonly parentNumber: string;
  readonly orderId: string;
  readonly orderNumber: string;
  readonly scheme: PostingScheme;
  readonly orderedAt: Date;
  status: string;
  substatus: string;
  /** When the status changed last; what `last_changed_status_date` looks at. */
  changedAt: Date;
  lines: readonly PostingLine[];
  cancelReason: string;
  trackingNumber: string;
}

export interface NewPosting {
  readonly scheme?: PostingScheme;
  readonly orderedAt?: Date;
  readonly status?: string;
  readonly lines?: readonly Partial<PostingLine>[];
  readonly orderNumber?: string;
  readonly parentNumber?: string;
}

/** Beyond 2^53, as every id of Ozon may be one day. */
const FIRST_ORDER = 9_007_199_254_740_993n;
const FIRST_SKU = 9_107_199_254_740_993n;

export function skuOf(index: number): string {
  return String(FIRST_SKU + BigInt(index));
}

export class Postings {
  readonly all = new Map<string, Posting>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** Everything has a default: one line for 1,200 RUB, of which the buyer paid half. */
  add(given: NewPosting = {}): Posting {
    const index = this.all.size;
    const orderNumber = given.orderNumber ?? `${40_000_000 + index}-0001`;
    const siblings = [...this.all.values()].filter((posting) => posting.orderNumber === orderNumber).length;
    const orderedAt = given.orderedAt ?? this.#now();
    const posting: Posting = {
      number: `${orderNumber}-${siblings + 1}`,
      parentNumber: given.parentNumber ?? '',
      orderId: String(FIRST_ORDER + BigInt(index)),
      orderNumber,
      scheme: given.scheme ?? 'fbs',
      orderedAt,
      status: given.status ?? 'awaiting_packaging',
      substatus: 'posting_created',
      changedAt: orderedAt,
      lines: (given.lines ?? [{}]).map((line, at) => ({
        sku: skuOf(index * 10 + at),
        offerId: `offer-${index}-${at}`,
        name: `Thing ${index}.${at}`,
        quantity: 1,
        price: '1200.0000',
        customerPrice: '600.50',
        currency: 'RUB',
        ...line,
      })),
      cancelReason: '',
      trackingNumber: '',
    };
    this.all.set(posting.number, posting);
    return posting;
  }

  /** A new status, now. */
  change(number: string, status: string): void {
    const posting = this.all.get(number);
    if (posting === undefined) throw new Error(`expected a posting, got ${number}`);
    posting.status = status;
    posting.changedAt = this.#now();
    if (status === 'cancelled') posting.cancelReason = 'The buyer changed his mind';
    if (status === 'delivering') posting.trackingNumber = `T${number}`;
  }

  /** Part of a posting is sent on its own. */
  split(number: string): Posting {
    const parent = this.all.get(number);
    if (parent === undefined || parent.lines.length < 2) throw new Error('expected a posting of several lines');
    const [kept, ...moved] = parent.lines;
    parent.lines = [kept!];
    parent.changedAt = this.#now();
    const { orderNumber, orderedAt, status, scheme } = parent;
    const part = this.add({ orderNumber, orderedAt, status, scheme, lines: moved, parentNumber: number });
    part.changedAt = this.#now();
    return part;
  }
}
