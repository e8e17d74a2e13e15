// What buyers say to a made-up shop, its reports and its supplies.

import { plain } from './resource.ts';
import { moscow, type Shelves } from './shelves.ts';

export function talk(shop: Shelves): void {
  const product = shop.pick(shop.rows.cards);
  const createdDate = shop.recently(5).toISOString();
  const productDetails = { nmId: product?.['nmID'] ?? 0, imtId: 1, supplierArticle: null, size: '0' };
  const about = { createdDate, state: 'none', productDetails, wasViewed: false, answer: null };
  shop.rows.feedbacks.push({
    ...about,
    id: `f${plain(shop.id())}`,
    text: 'Хорошо',
    pros: '',
    cons: '',
    productValuation: 5,
    userName: 'А.',
  });
  shop.rows.questions.push({ ...about, id: `q${plain(shop.id())}`, text: 'А размер?', isWarned: false });
  if (shop.random.chance(0.1)) {
    const archived = shop.rows.feedbacks.shift();
    // The archive is read with a full pass only: what goes there had its last word.
    if (archived !== undefined && shop.rows.events.length === 0) shop.rows.archive.push(archived);
    else if (archived !== undefined) shop.rows.feedbacks.push(archived);
  }
  const chatID = shop.random.chance(0.5) ? shop.pick(shop.rows.chats)?.['chatID'] : undefined;
  say(shop, chatID ?? `1:${plain(shop.id())}`);
  const dt = moscow(shop.recently(1));
  shop.rows.claims.push({
    id: `c${plain(shop.id())}`,
    claim_type: 1,
    status: 0,
    status_ex: 0,
    nm_id: product?.['nmID'] ?? 0,
    user_comment: 'Бракованный',
    dt,
    order_dt: dt,
    dt_update: moscow(shop.now()),
    price: 157.5,
    currency_code: '643',
    srid: `s${plain(shop.id())}`,
    isArchived: false,
  });
}

function say(shop: Shelves, chatID: unknown): void {
  const { chats, events } = shop.rows;
  const addTimestamp = Math.max(
    shop.now().getTime(),
    ((events.at(-1)?.['addTimestamp'] as number | undefined) ?? 0) + 1,
  );
  const replySign = `sign-${String(addTimestamp)}`;
  const known = chats.find((row) => row['chatID'] === chatID);
  const lastMessage = { text: 'Здравствуйте', addTimestamp };
  if (known === undefined) chats.push({ chatID, replySign, clientName: 'Анна', goodCard: null, lastMessage });
  else Object.assign(known, { lastMessage });
  events.push({
    chatID,
    eventID: `e${String(addTimestamp)}-${String(events.length)}`,
    eventType: 'message',
    isNewChat: known === undefined,
    message: { text: 'Здравствуйте', attachments: null },
    addTimestamp,
    addTime: new Date(addTimestamp).toISOString(),
    replySign,
    sender: shop.random.pick(['client', 'seller', 'wb']),
    clientName: 'Анна',
  });
}

export function answer(shop: Shelves): void {
  const review = shop.pick(shop.rows.feedbacks.filter((row) => row['answer'] === null));
  if (review !== undefined) review['answer'] = { text: 'Спасибо', state: 'wbRu', editable: true };
  const question = shop.pick(shop.rows.questions.filter((row) => row['answer'] === null));
  if (question !== undefined)
    question['answer'] = { text: 'Большой', editable: true, createDate: shop.now().toISOString() };
}

export function settleClaim(shop: Shelves): void {
  const claim = shop.pick(shop.rows.claims);
  if (claim !== undefined) Object.assign(claim, { status: 2, isArchived: true, dt_update: moscow(shop.now()) });
}

/** A report is published whole and never changes. */
export function report(shop: Shelves): void {
  const reportId = shop.id();
  const day = moscow(shop.now()).slice(0, 10);
  shop.rows.reports.push({ reportId, dateFrom: day, dateTo: day, createDate: day, currency: 'RUB', reportType: 1 });
  const order = shop.pick(shop.rows.orders);
  for (const docTypeName of ['Продажа', 'Возврат', ''])
    shop.rows.lines.push({
      reportId,
      rrdId: shop.id(),
      currency: 'RUB',
      rrDate: day,
      saleDt: shop.now().toISOString(),
      orderDt: shop.now().toISOString(),
      docTypeName,
      sellerOperName: docTypeName === '' ? 'Логистика' : docTypeName,
      quantity: 1,
      nmId: order?.['nmId'] ?? 0,
      vendorCode: order?.['supplierArticle'] ?? '',
      srid: order?.['srid'] ?? '',
      retailPrice: '120.5',
      retailAmount: '110',
      retailPriceWithDisc: '115',
      forPay: docTypeName === '' ? '0' : '98.37',
      deliveryService: docTypeName === '' ? '55.1' : '0',
      penalty: '0',
      paidStorage: '0',
      deduction: '0',
      paidAcceptance: '0',
      additionalPayment: '0',
      rebillLogisticCost: '0',
      ppvzSalesCommission: '12.3',
      acquiringFee: '1.7',
    });
}

export function supply(shop: Shelves): void {
  const known = shop.pick(shop.rows.supplies);
  const updatedDate = moscow(shop.now());
  if (known !== undefined && shop.random.chance(0.6)) {
    Object.assign(known, { statusID: 5, acceptedQuantity: 3, factDate: updatedDate, updatedDate });
    return;
  }
  shop.rows.supplies.push({
    supplyID: shop.random.chance(0.7) ? shop.id() : null,
    preorderID: shop.id(),
    createDate: updatedDate,
    supplyDate: null,
    factDate: null,
    updatedDate,
    statusID: 2,
    phone: '+7 900 000-00-00',
    warehouseID: 117_986,
    warehouseName: 'Казань',
    quantity: 3,
    acceptedQuantity: 0,
    goods: [{ barcode: '4600000000017', vendorCode: 'art', nmID: 5, techSize: '0', quantity: 3 }],
  });
}
