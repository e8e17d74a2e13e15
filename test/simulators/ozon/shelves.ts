// What all parts of a made-up shop share: its rows, the clock, chance, and ids past 2^53, so that one that went through a double
// would be another one.

import type { Random } from '../random.ts';
import { digits } from './method.ts';
import type { Row, Seller } from './state.ts';

const DAY_MS = 86_400_000;
const HALF_AN_HOUR_MS = 1_800_000;
const FIRST_ID = 9_007_199_254_740_993n;

export interface ShopOptions {
  readonly seller: Seller;
  readonly random: Random;
  readonly now: () => Date;
}

export class Shelves {
  readonly rows: Seller['rows'];
  readonly random: Random;
  readonly now: () => Date;
  isMadeUp = false;
  #lastId = FIRST_ID;

  constructor({ seller, random, now }: ShopOptions) {
    this.rows = seller.rows;
    this.random = random;
    this.now = now;
  }

  id(): unknown {
    this.#lastId += BigInt(this.random.int(1, 9));
    return digits(this.#lastId.toString());
  }

  pick(rows: readonly Row[]): Row | undefined {
    return rows.length === 0 ? undefined : this.random.pick(rows);
  }

  /** An instant of the last days while the shop is made up; afterwards what is new is seen within half an hour. */
  recently(days: number): Date {
    const longAgo = this.isMadeUp ? HALF_AN_HOUR_MS : days * DAY_MS;
    return new Date(this.now().getTime() - this.random.int(0, longAgo));
  }

  /** The day in Moscow. */
  today(): string {
    return new Date(this.now().getTime() + 3 * 3_600_000).toISOString().slice(0, 10);
  }
}
