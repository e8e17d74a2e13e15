// Returns, chats, reviews, questions and figures of a simulated Ozon: each trap of the platform by its name.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ozon } from '../../src/connectors/ozon/index.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import { figures, type Figures } from '../simulators/ozon/figures.ts';
import type { NewSeller } from '../simulators/ozon/sellers.ts';
import { createOzonSimulator, type OzonSimulator } from '../simulators/ozon/simulator.ts';
import { talk, type Talk } from '../simulators/ozon/talk.ts';
import { createShopRig, type ShopRig } from '../support/shop-rig.ts';

const DAY_MS = 86_400_000;
let nowMs = 0;
const now = (): Date => new Date(nowMs);
let sim: OzonSimulator;
let said: Talk;
let days: Figures;
let rig: ShopRig;

function open(given: NewSeller = {}): ShopRig {
  const { seller, credentials } = sim.addSeller(given);
  said = sim.state(talk, seller.clientId);
  days = sim.state(figures, seller.clientId);
  return createShopRig({ connector: ozon, sim, credentials, now });
}

beforeEach(async () => {
  nowMs = Date.parse('2026-10-15T09:00:00Z');
  sim = createOzonSimulator({ now, limits: { perSecond: 1_000_000, perMinute: {} } });
  await sim.start();
  rig = open();
});

afterEach(() => sim.stop());

/** Past 2^53: neighbours that a double would make one. */
const big = (n: number): string => String(9_007_199_254_740_992n + BigInt(n));

const sendBack = (id: string, over: object = {}): void =>
  void said.returns.push({
    id,
    changedAt: now(),
    status: { id: 1, display_name: 'On its way', sys_name: 'MovingToSeller' },
    posting_number: '1-0001-1',
    product: { sku: 5, offer_id: 'o', quantity: 1, price: { currency_code: 'RUB', price: 1200.5 } },
    logistic: { return_date: now().toISOString() },
    ...over,
  });

describe('returns', () => {
  test('the next page begins after the last row, by ids that no double can hold', async () => {
    for (let n = 0; n < 1_100; n += 1) sendBack(big(n));
    const { records } = await rig.read('returns');
    expect(records.size).toBe(1_100);
    expect(sim.journal.total).toBe(3);
  });

  test('has_next with an empty page is the end', async () => {
    sim.traps.hasNextOnEmpty = true;
    sendBack(big(1));
    const { records, problems } = await rig.read('returns');
    expect([records.size, problems]).toEqual([1, []]);
  });

  test('a page that comes again and again ends with a doubt, and the mark stays', async () => {
    for (let n = 0; n < 600; n += 1) sendBack(big(n));
    sim.traps.cursorRepeats = true;
    const { problems, cursor } = await rig.read('returns');
    expect(problems).toHaveLength(1);
    expect(cursor).toBeNull();
  });

  test('an increment is what changed, with its amount and its state', async () => {
    for (let n = 0; n < 700; n += 1) sendBack(big(n));
    nowMs += DAY_MS;
    await rig.mirror.pass('returns', rig.context);
    nowMs += DAY_MS;
    Object.assign(said.returns[3]!, { changedAt: now(), status: { sys_name: 'ReceivedBySeller' } });
    expect(await rig.cost('returns')).toBe(1);
    expect(rig.mirror.rows('returns').get(big(3))!.record).toMatchObject({
      status: 'received',
      platformStatus: 'ReceivedBySeller',
      amount: '1200.5',
      currency: 'RUB',
    });
  });

  test('objects that are promised may be null', async () => {
    sendBack(big(1), { product: null, logistic: null, status: null });
    const { quarantined } = await rig.mirror.pass('returns', rig.context);
    expect(quarantined).toEqual([]);
    expect(rig.mirror.rows('returns').get(big(1))!.record).toMatchObject({
      amount: null,
      status: null,
      openedAt: null,
    });
  });
});

describe('chats', () => {
  const speak = (chatId: string, id: string, sender = 'Customer'): void =>
    void said.messages.push({ id, chatId, sender, createdAt: now(), data: ['Hello'], is_image: false, is_read: false });

  beforeEach(() => {
    for (const id of ['a', 'b']) said.chats.push({ id, type: 'BUYER_SELLER', createdAt: now() });
    for (let n = 0; n < 9; n += 1) speak('a', big(n));
    speak('b', big(100), 'Seller');
  });

  test('a talk is read back to its beginning, by ids that no double can hold', async () => {
    await rig.mirror.pass('chat_messages', rig.context);
    expect(rig.mirror.stored('chat_messages').size).toBe(10);
    expect(rig.mirror.rows('chat_messages').get(`b ${big(100)}`)!.record).toMatchObject({
      direction: 'outbound',
      senderType: 'seller',
      platformMessageId: big(100),
    });
  });

  test('afterwards only talks with a new last message are asked, from the last one that is stored', async () => {
    await rig.mirror.pass('chat_messages', rig.context);
    expect(await rig.cost('chat_messages')).toBe(1);
    speak('b', big(101));
    expect(await rig.cost('chat_messages')).toBe(2);
    expect(rig.mirror.stored('chat_messages').size).toBe(11);
  });

  test('more chats than are remembered cost nothing while nobody speaks in them', async () => {
    for (let n = 0; n < 700; n += 1) {
      said.chats.push({ id: `c${n}`, type: 'BUYER_SELLER', createdAt: now() });
      speak(`c${n}`, big(1_000 + n));
    }
    await rig.mirror.pass('chat_messages', rig.context, { maxPages: 1 });
    await rig.mirror.pass('chat_messages', rig.context);
    expect(rig.mirror.stored('chat_messages').size).toBe(710);
    const list = 8;
    expect(await rig.cost('chat_messages')).toBe(list);
    for (const [chat, id] of [
      ['c3', 2_001],
      ['c699', 2_002],
      ['b', 2_003],
    ] as const)
      speak(chat, big(id));
    expect(await rig.cost('chat_messages')).toBe(list + 3);
    expect(rig.mirror.stored('chat_messages').size).toBe(713);
    expect(await rig.cost('chat_messages')).toBe(list);
  });

  test('a pass over chats that breaks off goes on behind what is stored', async () => {
    for (let n = 0; n < 600; n += 1) {
      said.chats.unshift({ id: `c${n}`, type: 'BUYER_SELLER', createdAt: now() });
      for (let m = 0; m < 2; m += 1) speak(`c${n}`, big(1_000 + 2 * n + m));
    }
    for (let pass = 0; pass < 2; pass += 1) await rig.mirror.pass('chat_messages', rig.context, { maxPages: 1 });
    const asked = sim.journal.total;
    await rig.mirror.pass('chat_messages', rig.context);
    expect(rig.mirror.stored('chat_messages').size).toBe(1_210);
    expect(sim.journal.total - asked).toBeLessThan(300);
  });

  test('a read mark, which moves no last message, is seen within a week', async () => {
    await rig.mirror.pass('chat_messages', rig.context);
    Object.assign(said.messages.at(-1)!, { is_read: true });
    nowMs += 8 * DAY_MS;
    await rig.mirror.pass('chat_messages', rig.context);
    expect(rig.mirror.rows('chat_messages').get(`b ${big(100)}`)!.record).toMatchObject({ status: 'read' });
  });

  test('a user who is null leaves the rest of a message', async () => {
    const record = rig.parse('chat_messages', {
      chatId: 'a',
      message_id: big(1),
      created_at: now().toISOString(),
      user: null,
      data: null,
    });
    expect(record).toMatchObject({ platformMessageId: big(1), direction: null, senderId: null, content: '' });
  });

  test('has_next for ever does not keep a talk going', async () => {
    sim.traps.hasNextOnEmpty = true;
    await rig.mirror.pass('chat_messages', rig.context);
    expect(rig.mirror.stored('chat_messages').size).toBe(10);
  });

  test('kinds of chats may come in small letters', async () => {
    said.chats[1]!.type = 'buyer_seller';
    said.chats.push({ id: 'c', type: 'SELLER_SUPPORT', createdAt: now() });
    await rig.mirror.pass('chats', rig.context);
    const kinds = [...rig.mirror.rows('chats').values()].map(({ record }) => (record as { kind: string }).kind);
    expect(kinds).toEqual(['direct', 'direct', 'channel']);
  });
});

describe('reviews and questions', () => {
  const review = (id: string, at: Date, status = 'NEW'): void =>
    void said.reviews.push({ id, sku: 5, published_at: at.toISOString(), text: 'x', rating: 5, status });

  test('403 by subscription parks the stream and no other', async () => {
    rig = open({ subscription: 'PREMIUM' });
    for (const stream of ['reviews', 'questions'])
      expect(await rig.failure(stream)).toMatchObject({
        code: 'platform.scope_missing',
        kind: 'scope',
        details: { reason: 'subscription' },
      });
    await rig.read('returns');
  });

  test('a switched-off method marks the stream gone, by code 9 and by 404', async () => {
    sim.traps.switchedOff = new Map([
      ['/v2/review/list', 'obsolete'],
      ['/v1/question/list', 'absent'],
    ]);
    for (const stream of ['reviews', 'questions'])
      expect(await rig.failure(stream)).toMatchObject({ code: 'platform.method_gone', kind: 'gone' });
  });

  test('an answer to a review of last month is seen', async () => {
    for (let n = 0; n < 250; n += 1) review(`old${n}`, new Date(nowMs - 200 * DAY_MS));
    review('r1', new Date(nowMs - 30 * DAY_MS));
    await rig.mirror.pass('reviews', rig.context);
    expect(rig.mirror.stored('reviews').size).toBe(251);
    said.reviews.at(-1)!['status'] = 'processed';
    expect(await rig.cost('reviews')).toBe(1);
    expect(rig.mirror.rows('reviews').get('r1')!.record).toMatchObject({ status: 'answered' });
  });
});

describe('figures', () => {
  test('come by position and are stored by name', async () => {
    days.set(big(1), '2026-10-14', { revenue: 100.5, ordered_units: 2, hits_view: 30, returns: 1 });
    await rig.mirror.pass('analytics', rig.context);
    expect(rig.mirror.rows('analytics').get(`${big(1)}:2026-10-14`)!.record).toMatchObject({
      ordersAmount: '100.5',
      orders: 2,
      views: 30,
      returns: 1,
    });
  });

  test('a shop without the larger subscription asks for two of them and three months', async () => {
    rig = open({ subscription: 'PREMIUM_LITE' });
    days.set('5', '2026-10-14', { revenue: 7, hits_view: 9 });
    await rig.mirror.pass('analytics', rig.context);
    expect(rig.mirror.rows('analytics').get('5:2026-10-14')!.record).toMatchObject({ ordersAmount: '7', views: null });
  });

  test('one request a minute: the second one frees its slot', async () => {
    const { credentials } = sim.addSeller();
    const governor = createMemoryGovernor({ clock: systemClock });
    const limited = createShopRig({ connector: ozon, sim, credentials, now, governor });
    await limited.read('analytics');
    const refused = await limited.failure('analytics');
    expect(refused).toMatchObject({ code: 'platform.rate_limited', kind: 'rate_limited' });
    expect(refused.retryAfterMs).toBeGreaterThan(50_000);
  });
});
