// What a shop on the simulated Ozon offers: cards, prices, and how much of each lies where.

export interface Good {
  readonly productId: string;
  readonly offerId: string;
  readonly sku: string;
  name: string;
  brand: string;
  isArchived: boolean;
  price: string;
  oldPrice: string;
  currency: string;
  createdAt: Date;
  updatedAt: Date;
  /** In the platform's warehouses, by warehouse. */
  readonly fbo: Map<string, number>;
  /** In the seller's own, by warehouse. */
  readonly fbs: Map<string, { present: number; reserved: number }>;
}

export type NewGood = Partial<
  Pick<Good, 'offerId' | 'name' | 'brand' | 'isArchived' | 'price' | 'oldPrice' | 'currency'>
>;

/** Beyond 2^53. */
const FIRST_PRODUCT = 9_207_199_254_740_993n;
const FIRST_SKU = 9_307_199_254_740_993n;

export class Goods {
  /** By product id; ids only grow, so this is the order of every list. */
  readonly all = new Map<string, Good>();
  readonly #now: () => Date;
  #count = 0;

  constructor(now: () => Date) {
    this.#now = now;
  }

  add(given: NewGood = {}): Good {
    const index = this.#count;
    this.#count += 1;
    const good: Good = {
      productId: String(FIRST_PRODUCT + BigInt(index)),
      offerId: `offer-${index}`,
      sku: String(FIRST_SKU + BigInt(index)),
      name: `Thing ${index}`,
      brand: 'Example',
      isArchived: false,
      price: '990.50',
      oldPrice: '1500.00',
      currency: 'RUB',
      createdAt: this.#now(),
      updatedAt: this.#now(),
      fbo: new Map(),
      fbs: new Map(),
      ...given,
    };
    this.all.set(good.productId, good);
    return good;
  }

  change(productId: string, change: NewGood): void {
    const good = this.all.get(productId);
    if (good === undefined) throw new Error(`expected a good, got ${productId}`);
    Object.assign(good, change, { updatedAt: this.#now() });
  }
}
