// Tokens, catalogue, talk and refusals of a simulated Wildberries: each trap of the platform by its name.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ProductRecord, ReturnRecord } from '../../src/core/records.ts';
import { wildberries } from '../../src/connectors/wildberries/index.ts';
import { decodeToken } from '../../src/connectors/wildberries/token.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import { createRandom } from '../simulators/random.ts';
import { digits } from '../simulators/wildberries/resource.ts';
import { moscow } from '../simulators/wildberries/shelves.ts';
import { openShop } from '../simulators/wildberries/shop.ts';
import { createWildberriesSimulator, type WildberriesSimulator } from '../simulators/wildberries/simulator.ts';
import type { NewSeller, Row, Seller } from '../simulators/wildberries/state.ts';
import { makeToken } from '../simulators/wildberries/token.ts';
import { createShopRig, type ShopRig } from '../support/shop-rig.ts';

const DAY_MS = 86_400_000;
let nowMs = 0;
const now = (): Date => new Date(nowMs);
let sim: WildberriesSimulator;
let seller: Seller;
let rig: ShopRig;

/** A shop with a token of its own, or another token of a shop. */
function open(given: NewSeller = {}): ShopRig {
  const added = sim.addSeller(given);
  seller = added.seller;
  return createShopRig({ connector: wildberries, sim, credentials: added.credentials, now });
}

beforeEach(async () => {
  nowMs = Date.parse('2026-10-01T12:00:00Z');
  sim = createWildberriesSimulator({ now });
  await sim.start();
  rig = open();
});

afterEach(() => sim.stop());

describe('tokens', () => {
  test('say whose they are, when they end, and what they open; also bits above 31', () => {
    const expiresAt = new Date('2027-03-01T00:00:00Z');
    const token = makeToken({ sid: 's-1', kind: 'service', categories: ['content', 'returns'], expiresAt });
    expect(decodeToken(token)).toEqual({
      sellerId: 's-1',
      expiresAt,
      kind: 'service',
      categories: new Set(['content', 'returns']),
    });
    const [head = '', claims = '', tail = ''] = token.split('.');
    const parsed = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Row;
    const high = Buffer.from(JSON.stringify({ ...parsed, s: 2 ** 40 + 2 })).toString('base64url');
    expect(decodeToken(`${head}.${high}.${tail}`)?.categories).toEqual(new Set(['content']));
  });

  test.each(['', 'abc', 'a.b.c', 'a..c', `a.${Buffer.from('{"sid":""}').toString('base64url')}.c`])(
    '%j is none, and is refused without being quoted',
    (text) => {
      const parsed = wildberries.credential.safeParse({ api_key: text });
      expect(parsed.success).toBe(false);
      if (text.length > 3) expect(JSON.stringify(parsed.error)).not.toContain(text);
    },
  );

  test('a category that the token lacks parks its streams without a request', async () => {
    rig = open({ categories: ['content', 'prices'] });
    const before = sim.journal.total;
    for (const stream of ['orders', 'order_feed', 'fbs_orders', 'stocks', 'feedbacks', 'chats', 'claims', 'supplies'])
      expect(await rig.failure(stream)).toMatchObject({ code: 'platform.scope_missing', kind: 'scope' });
    expect(sim.journal.total).toBe(before);
    expect((await rig.read('cards')).pages).toHaveLength(3);
  });

  test('a base token may not ask everything, and asks the rest of much smaller buckets', async () => {
    rig = open({ kind: 'base' });
    expect(await rig.failure('stocks')).toMatchObject({ code: 'platform.scope_missing' });
    expect(await rig.failure('finance')).toMatchObject({ code: 'platform.scope_missing' });
    const governor = createMemoryGovernor({ clock: systemClock });
    const { credentials } = sim.addSeller({ sid: seller.sid, kind: 'base' });
    const limited = createShopRig({ connector: wildberries, sim, credentials, now, governor });
    await limited.read('orders');
    const refused = await limited.failure('orders');
    expect(refused).toMatchObject({ code: 'platform.rate_limited' });
    expect(refused.retryAfterMs).toBeGreaterThan(2.9 * 3_600_000);
  });

  test('two users with one shop share one budget', async () => {
    const governor = createMemoryGovernor({ clock: systemClock });
    const rigOf = (sid: string): ShopRig =>
      createShopRig({ connector: wildberries, sim, credentials: sim.addSeller({ sid }).credentials, now, governor });
    await rigOf('one').read('sales');
    expect(await rigOf('one').failure('sales')).toMatchObject({ code: 'platform.rate_limited' });
    await rigOf('other').read('sales');
  });

  test('the platform has the last word: 401, 402, 403, 461, and a path that is gone', async () => {
    const { credentials } = sim.addSeller({ sid: seller.sid, kind: 'service' });
    const service = createShopRig({ connector: wildberries, sim, credentials, now });
    sim.traps.unpaid = true;
    expect(await service.failure('orders')).toMatchObject({ code: 'platform.forbidden' });
    sim.traps.blocked = true;
    expect(await rig.failure('cards')).toMatchObject({ code: 'platform.rate_limited', retryAfterMs: 600_000 });
    expect(await rig.failure('orders')).toMatchObject({ code: 'platform.blocked', retryAfterMs: 600_000 });
    sim.traps.blocked = false;
    sim.traps.gone.add('/statistics-api/api/v1/supplier/orders');
    expect(await rig.failure('orders')).toMatchObject({ code: 'platform.method_gone', kind: 'gone' });
    sim.revoke(credentials.api_key);
    expect(await service.failure('cards')).toMatchObject({ code: 'platform.unauthorized' });
  });

  test('the connection is proved by one ping, and says who and until when', async () => {
    const account = await wildberries.test(rig.context);
    expect(account).toMatchObject({ externalAccountId: seller.sid });
    expect(account.credentialExpiresAt).toEqual(new Date(nowMs + 180 * DAY_MS));
    expect(sim.journal.entries.map(({ path }) => path)).toEqual(['/statistics-api/ping']);
  });

  test('the stream of the account tells when the token ends, and of a service token what it pays for', async () => {
    rig = open({ kind: 'service' });
    const { pages, records } = await rig.read('account');
    expect(pages[0]!.credentialExpiresAt).toEqual(new Date(nowMs + 180 * DAY_MS));
    expect(rig.parse('account', records.get(seller.sid))).toMatchObject({
      accountKey: seller.sid,
      rating: '4.8',
      subscription: 'standard',
    });
  });
});

describe('limits', () => {
  test('a client’s error costs ten on the marketplace, in the platform’s bucket and in ours', async () => {
    await sim.stop();
    sim = createWildberriesSimulator({ now, mono: () => 0 });
    await sim.start();
    sim.limit('marketplace', { perSecond: 5, burst: 20 });
    const clock = { ...systemClock, now };
    const governor = createMemoryGovernor({ clock });
    const { credentials } = sim.addSeller();
    const dear = createShopRig({ connector: wildberries, sim, credentials, now, governor });
    const rule = wildberries.limits.find(({ id }) => id === 'wildberries.marketplace')!;
    const key = decodeToken(credentials.api_key)!.sellerId;
    sim.traps.gone.add('/marketplace-api/api/v3/orders');
    for (let n = 0; n < 2; n += 1) await dear.failure('fbs_orders');
    expect(await governor.take([{ rule, key }], 'interactive')).toMatchObject({ granted: false, reason: 'rate' });
    // And at the platform: the third request of twenty is refused.
    const third = await fetch(`${sim.baseUrl}/marketplace-api/api/v3/warehouses`, {
      headers: { authorization: credentials.api_key },
    });
    expect([third.status, third.headers.get('x-ratelimit-limit')]).toEqual([429, '20']);
  });

  test('429 names its wait, which frees the slot', async () => {
    sim.limit('statistics_orders', { perSecond: 1 / 60, burst: 1 });
    await rig.read('orders');
    const refused = await rig.failure('orders');
    expect(refused).toMatchObject({ code: 'platform.rate_limited', kind: 'rate_limited' });
    expect(refused.retryAfterMs).toBeGreaterThan(50_000);
  });
});

describe('cards', () => {
  const card = (nmID: unknown, over: Row = {}): Row => ({
    nmID,
    vendorCode: 'a',
    photos: [],
    sizes: [],
    characteristics: [],
    updatedAt: now().toISOString(),
    createdAt: now().toISOString(),
    ...over,
  });

  test('all cards come, also those without a picture, a hundred at a time', async () => {
    for (let n = 0; n < 250; n += 1) seller.rows.cards.push(card(n + 1, { photos: n % 2 === 0 ? [{ big: 'x' }] : [] }));
    expect((await rig.read('cards')).records.size).toBe(250);
    expect(sim.journal.total).toBe(1 + 3);
  });

  test('cards of one instant over a page boundary come once, by both members of the place', async () => {
    for (let n = 0; n < 230; n += 1) seller.rows.cards.push(card(digits(`900719925474${1000 + n}`)));
    const { records } = await rig.read('cards');
    expect(records.size).toBe(230);
  });

  test('an increment begins at the last card, whatever the number of cards', async () => {
    for (let n = 0; n < 250; n += 1) seller.rows.cards.push(card(n + 1));
    await rig.mirror.pass('cards', rig.context);
    nowMs += 60_000;
    Object.assign(seller.rows.cards[3]!, { title: 'New', updatedAt: now().toISOString() });
    expect(await rig.cost('cards')).toBe(2);
    expect(rig.mirror.rows('cards').get('4')!.record).toMatchObject({ title: 'New' });
  });

  test('a card in the trash is seen as such, and lives again when it comes back', async () => {
    seller.rows.cards.push(card(1));
    await rig.mirror.pass('cards', rig.context);
    nowMs += 60_000;
    const [gone] = seller.rows.cards.splice(0, 1);
    seller.rows.trash.push({ ...gone, trashedAt: now().toISOString() });
    await rig.mirror.pass('cards', rig.context);
    expect(rig.mirror.rows('cards').get('1')!.record).toMatchObject({ status: 'trashed', trashedAt: now() });
    nowMs += 60_000;
    seller.rows.trash.splice(0, 1);
    seller.rows.cards.push({ ...gone, updatedAt: now().toISOString() });
    await rig.mirror.pass('cards', rig.context);
    expect(rig.mirror.rows('cards').get('1')!.record).toMatchObject({ status: 'active', trashedAt: null });
  });

  test('a characteristic is a text, a number or a list', () => {
    const characteristics = [
      { id: 1, name: 'a', value: 7 },
      { id: 2, name: 'b', value: ['x'] },
      { id: 3, name: 'c', value: 'y' },
    ];
    const { attributes } = rig.parse('cards', card(1, { characteristics })) as ProductRecord;
    expect(attributes.map(({ value }) => value)).toEqual([7, ['x'], 'y']);
  });

  test('an error inside HTTP 200 is no empty list', async () => {
    sim.traps.errorsInside = 1;
    expect(await rig.failure('cards')).toMatchObject({ code: 'platform.answer_invalid', kind: 'transient' });
    sim.traps.errorsInside = 1;
    expect(await rig.failure('claims')).toMatchObject({ code: 'platform.answer_invalid' });
  });

  test('a place that repeats is an error, not a loop', async () => {
    for (let n = 0; n < 150; n += 1) seller.rows.cards.push(card(n + 1));
    sim.traps.cardsCursorRepeats = true;
    expect(await rig.failure('cards')).toMatchObject({ code: 'platform.answer_invalid' });
  });
});

describe('snapshots', () => {
  test('a stock that is no longer listed is gone, and the seller’s own are asked by size', async () => {
    openShop({ seller, random: createRandom(3), now }).grow({ cards: 4, orders: 0 });
    for (const stream of ['stocks', 'seller_stocks', 'prices']) await rig.mirror.pass(stream, rig.context);
    expect(rig.mirror.stored('stocks').size).toBe(8);
    expect(rig.mirror.stored('seller_stocks').size).toBe(4);
    nowMs += 60_000;
    seller.rows.wbStocks.splice(0, 3);
    seller.rows.goods.splice(0, 1);
    for (const stream of ['stocks', 'seller_stocks', 'prices']) await rig.mirror.pass(stream, rig.context);
    expect(rig.mirror.stored('stocks').size).toBe(5);
    expect(rig.mirror.stored('seller_stocks').size).toBe(3);
    expect(rig.mirror.stored('prices').size).toBe(3);
  });

  test('a good without sizes is quarantined, the others are stored', async () => {
    openShop({ seller, random: createRandom(3), now }).grow({ cards: 2, orders: 0 });
    seller.rows.goods[0]!['sizes'] = [];
    const { quarantined } = await rig.mirror.pass('prices', rig.context);
    expect(quarantined).toHaveLength(1);
    expect(rig.mirror.stored('prices').size).toBe(1);
  });
});

describe('what buyers say', () => {
  const feedback = (id: string, createdMs: number, over: Row = {}): Row => ({
    id,
    createdDate: new Date(createdMs).toISOString(),
    text: 'x',
    productValuation: 5,
    answer: null,
    ...over,
  });

  test('rows that come while the list is read shift nothing, and a second with more rows than a page is read whole', async () => {
    for (let n = 0; n < 2_500; n += 1)
      seller.rows.feedbacks.push(feedback(`f${n}`, nowMs - DAY_MS + (n < 1_500 ? 0 : n)));
    let asked = 0;
    const { pages } = await rig.read('feedbacks');
    for (const { records } of pages) asked += records.length > 0 ? 1 : 0;
    const ids = new Set(pages.flatMap(({ records }) => records.map((raw) => (raw as Row)['id'])));
    expect(ids.size).toBe(2_500);
    expect(asked).toBeLessThanOrEqual(4);
  });

  test('an answer moves a row from one list to the other, weeks after it was written', async () => {
    const row = feedback('f1', nowMs - 30 * DAY_MS);
    seller.rows.feedbacks.push(row);
    await rig.mirror.pass('feedbacks', rig.context);
    nowMs += DAY_MS;
    row['answer'] = { text: 'Thanks', state: 'wbRu' };
    await rig.mirror.pass('feedbacks', rig.context);
    expect(rig.mirror.rows('feedbacks').get('f1')!.record).toMatchObject({
      status: 'answered',
      answer: { text: 'Thanks' },
    });
  });

  test('the archive is read with a full pass, and its rows are archived', async () => {
    seller.rows.archive.push(feedback('old', nowMs - 300 * DAY_MS, { answer: { text: 'y', state: 'wbRu' } }));
    await rig.mirror.pass('feedbacks', rig.context);
    expect(rig.mirror.rows('feedbacks').get('old')!.record).toMatchObject({ status: 'archived' });
    expect(await rig.cost('feedbacks')).toBe(2);
  });

  test('events go on until there are none, and what must sign an answer is not kept', async () => {
    const shop = openShop({ seller, random: createRandom(5), now });
    shop.grow({ cards: 1, orders: 40 });
    const { records, cursor } = await rig.read('chat_messages');
    expect(records.size).toBe(seller.rows.events.length);
    expect(JSON.stringify([...records.values(), ...(await rig.read('chats')).records.values()])).not.toContain(
      'replySign',
    );
    expect(cursor).toEqual({ next: seller.rows.events.at(-1)!['addTimestamp'] });
    await rig.mirror.pass('chat_messages', rig.context);
    expect(await rig.cost('chat_messages')).toBe(1);
  });

  test('claims are in Moscow time without an offset, and only the last fourteen days are shown', async () => {
    const claim = (id: string, at: Date, isArchived = false): Row => ({
      id,
      status: 0,
      dt: moscow(at),
      dt_update: moscow(at),
      order_dt: moscow(at),
      price: 157,
      currency_code: '643',
      isArchived,
    });
    seller.rows.claims.push(
      claim('a', new Date(nowMs - DAY_MS)),
      claim('b', new Date(nowMs - 20 * DAY_MS)),
      claim('c', now(), true),
    );
    const { records } = await rig.read('claims');
    expect([...records.keys()]).toEqual(['claim:a', 'claim:c']);
    expect(rig.parse('claims', records.get('claim:a')) as ReturnRecord).toMatchObject({
      openedAt: new Date(nowMs - DAY_MS),
      amount: '157',
      currency: 'RUB',
    });
  });

  test('a supply keeps the number of its order when it gets one of its own, and no telephone', async () => {
    const supply: Row = {
      supplyID: null,
      preorderID: 7,
      createDate: moscow(now()),
      updatedDate: moscow(now()),
      statusID: 1,
      phone: '+7 900',
    };
    seller.rows.supplies.push(supply);
    await rig.mirror.pass('supplies', rig.context);
    nowMs += DAY_MS;
    Object.assign(supply, { supplyID: 99, statusID: 5, updatedDate: moscow(now()) });
    await rig.mirror.pass('supplies', rig.context);
    expect([...rig.mirror.stored('supplies').keys()]).toEqual(['preorder:7']);
    expect(rig.mirror.rows('supplies').get('preorder:7')!.record).toMatchObject({ status: 'accepted' });
    expect(JSON.stringify([...(await rig.read('supplies')).records])).not.toContain('+7 900');
  });

  test('days of the funnel change for two weeks and are read again, idle cards are left out', async () => {
    const funnel = (day: string, nmId: number, openCount: number): Row => ({
      day,
      product: { nmId, vendorCode: 'a' },
      statistic: { selected: { openCount, cartCount: 0, orderCount: 0, orderSum: 0, buyoutCount: 0, buyoutSum: 0 } },
    });
    const row = funnel('2026-09-25', 1, 3);
    seller.rows.funnel.push(row, funnel('2026-09-25', 2, 0));
    await rig.mirror.pass('analytics', rig.context);
    expect([...rig.mirror.stored('analytics').keys()]).toEqual(['1:2026-09-25']);
    nowMs += DAY_MS;
    Object.assign(row, funnel('2026-09-25', 1, 9));
    expect(await rig.cost('analytics')).toBe(15);
    expect(rig.mirror.rows('analytics').get('1:2026-09-25')!.record).toMatchObject({ views: 9 });
  });
});
