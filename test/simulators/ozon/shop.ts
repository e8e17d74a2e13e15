// A shop with everything that a seller has, made up at random: it grows and changes as a real one does. The same seed gives the same
// shop.

import type { Random } from '../random.ts';
import { accruals, type Accruals } from './accruals.ts';
import { catalogue } from './catalogue.ts';
import { figures, type Figures } from './figures.ts';
import type { Goods } from './goods.ts';
import { postings } from './postings.ts';
import type { Postings } from './posting-model.ts';
import type { OzonSimulator } from './simulator.ts';
import { talk, type Talk } from './talk.ts';

interface Shelves {
  readonly random: Random;
  readonly now: () => Date;
  readonly goods: Goods;
  readonly postings: Postings;
  readonly accruals: Accruals;
  readonly talk: Talk;
  readonly figures: Figures;
  /** Past 2^53, so that an id that went through a double would be another one. */
  readonly id: () => string;
}

const moscowDay = (at: Date): string => new Date(at.getTime() + 3 * 3_600_000).toISOString().slice(0, 10);
const pick = <T>(shop: Shelves, items: readonly T[]): T | undefined =>
  items.length === 0 ? undefined : shop.random.pick(items);

function addGood({ goods, random }: Shelves): void {
  const good = goods.add({ isArchived: random.chance(0.2), price: `${random.int(100, 9_000)}.5` });
  good.fbo.set('31', random.int(0, 40));
  good.fbs.set('22', { present: random.int(0, 40), reserved: 0 });
}

function changeGood(shop: Shelves): void {
  const { goods, random } = shop;
  const good = pick(shop, [...goods.all.values()]);
  if (good === undefined) return;
  goods.change(good.productId, {
    name: `Thing ${random.int(1, 99)}`,
    isArchived: random.chance(0.3),
    price: `${random.int(1, 900)}`,
  });
  good.fbo.set('31', random.int(0, 40));
  good.fbs.set('22', { present: random.int(1, 40), reserved: 1 });
}

function removeGood(shop: Shelves): void {
  const good = pick(shop, [...shop.goods.all.values()]);
  if (good !== undefined && shop.goods.all.size > 2) shop.goods.all.delete(good.productId);
}

function order({ postings: all, random }: Shelves): void {
  const scheme = random.pick(['fbs', 'rfbs', 'fbo'] as const);
  all.add({ scheme, lines: random.chance(0.3) ? [{}, { quantity: 2 }] : [{}] });
}

function advance(shop: Shelves): void {
  const open = [...shop.postings.all.values()].filter(({ status }) => !['delivered', 'cancelled'].includes(status));
  const posting = pick(shop, open);
  if (posting === undefined) return;
  shop.postings.change(posting.number, shop.random.pick(['awaiting_deliver', 'delivering', 'delivered', 'cancelled']));
}

function account({ accruals: all, figures: days, random, now }: Shelves): void {
  const day = moscowDay(now());
  if (random.chance(0.5)) all.addSale(day, `${random.int(1, 99)}-0001-1`, '990', random.pick(['731.44', '-145.94']));
  else all.addOtherFee(day, `-${random.int(1, 99)}.05`, random.pick([1, 74, 999]));
  days.set(`9107199254740${random.int(100, 105)}`, day, {
    revenue: random.int(0, 9_999) / 100,
    ordered_units: random.int(0, 9),
    hits_view: random.int(0, 99),
  });
}

/** A day of the last week is revised. */
function revise(shop: Shelves): void {
  const day = pick(shop, [...shop.accruals.byDay.keys()]);
  const lines = shop.accruals.byDay.get(day ?? '');
  if (day !== undefined && lines !== undefined && lines.length > 0)
    shop.accruals.byDay.set(day, [...lines.slice(1), { ...lines[0]!, total: `${shop.random.int(1, 999)}.5` }]);
}

function sendBack({ talk: { returns }, random, now, id }: Shelves): void {
  const known = returns.length === 0 ? undefined : random.pick(returns);
  if (known !== undefined && random.chance(0.5)) {
    Object.assign(known, {
      changedAt: now(),
      status: { id: 2, display_name: 'Received', sys_name: 'ReceivedBySeller' },
    });
    return;
  }
  returns.push({
    id: id(),
    changedAt: now(),
    status: { id: 1, display_name: 'On its way', sys_name: 'MovingToSeller' },
    type: 'ClientReturn',
    schema: 'Fbs',
    return_reason_name: 'Broken',
    posting_number: `${random.int(1, 99)}-0001-1`,
    product: {
      sku: 5,
      offer_id: 'offer-1',
      name: 'Thing',
      quantity: 1,
      price: { currency_code: 'RUB', price: 1200.5 },
    },
    logistic: { return_date: now().toISOString(), final_moment: null },
  });
}

function speak({ talk: { chats, messages, reviews, questions }, random, now, id }: Shelves): void {
  let chat = chats.length > 0 && random.chance(0.6) ? random.pick(chats) : undefined;
  if (chat === undefined) {
    chat = { id: `chat-${id()}`, type: random.pick(['BUYER_SELLER', 'SELLER_SUPPORT']), createdAt: now() };
    chats.push(chat);
  }
  for (let n = 0; n < random.int(1, 6); n += 1)
    messages.push({
      id: id(),
      chatId: chat.id,
      sender: random.pick(['Customer', 'Seller', 'Support']),
      createdAt: now(),
      data: ['Hello'],
      is_image: false,
      is_read: false,
    });
  const about = { sku: 5, published_at: now().toISOString(), text: 'Fine' };
  reviews.push({ ...about, id: `r-${id()}`, rating: 5, status: 'NEW', order_status: 'DELIVERED', comments_amount: 0 });
  questions.push({ ...about, id: `q-${id()}`, author_name: 'A.', status: 'NEW', answers_count: 0 });
}

function answer(shop: Shelves): void {
  const { reviews, questions } = shop.talk;
  Object.assign(pick(shop, reviews) ?? {}, { status: 'PROCESSED', comments_amount: 1 });
  Object.assign(pick(shop, questions) ?? {}, { status: 'PROCESSED', answers_count: 1 });
}

export interface Shop {
  /** A shop of this many goods and postings, with some of everything else. */
  grow(size: { readonly goods: number; readonly postings: number }): void;
  /** So many things happen. */
  change(times: number): void;
}

const HAPPENINGS: readonly ((shop: Shelves) => void)[] = [
  addGood,
  changeGood,
  removeGood,
  order,
  order,
  advance,
  advance,
  account,
  revise,
  sendBack,
  speak,
  answer,
];

export interface ShopOptions {
  readonly sim: Pick<OzonSimulator, 'state'>;
  readonly clientId: string;
  readonly random: Random;
  readonly now: () => Date;
}

export function openShop({ sim, clientId, random, now }: ShopOptions): Shop {
  let lastId = 9_507_199_254_740_993n;
  const shop: Shelves = {
    random,
    now,
    goods: sim.state(catalogue, clientId),
    postings: sim.state(postings, clientId),
    accruals: sim.state(accruals, clientId),
    talk: sim.state(talk, clientId),
    figures: sim.state(figures, clientId),
    id: () => String((lastId += BigInt(random.int(1, 9)))),
  };
  return {
    grow({ goods, postings: count }) {
      for (let n = 0; n < goods; n += 1) addGood(shop);
      for (let n = 0; n < count; n += 1) order(shop);
      for (let n = 0; n < Math.ceil(count / 3); n += 1) for (const happen of [account, sendBack, speak]) happen(shop);
    },
    change(times) {
      for (let n = 0; n < times; n += 1) random.pick(HAPPENINGS)(shop);
    },
  };
}
