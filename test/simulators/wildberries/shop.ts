// A shop with everything that a seller has, made up at random: it grows and changes as a real one does, and each change is seen
// by the methods that would show it. The same seed gives the same shop.

import { Shelves, type ShopOptions } from './shelves.ts';
import { addCard, reprice, restock, restoreCard, touchCard, trashCard } from './shop-goods.ts';
import { addOrder, advanceOrder } from './shop-orders.ts';
import { answer, report, settleClaim, supply, talk } from './shop-talk.ts';

export interface Shop {
  /** A shop of this many cards and orders, with some of everything else. */
  grow(size: { readonly cards: number; readonly orders: number }): void;
  /** So many things happen. */
  change(times: number): void;
}

/** What may happen; orders most of all. */
const HAPPENINGS: readonly ((shop: Shelves) => void)[] = [
  addCard,
  touchCard,
  trashCard,
  restoreCard,
  addOrder,
  addOrder,
  advanceOrder,
  advanceOrder,
  restock,
  reprice,
  talk,
  answer,
  settleClaim,
  report,
  supply,
];

export function openShop(options: ShopOptions): Shop {
  const shop = new Shelves(options);
  return {
    grow({ cards, orders }) {
      shop.rows.warehouses.push({ id: 71, name: 'Own', officeId: 1, cargoType: 1, deliveryType: 1 });
      for (let n = 0; n < cards; n += 1) addCard(shop);
      for (let n = 0; n < orders; n += 1) addOrder(shop);
      for (let n = 0; n < Math.ceil(orders / 4); n += 1) for (const happen of [talk, report, supply]) happen(shop);
      shop.isMadeUp = true;
    },
    change(times) {
      for (let n = 0; n < times; n += 1) shop.random.pick(HAPPENINGS)(shop);
    },
  };
}
