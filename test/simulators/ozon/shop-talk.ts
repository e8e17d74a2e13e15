// What buyers say to a made-up shop, what comes back, and what its accounts say.

import { plain } from './method.ts';
import type { Shelves } from './shelves.ts';
import type { Row } from './state.ts';

/** A line of today's accounts, or another amount in one of the last days: days are revised. */
export function addMoneyLine(shop: Shelves): void {
  const known = shop.pick(shop.rows.accruals);
  if (known !== undefined && shop.random.chance(0.3)) {
    known['total_amount'] = { amount: `-${shop.random.int(1, 9_999)}.5`, currency: 'RUB' };
    return;
  }
  const id = shop.random.chance(0.2) && known !== undefined ? known['accrual_id'] : shop.id();
  const amount = { amount: shop.random.pick(['-13.55', '3592', '2576.1', '-145.94']), currency: 'RUB' };
  shop.rows.accruals.push({
    accrual_id: id,
    date: shop.today(),
    unit_number: `${plain(shop.id())}-0001-1`,
    accrued_category: shop.random.pick(['POSTING', 'ITEM', 'NON_ITEM']),
    total_amount: amount,
    posting: null,
    item_fees: null,
    non_item_fee: { type_id: shop.random.pick([1, 74, 999]), accrued: amount },
    container_fees: null,
  });
  const day = { sku: plain(shop.random.int(1, 5)), day: shop.today() };
  const figures = {
    revenue: shop.random.int(0, 9_999) / 100,
    ordered_units: shop.random.int(0, 9),
    hits_view: shop.random.int(0, 99),
  };
  const same = shop.rows.days.find((row) => row['sku'] === day.sku && row['day'] === day.day);
  if (same === undefined) shop.rows.days.push({ ...day, figures });
  else same['figures'] = figures;
}

export function addReturn(shop: Shelves): void {
  shop.rows.returns.push({
    id: shop.id(),
    type: 'ClientReturn',
    schema: 'Fbs',
    return_reason_name: 'Брак',
    posting_number: `${plain(shop.id())}-0001-1`,
    order_number: '1-0001',
    place: { id: 1, name: 'ПВЗ' },
    product: {
      sku: shop.id(),
      offer_id: 'art',
      name: 'Кружка',
      quantity: 1,
      price: { currency_code: 'RUB', price: 1200.5 },
    },
    logistic: { return_date: shop.recently(2).toISOString(), final_moment: null },
    visual: {
      status: { id: 1, display_name: 'В пути', sys_name: 'MovingToSeller' },
      change_moment: shop.now().toISOString(),
    },
  });
}

export function changeReturn(shop: Shelves): void {
  const row = shop.pick(shop.rows.returns);
  if (row === undefined) return;
  const status = { id: 2, display_name: 'Получен', sys_name: 'ReceivedBySeller' };
  row['visual'] = { status, change_moment: shop.now().toISOString() };
}

export function speak(shop: Shelves): void {
  const { chats, messages, reviews, questions } = shop.rows;
  let chat = shop.random.chance(0.6) ? shop.pick(chats) : undefined;
  const created = shop.now().toISOString();
  if (chat === undefined) {
    chat = {
      chat: { chat_id: `c-${plain(shop.id())}`, chat_status: 'OPENED', chat_type: 'BUYER_SELLER', created_at: created },
      unread_count: 0,
      last_message_id: 0,
    };
    chats.push(chat);
  }
  for (let n = 0; n < shop.random.int(1, 6); n += 1) {
    const message_id = shop.id();
    const user = { id: '88', type: shop.random.pick(['Customer', 'Seller', 'Support']) };
    messages.push({
      chatId: (chat['chat'] as Row)['chat_id'],
      message_id,
      created_at: created,
      user,
      data: ['Здравствуйте'],
      is_image: false,
      is_read: false,
    });
    chat['last_message_id'] = message_id;
  }
  const about = { sku: shop.id(), published_at: shop.recently(5).toISOString(), text: 'Хорошо' };
  reviews.push({
    ...about,
    id: `r-${plain(shop.id())}`,
    rating: 5,
    status: 'NEW',
    order_status: 'DELIVERED',
    comments_amount: 0,
  });
  questions.push({ ...about, id: `q-${plain(shop.id())}`, author_name: 'А.', status: 'NEW', answers_count: 0 });
}

export function answerSomebody(shop: Shelves): void {
  const review = shop.pick(shop.rows.reviews);
  if (review !== undefined) Object.assign(review, { status: 'PROCESSED', comments_amount: 1 });
  const question = shop.pick(shop.rows.questions);
  if (question !== undefined) Object.assign(question, { status: 'PROCESSED', answers_count: 1 });
}
