// Accruals of a simulated Ozon: whole days, revisions, pages that expire, and what a pass costs.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import type { FinanceEntryRecord } from '../../src/core/records.ts';
import { accruals, type Accruals } from '../simulators/ozon/accruals.ts';
import type { Pass } from '../support/connector-rig.ts';
import { OZON_NOW, startOzon, type OzonWorld } from '../support/ozon.ts';

const BY_DAY = '/v1/finance/accrual/by-day';
const TYPES = '/v1/finance/accrual/types';
const SINCE = { finance_since: '2026-09-01' };

let world: OzonWorld;
let state: Accruals;

beforeEach(async () => {
  world = await startOzon();
  state = world.sim.state(accruals, world.clientId);
});

afterEach(async () => {
  await world.stop();
});

const read = (cursor: unknown = null): Promise<Pass> => world.read('finance', { cursor }, SINCE);
const parsed = (pass: Pass): readonly FinanceEntryRecord[] =>
  world.parsed('finance', pass) as readonly FinanceEntryRecord[];
const later = (ms: number): void => void (world.now = new Date(world.now.getTime() + ms));
const pageOf = ({ pages }: Pass, day: string) => pages.find(({ mode }) => mode.kind === 'scope' && mode.key === day);

describe('what is kept of an accrual', () => {
  test('only the total counts: services and commission are parts of it', async () => {
    state.addSale('2026-10-01', '40000000-0001-1', '1200', '955.94');
    const [entry] = parsed(await read());
    expect(entry).toMatchObject({
      source: 'accrual',
      kind: 'sale',
      platformKind: 'POSTING',
      entryDate: '2026-10-01',
      amount: '955.94',
      currency: 'RUB',
      quantity: 1,
      orderKey: '40000000-0001-1',
    });
    const { salePrice, bonus, coinvestment, delivery, saleCommission, products, services } = entry!.breakdown;
    expect([salePrice, bonus, coinvestment, delivery, saleCommission]).toEqual(['1200', '10', '0', '-74.06', '-180']);
    expect(products).toMatchObject([{ commissionRatio: '0.150000', sku: '9307199254740993' }]);
    expect(services).toMatchObject([{ typeId: '29', type: 'MarketplaceServiceItemDelivery', amount: '-74.06' }]);
  });

  test('amounts are signed texts: what comes back is a return, fees are negative', async () => {
    state.addSale('2026-10-01', '40000000-0001-1', '-1200', '-1010.5');
    state.addItemFee('2026-10-01', '40000000-0001-1', '-13.55', 1);
    state.addOtherFee('2026-10-01', '-145.94', 74);
    expect(parsed(await read()).map(({ kind, amount, orderKey }) => [kind, amount, orderKey])).toEqual([
      ['return', '-1010.5', '40000000-0001-1'],
      ['service', '-13.55', '40000000-0001-1'],
      ['service', '-145.94', null],
    ]);
  });

  test('unknown types of accruals keep their number', async () => {
    state.addOtherFee('2026-10-01', '-1', 74);
    state.addOtherFee('2026-10-01', '-2', 999);
    const fees = parsed(await read()).map(({ breakdown }) => (breakdown['fees'] as readonly unknown[])[0]);
    expect(fees).toMatchObject([
      { typeId: '74', type: 'MarketplaceServiceItemPackaging' },
      { typeId: '999', type: null },
    ]);
  });

  test('null objects: categories that an accrual does not have', async () => {
    world.sim.traps.nullObjects = true;
    state.addItemFee('2026-10-01', '40000000-0001-1', '-13.55', 1);
    expect(parsed(await read())).toMatchObject([{ kind: 'service', amount: '-13.55' }]);
  });

  test('64-bit ids, and an id that names no single accrual: day and number make it one, in any order', async () => {
    const accrualId = '9007199254740993';
    const fee = (total: string) => ({
      category: 'NON_ITEM' as const,
      total,
      accrualId,
      parts: { non_item_fee: { type_id: 74, accrued: { amount: total, currency: 'RUB' } } },
    });
    state.add('2026-10-01', fee('-1'));
    state.add('2026-10-01', fee('-2'));
    state.add('2026-10-02', fee('-1'));
    const first = parsed(await read());
    expect(new Set(first.map(({ entryId }) => entryId))).toEqual(
      new Set(['2026-10-01:9007199254740993:0', '2026-10-01:9007199254740993:1', '2026-10-02:9007199254740993:0']),
    );
    state.byDay.get('2026-10-01')!.reverse();
    const byId = (entries: readonly FinanceEntryRecord[]) => new Map(entries.map((entry) => [entry.entryId, entry]));
    expect(byId(parsed(await read()))).toEqual(byId(first));
  });

  test('an accrual without a total is refused by itself, with its key', async () => {
    state.add('2026-10-01', { category: 'NON_ITEM', total: 'much', parts: {} });
    state.addOtherFee('2026-10-01', '-2', 74);
    const pass = await read();
    expect(() => parsed(pass)).toThrow(/total_amount/);
    expect([...pass.records.keys()].every((key) => key.startsWith('accrual 2026-10-01:'))).toBe(true);
  });
});

describe('days', () => {
  test('a whole day is one page that replaces what was stored of it', async () => {
    state.pageSize = 10;
    for (let n = 0; n < 45; n += 1) state.addOtherFee('2026-10-01', `-${n}`, 74);
    const page = pageOf(await read(), '2026-10-01');
    expect(page?.records).toHaveLength(45);
    expect(page?.mode).toMatchObject({ kind: 'scope', close: true });
  });

  test('a day of more than ten thousand is closed by its last page', async () => {
    for (let n = 0; n < 10_001; n += 1) state.addOtherFee('2026-10-01', '-1', 74);
    const { pages } = await read();
    const ofDay = pages.filter(({ mode }) => mode.kind === 'scope' && mode.key === '2026-10-01');
    expect(ofDay.map(({ records, mode }) => [records.length, 'close' in mode && mode.close])).toEqual([
      [10_000, false],
      [1, true],
    ]);
  });

  test('days are Moscow’s: half past nine in the evening of UTC is tomorrow', async () => {
    world.now = new Date('2026-10-15T21:30:00Z');
    state.addOtherFee('2026-10-16', '-1', 74);
    expect(parsed(await read())).toMatchObject([{ entryDate: '2026-10-16' }]);
  });

  test('revised days: one that lost and changed accruals a week later says so', async () => {
    const kept = state.addOtherFee('2026-10-10', '-1', 74);
    state.addOtherFee('2026-10-10', '-2', 74);
    const { cursor } = await read();
    later(HOUR_MS);
    state.byDay.set('2026-10-10', [{ ...kept, total: '-1.5' }]);
    const second = await read(cursor);
    expect(pageOf(second, '2026-10-10')).toMatchObject({ mode: { close: true } });
    expect(parsed(second).map(({ amount }) => amount)).toEqual(['-1.5']);
  });

  test('expiring last_id: the day is begun again and comes whole, once', async () => {
    state.pageSize = 10;
    for (let n = 0; n < 30; n += 1) state.addOtherFee('2026-10-15', `-${n}`, 74);
    const { cursor } = await read();
    let answers = 0;
    const expire = (): void => {
      world.sim.faults.add({
        match: { path: BY_DAY },
        fault: {
          kind: 'garbage-page',
          garble: (body) => {
            answers += 1;
            if ((body as { last_id: string }).last_id === '') expire();
            else later(16 * 60_000);
            return body;
          },
        },
      });
    };
    expire();
    const { records, pages } = await read(cursor);
    expect([records.size, answers > 0]).toEqual([30, true]);
    expect(pages.at(-1)?.records).toHaveLength(30);
  });

  test('a last_id that always expires ends the run, and nothing of the day is handed on', async () => {
    state.pageSize = 10;
    for (let n = 0; n < 30; n += 1) state.addOtherFee('2026-09-01', `-${n}`, 74);
    world.sim.traps.lastIdLivesMs = 0;
    await expect(read()).rejects.toMatchObject({ code: 'platform.request_invalid' });
    const cost = await world.costOf(() => read().catch(() => undefined));
    expect(cost).toEqual({ [TYPES]: 1, [BY_DAY]: 6 });
  });

  test('pages that never end: an empty one ends the day', async () => {
    world.sim.traps.hasNextOnEmpty = true;
    state.addOtherFee('2026-10-15', '-1', 74);
    const { records, problems } = await read();
    expect([records.size, problems]).toEqual([1, []]);
  });
});

describe('passes', () => {
  test('an increment reads the last week again, one a week the last five', async () => {
    const { cursor } = await read();
    later(HOUR_MS);
    expect(await world.costOf(() => read(cursor))).toEqual({ [TYPES]: 1, [BY_DAY]: 8 });
    later(7 * DAY_MS);
    const second = await read(cursor);
    expect(second.pages).toHaveLength(36);
    later(HOUR_MS);
    expect((await read(second.cursor)).pages).toHaveLength(8);
  });

  test('a full pass goes on with the day where it broke off', async () => {
    const { pages } = await read();
    const [first] = pages;
    const resumed = await world.read('finance', { cursor: first?.checkpoint, type: 'full', since: null }, SINCE);
    expect(resumed.pages).toHaveLength(pages.length - 1);
    expect(resumed.cursor).toMatchObject({ mark: OZON_NOW.toISOString(), next: null });
  });

  test('nothing is asked for before 2022-01-01', async () => {
    const plan = {
      type: 'backfill',
      since: new Date('2021-12-20T00:00:00Z'),
      until: new Date('2022-01-03T00:00:00Z'),
    } as const;
    expect((await world.read('finance', plan)).pages).toHaveLength(3);
  });

  test('method switched off, code 9: the stream is gone; types alone switched off leave numbers', async () => {
    state.addOtherFee('2026-10-15', '-1', 74);
    world.sim.traps.switchedOff = new Map([[TYPES, 'obsolete']]);
    const pass = await read();
    expect(pass.problems).toMatchObject([{ code: 'platform.method_gone' }]);
    expect(parsed(pass)[0]?.breakdown['fees']).toMatchObject([{ typeId: '74', type: null }]);
    world.sim.traps.switchedOff = new Map([[BY_DAY, 'absent']]);
    await expect(read()).rejects.toMatchObject({ code: 'platform.method_gone', kind: 'gone' });
  });
});
