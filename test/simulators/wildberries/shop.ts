// A shop with everything that a seller has, made up at random: it grows and changes as a real one does, and each change is seen
// by the methods that would show it. The same seed gives the same shop.

import type { Random } from '../random.ts';
import { digits, plain } from './resource.ts';
import type { Row, Seller } from './state.ts';

const DAY_MS = 86_400_000;
/** Past 2^53, so that an id that went through a double would be another one. */
const FIRST_ID = 9_007_199_254_740_993n;

/** Moscow time without its offset, as statistics write it. */
export function moscow(instant: Date): string {
  return new Date(instant.getTime() + 3 * 3_600_000).toISOString().slice(0, 19);
}

export interface ShopOptions {
  readonly seller: Seller;
  readonly random: Random;
  readonly now: () => Date;
}

export interface Shop {
  /** A shop of this many cards and orders, with some of everything else. */
  fill(size: { readonly cards: number; readonly orders: number }): void;
  /** So many things happen. */
  change(times: number): void;
}

class RandomShop implements Shop {
  readonly #rows: Seller['rows'];
  readonly #random: Random;
  readonly #now: () => Date;
  #lastId = FIRST_ID;

  constructor({ seller, random, now }: ShopOptions) {
    this.#rows = seller.rows;
    this.#random = random;
    this.#now = now;
  }

  fill({ cards, orders }: { readonly cards: number; readonly orders: number }): void {
    this.#rows.warehouses.push({ id: 71, name: 'Own', officeId: 1, cargoType: 1, deliveryType: 1 });
    for (let n = 0; n < cards; n += 1) this.#addCard();
    for (let n = 0; n < orders; n += 1) this.#addOrder();
    for (let n = 0; n < Math.ceil(orders / 4); n += 1) {
      this.#talk();
      this.#report();
      this.#supply();
    }
  }

  change(times: number): void {
    const happenings = [
      () => this.#addCard(),
      () => this.#touchCard(),
      () => this.#trashCard(),
      () => this.#restoreCard(),
      () => this.#addOrder(),
      () => this.#addOrder(),
      () => this.#advanceOrder(),
      () => this.#advanceOrder(),
      () => this.#restock(),
      () => this.#reprice(),
      () => this.#talk(),
      () => this.#answer(),
      () => this.#settleClaim(),
      () => this.#report(),
      () => this.#supply(),
    ];
    for (let n = 0; n < times; n += 1) this.#random.pick(happenings)();
  }

  #id(): unknown {
    this.#lastId += BigInt(this.#random.int(1, 9));
    return digits(this.#lastId.toString());
  }

  #pick(rows: readonly Row[]): Row | undefined {
    return rows.length === 0 ? undefined : this.#random.pick(rows);
  }

  /** An instant of the last days; `now` for what happens while somebody looks. */
  #recently(days: number): Date {
    return new Date(this.#now().getTime() - this.#random.int(0, days * DAY_MS));
  }

  #addCard(): void {
    const [nmID, chrtID] = [this.#id(), this.#id()];
    const stamp = this.#now().toISOString();
    const vendorCode = `art-${plain(nmID).slice(-5)}`;
    this.#rows.cards.push({
      nmID,
      imtID: this.#id(),
      nmUUID: `uuid-${plain(nmID)}`,
      subjectID: 12,
      subjectName: 'Mugs',
      vendorCode,
      brand: 'North',
      title: `Mug "${vendorCode}"`,
      description: 'Холодная, 300 мл',
      photos: this.#random.chance(0.5) ? [{ big: `https://img.test/${plain(nmID)}.webp` }] : [],
      characteristics: [
        { id: 1, name: 'Volume', value: 300 },
        { id: 2, name: 'Colours', value: ['blue', 'white'] },
        { id: 3, name: 'Country', value: 'Россия' },
      ],
      sizes: [{ chrtID, techSize: '0', wbSize: '', skus: [`46${plain(nmID).slice(-11)}`] }],
      createdAt: stamp,
      updatedAt: stamp,
    });
    const size = { sizeID: chrtID, price: this.#random.int(100, 5_000), discountedPrice: 99.5, techSizeName: '0' };
    this.#rows.goods.push({ nmID, vendorCode, sizes: [size], currencyIsoCode4217: 'RUB', discount: 10 });
    const stock = { inWayToClient: 1, inWayFromClient: 0, regionName: 'Центр' };
    for (const warehouseName of ['Тула', 'Казань'])
      this.#rows.wbStocks.push({
        nmId: nmID,
        chrtId: chrtID,
        warehouseId: -999_999,
        warehouseName,
        quantity: 7,
        ...stock,
      });
    this.#rows.sellerStocks.push({ warehouseId: 71, chrtId: chrtID, amount: this.#random.int(0, 40) });
  }

  #touchCard(): void {
    const card = this.#pick(this.#rows.cards);
    if (card !== undefined)
      Object.assign(card, { title: `Mug ${this.#random.int(1, 99)}`, updatedAt: this.#now().toISOString() });
  }

  #trashCard(): void {
    const card = this.#pick(this.#rows.cards);
    if (card === undefined || this.#rows.cards.length < 3) return;
    this.#rows.cards.splice(this.#rows.cards.indexOf(card), 1);
    this.#rows.trash.push({ ...card, trashedAt: this.#now().toISOString() });
    const { wbStocks, goods } = this.#rows;
    wbStocks.splice(0, wbStocks.length, ...wbStocks.filter((row) => plain(row['nmId']) !== plain(card['nmID'])));
    goods.splice(0, goods.length, ...goods.filter((row) => plain(row['nmID']) !== plain(card['nmID'])));
  }

  #restoreCard(): void {
    const card = this.#pick(this.#rows.trash);
    if (card === undefined) return;
    this.#rows.trash.splice(this.#rows.trash.indexOf(card), 1);
    const { trashedAt: _trashed, ...live } = card;
    this.#rows.cards.push({ ...live, updatedAt: this.#now().toISOString() });
  }

  #addOrder(): void {
    const card = this.#pick(this.#rows.cards);
    if (card === undefined) return;
    const placed = this.#recently(1);
    const srid = `s${plain(this.#id())}.r.0`;
    const isFbs = this.#random.chance(0.5);
    const price = this.#random.int(100, 90_000) / 100;
    const [size] = card['sizes'] as [{ chrtID: unknown; skus: string[] }];
    const about = { srid, nmId: card['nmID'], warehouseName: 'Тула' };
    const statistic = {
      ...about,
      date: moscow(placed),
      lastChangeDate: moscow(this.#now()),
      warehouseType: isFbs ? 'Склад продавца' : 'Склад WB',
      regionName: 'Московская',
      supplierArticle: card['vendorCode'],
      barcode: size.skus[0],
      category: 'Home',
      subject: 'Mugs',
      brand: 'North',
      techSize: '0',
      incomeID: 0,
      totalPrice: price,
      discountPercent: 10,
      spp: 12.5,
      finishedPrice: price,
      // Filled in later.
      priceWithDisc: this.#random.chance(0.3) ? 0 : price,
      gNumber: `g${srid}`,
    };
    this.#rows.orders.push({ ...statistic, isCancel: false, cancelDate: '0001-01-01T00:00:00' });
    this.#rows.feed.push({
      ...about,
      chrtId: size.chrtID,
      createdAt: placed.toISOString(),
      updatedAt: this.#now().toISOString(),
      status: 'created',
      warehouseRegion: 'Центр',
      isMp: isFbs,
      destinationCity: 'Москва',
      destinationDistrict: 'Центральный',
      sellerPrice: price,
      isB2b: false,
    });
    if (!isFbs) return;
    this.#rows.fbs.push({
      id: this.#id(),
      rid: srid,
      orderUid: `g${srid}`,
      createdAt: placed.toISOString(),
      nmId: card['nmID'],
      chrtId: size.chrtID,
      skus: size.skus,
      article: card['vendorCode'],
      price: Math.round(price * 100),
      convertedPrice: Math.round(price * 100),
      currencyCode: 643,
      convertedCurrencyCode: 643,
      warehouseId: 71,
      supplyId: '',
      cargoType: 1,
      address: { fullAddress: 'a street that nobody must keep', longitude: 1, latitude: 2 },
      supplierStatus: 'new',
      wbStatus: 'waiting',
    });
  }

  #advanceOrder(): void {
    const order = this.#pick(this.#rows.orders);
    if (order === undefined) return;
    const srid = order['srid'];
    const feed = this.#rows.feed.find((row) => row['srid'] === srid)!;
    const fbs = this.#rows.fbs.find((row) => row['rid'] === srid);
    const now = this.#now();
    const next = this.#random.pick(['filled', 'shipped', 'bought', 'cancelled', 'returned'] as const);
    if (next === 'filled') Object.assign(order, { priceWithDisc: order['totalPrice'], lastChangeDate: moscow(now) });
    if (next === 'shipped')
      Object.assign(fbs ?? {}, { supplierStatus: 'complete', wbStatus: 'sorted', supplyId: 'WB-GI-7' });
    if (next === 'cancelled') {
      Object.assign(order, { isCancel: true, cancelDate: moscow(now), lastChangeDate: moscow(now) });
      Object.assign(feed, { status: 'cancel', cancelType: 'app', updatedAt: now.toISOString() });
      Object.assign(fbs ?? {}, { supplierStatus: 'cancel', wbStatus: 'canceled_by_client' });
    }
    if (next === 'bought' || next === 'returned') this.#sell(order, feed, next);
    if (next === 'bought') Object.assign(fbs ?? {}, { supplierStatus: 'complete', wbStatus: 'sold' });
  }

  /** An order may be sold and come back: two rows of one `srid`. */
  #sell(order: Row, feed: Row, what: 'bought' | 'returned'): void {
    const now = this.#now();
    const sign = what === 'bought' ? 1 : -1;
    Object.assign(feed, { status: what === 'bought' ? 'buyout' : 'return', updatedAt: now.toISOString() });
    const { isCancel: _is, cancelDate: _date, ...about } = order;
    const price = (order['totalPrice'] as number) * sign;
    this.#rows.sales.push({
      ...about,
      date: moscow(now),
      lastChangeDate: moscow(now),
      saleID: `${what === 'bought' ? 'S' : 'R'}${plain(this.#id())}`,
      forPay: price,
      finishedPrice: price,
      priceWithDisc: price,
      paymentSaleAmount: 0,
    });
    if (what === 'returned')
      this.#rows.goodsReturns.push({
        shkId: this.#id(),
        srid: order['srid'],
        orderId: 0,
        nmId: order['nmId'],
        barcode: order['barcode'],
        orderDt: moscow(now).slice(0, 10),
        status: 'В пути',
        isStatusActive: 1,
        reason: '',
        returnType: 'Возврат',
        completedDt: null,
      });
    const day = moscow(now).slice(0, 10);
    const selected = {
      openCount: 5,
      cartCount: 2,
      orderCount: 1,
      orderSum: 100,
      buyoutCount: 1,
      buyoutSum: 90,
      cancelCount: 0,
    };
    const known = this.#rows.funnel.find((row) => row['day'] === day && sameProduct(row, order['nmId']));
    const statistic = { selected: { ...selected, openCount: this.#random.int(0, 50) } };
    if (known === undefined)
      this.#rows.funnel.push({
        day,
        product: { nmId: order['nmId'], vendorCode: order['supplierArticle'] },
        statistic,
      });
    else Object.assign(known, { statistic });
  }

  #restock(): void {
    const { wbStocks } = this.#rows;
    const stock = this.#pick(wbStocks);
    if (stock === undefined) return;
    // An empty place is not listed.
    if (this.#random.chance(0.2)) wbStocks.splice(wbStocks.indexOf(stock), 1);
    else stock['quantity'] = this.#random.int(0, 500);
    const own = this.#pick(this.#rows.sellerStocks);
    if (own !== undefined) own['amount'] = this.#random.int(0, 500);
  }

  #reprice(): void {
    const [size] = (this.#pick(this.#rows.goods)?.['sizes'] ?? []) as Row[];
    if (size !== undefined) size['price'] = this.#random.int(100, 5_000);
  }

  #talk(): void {
    const product = this.#pick(this.#rows.cards);
    const createdDate = this.#recently(5).toISOString();
    const productDetails = { nmId: product?.['nmID'] ?? 0, imtId: 1, supplierArticle: null, size: '0' };
    const about = { createdDate, state: 'none', productDetails, wasViewed: false, answer: null };
    this.#rows.feedbacks.push({
      ...about,
      id: `f${plain(this.#id())}`,
      text: 'Хорошо',
      pros: '',
      cons: '',
      productValuation: 5,
      userName: 'А.',
    });
    this.#rows.questions.push({ ...about, id: `q${plain(this.#id())}`, text: 'А размер?', isWarned: false });
    if (this.#random.chance(0.1)) {
      const archived = this.#rows.feedbacks.shift();
      // The archive is read with a full pass only: what goes there had its last word.
      if (archived !== undefined && this.#rows.events.length === 0) this.#rows.archive.push(archived);
      else if (archived !== undefined) this.#rows.feedbacks.push(archived);
    }
    const chatID = this.#random.chance(0.5) ? this.#pick(this.#rows.chats)?.['chatID'] : undefined;
    this.#say(chatID ?? `1:${plain(this.#id())}`);
    const dt = moscow(this.#recently(1));
    this.#rows.claims.push({
      id: `c${plain(this.#id())}`,
      claim_type: 1,
      status: 0,
      status_ex: 0,
      nm_id: product?.['nmID'] ?? 0,
      user_comment: 'Бракованный',
      dt,
      order_dt: dt,
      dt_update: moscow(this.#now()),
      price: 157.5,
      currency_code: '643',
      srid: `s${plain(this.#id())}`,
      isArchived: false,
    });
  }

  #say(chatID: unknown): void {
    const { chats, events } = this.#rows;
    const addTimestamp = Math.max(
      this.#now().getTime(),
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
      sender: this.#random.pick(['client', 'seller', 'wb']),
      clientName: 'Анна',
    });
  }

  #answer(): void {
    const review = this.#pick(this.#rows.feedbacks.filter((row) => row['answer'] === null));
    if (review !== undefined) review['answer'] = { text: 'Спасибо', state: 'wbRu', editable: true };
    const question = this.#pick(this.#rows.questions.filter((row) => row['answer'] === null));
    if (question !== undefined)
      question['answer'] = { text: 'Большой', editable: true, createDate: this.#now().toISOString() };
  }

  #settleClaim(): void {
    const claim = this.#pick(this.#rows.claims);
    if (claim !== undefined) Object.assign(claim, { status: 2, isArchived: true, dt_update: moscow(this.#now()) });
  }

  /** A report is published whole and never changes. */
  #report(): void {
    const reportId = this.#id();
    const day = moscow(this.#now()).slice(0, 10);
    this.#rows.reports.push({ reportId, dateFrom: day, dateTo: day, createDate: day, currency: 'RUB', reportType: 1 });
    const order = this.#pick(this.#rows.orders);
    for (const docTypeName of ['Продажа', 'Возврат', ''])
      this.#rows.lines.push({
        reportId,
        rrdId: this.#id(),
        currency: 'RUB',
        rrDate: day,
        saleDt: this.#now().toISOString(),
        orderDt: this.#now().toISOString(),
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

  #supply(): void {
    const known = this.#pick(this.#rows.supplies);
    const updatedDate = moscow(this.#now());
    if (known !== undefined && this.#random.chance(0.6)) {
      Object.assign(known, { statusID: 5, acceptedQuantity: 3, factDate: updatedDate, updatedDate });
      return;
    }
    this.#rows.supplies.push({
      supplyID: this.#random.chance(0.7) ? this.#id() : null,
      preorderID: this.#id(),
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
}

const sameProduct = (row: Row, nmId: unknown): boolean => plain((row['product'] as Row)['nmId']) === plain(nmId);

export function openShop(options: ShopOptions): Shop {
  return new RandomShop(options);
}
