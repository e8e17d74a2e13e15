// The streams about work against a simulated Upwork: each trap of the platform by its name, and what a second pass costs.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseContract } from '../../src/connectors/upwork/schemas/contracts.ts';
import { parseHours } from '../../src/connectors/upwork/schemas/hours.ts';
import { parseTransaction } from '../../src/connectors/upwork/schemas/transactions.ts';
import type { Plan } from '../../src/connectors/contract/stream.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { sharedFile } from '../simulators/shared-folder.ts';
import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import { money } from '../simulators/upwork/model.ts';
import { createUpworkSimulator, type UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { officialSchema } from '../simulators/upwork/validate.ts';
import { contextOf, readAll, streamNamed, type Pass } from '../support/upwork.ts';

const SDL = sharedFile('specs/upwork/upwork.graphql');
const NOW = new Date('2026-10-02T12:00:00Z');

let sim: UpworkSimulator;
let ada: AddedAccount;
let accountId = '';

beforeEach(async () => {
  sim = createUpworkSimulator({
    now: () => NOW,
    official: SDL === undefined ? undefined : officialSchema(SDL),
  });
  ada = sim.addAccount();
  accountId = ada.account.id;
  await sim.start();
});

afterEach(async () => {
  await sim.stop();
  expect(sim.violations, 'queries and answers fit the official schema').toEqual([]);
});

const read = (name: string, cursor: unknown = null, until = NOW): Promise<Pass> =>
  readAll(name, contextOf(sim, ada), cursor, until);

/** Requests that a pass took. */
async function costOf(pass: () => Promise<unknown>): Promise<number> {
  const before = sim.journal.total;
  await pass();
  return sim.journal.total - before;
}

describe('contracts', () => {
  test('all of them, whatever their state, with the rate of the term that began last', async () => {
    const { contracts } = sim.state.work;
    for (let n = 0; n < 60; n += 1) contracts.add({ accountId });
    const start = new Date('2026-01-01T00:00:00Z');
    const raise = new Date('2026-05-01T00:00:00Z');
    const hourlyTerms = [
      { id: '2', hourlyRate: money(55.5), startDate: raise, endDate: null },
      { id: '1', hourlyRate: money(40), startDate: start, endDate: raise },
    ];
    const { id } = contracts.add({ accountId, status: 'CLOSED', closingReason: 'Done', hourlyTerms });
    const pass = await read('contracts');
    expect([...pass.records.keys()].sort()).toEqual([...contracts.all.keys()].sort());
    expect(parseContract(pass.records.get(id))).toMatchObject({
      hourlyRate: '55.5',
      hourlyRateCurrency: 'USD',
      contractType: 'hourly',
      status: 'closed',
      closingReason: 'Done',
      weeklyLimitHours: '40',
    });
    expect(pass.cursor).toEqual({ readAt: NOW.toISOString() });
  });

  test('that no work history names are found by their rooms and hours', async () => {
    const { contracts, rooms, time } = sim.state.work;
    sim.traps.vendorContracts = 'empty';
    sim.traps.workHistory = 'empty';
    const [talked, worked] = [contracts.add({ accountId }).id, contracts.add({ accountId }).id];
    rooms.add({ accountId, contractId: talked, listing: 'hidden' });
    time.add({ accountId, contractId: worked, day: '2026-03-01' });
    expect([...(await read('contracts')).records.keys()]).toEqual([talked, worked]);
  });

  test.each(['empty', 'refused'] as const)('come through the work history when the search is %s', async (mood) => {
    for (let n = 0; n < 60; n += 1) sim.state.work.contracts.add({ accountId, fixedAmount: money(100 + n) });
    sim.traps.vendorContracts = mood;
    const pass = await read('contracts');
    expect([...pass.records.keys()].sort()).toEqual([...sim.state.work.contracts.all.keys()].sort());
    expect(parseContract([...pass.records.values()][0])).toMatchObject({ contractType: 'fixed', fixedAmount: '100' });
  });
});

describe('time entries', () => {
  test('hours are asked for by days without dashes, page by page, and keep what tells them apart', async () => {
    const contractId = sim.state.work.contracts.add({ accountId }).id;
    const termId = `${contractId}1`;
    for (let n = 0; n < 130; n += 1) {
      const day = new Date(NOW.getTime() - (n % 40) * DAY_MS).toISOString().slice(0, 10);
      sim.state.work.time.add({ accountId, contractId, termId, day, memo: n % 3 === 0 ? null : `m${n % 3}` });
    }
    const pass = await read('time_entries');
    expect(pass.records.size).toBe(130);
    const entry = parseHours([...pass.records.values()][0]);
    expect(entry).toMatchObject({ upworkContractId: contractId, hours: '2', amount: '80', currency: 'USD' });
  });

  test('the last fourteen days are read again and replaced day by day, empty ones included', async () => {
    const contractId = sim.state.work.contracts.add({ accountId }).id;
    const { id } = sim.state.work.time.add({ accountId, contractId, day: '2026-09-25', memo: 'first' });
    const first = await read('time_entries');
    sim.state.work.time.change(id, { memo: 'second' });
    const second = await read('time_entries', first.cursor);
    const closed = second.pages.flatMap(({ mode, records }) =>
      mode.kind === 'scope' && mode.close ? [[mode.key, records.length]] : [],
    );
    const days = Array.from({ length: 15 }, (_, n) =>
      new Date(NOW.getTime() - (14 - n) * DAY_MS).toISOString().slice(0, 10),
    );
    expect(closed).toEqual(days.map((day) => [day, day === '2026-09-25' ? 1 : 0]));
    expect(await costOf(() => read('time_entries', second.cursor))).toBe(2);
  });

  test('a pass that broke off goes on with the slice it was in', async () => {
    const contractId = sim.state.work.contracts.add({ accountId }).id;
    for (const day of ['2025-03-01', '2026-09-25']) sim.state.work.time.add({ accountId, contractId, day });
    const stream = streamNamed('time_entries');
    const plan: Plan<unknown> = { type: 'full', cursor: null, since: null, until: NOW };
    let cursor: unknown = null;
    for await (const page of stream.read(plan, contextOf(sim, ada))) {
      cursor = page.checkpoint ?? cursor;
      if (page.records.length > 0 && cursor !== null) break;
    }
    const rest = await read('time_entries', stream.cursor.schema.parse(cursor));
    expect([...rest.records.values()].map((raw) => parseHours(raw).workDate)).toEqual(['2025-03-01', '2026-09-25']);
  });
});

describe('transactions', () => {
  test('a range that times out is halved until it answers', async () => {
    sim.traps.transactionsPerAnswer = 3;
    for (let n = 0; n < 40; n += 1)
      sim.state.work.transactions.add({ accountId, createdAt: new Date(NOW.getTime() - n * DAY_MS) });
    const pass = await read('transactions');
    expect([...pass.records.keys()].sort()).toEqual([...sim.state.work.transactions.all.keys()].sort());
  });

  test('a single day that times out is an outage, not an empty day', async () => {
    sim.traps.transactionsPerAnswer = 0;
    sim.state.work.transactions.add({ accountId });
    await expect(read('transactions')).rejects.toMatchObject({ code: 'platform.unavailable' });
  });

  test('the last forty-five days are read again, at the price of a few requests', async () => {
    const old = sim.state.work.transactions.add({ accountId, createdAt: new Date('2026-08-19T10:00:00Z') });
    sim.state.work.transactions.add({ accountId, createdAt: new Date('2026-08-17T10:00:00Z') });
    const first = await read('transactions');
    sim.state.work.transactions.change(old.id, { status: 'Paid', paidAt: NOW });
    let second: Pass | undefined;
    expect(await costOf(async () => (second = await read('transactions', first.cursor)))).toBe(4);
    expect([...second!.records.keys()]).toEqual([old.id]);
    expect(parseTransaction(second!.records.get(old.id))).toMatchObject({ status: 'completed', paymentDate: NOW });
  });

  test('signs, kinds and currencies come as the platform says', async () => {
    const add = (subtype: string, amount: number, currency = 'USD'): string =>
      sim.state.work.transactions.add({ accountId, subtype, amount: money(amount, currency) }).id;
    const ids = [
      add('Service Fee', -8),
      add('VAT', -1.68, 'EUR'),
      add('Bonus', 50),
      add('Fixed Price', 900),
      add('Odd', 1),
    ];
    const pass = await read('transactions');
    const found = ids.map((id) => parseTransaction(pass.records.get(id)));
    expect(found.map(({ kind, amount, currency }) => [kind, amount, currency])).toEqual([
      ['fee', '-8', 'USD'],
      ['tax', '-1.68', 'EUR'],
      ['bonus', '50', 'USD'],
      ['earning', '900', 'USD'],
      ['other', '1', 'USD'],
    ]);
  });
});

describe('rooms', () => {
  test('hidden, favoured and typed rooms are found too', async () => {
    for (const listing of ['default', 'hidden', 'favorite', 'typed'] as const)
      for (const type of ['GROUP', 'ONE_ON_ONE', 'INTERVIEW'] as const)
        sim.state.work.rooms.add({ accountId, listing, type });
    for (let n = 0; n < 120; n += 1) sim.state.work.rooms.add({ accountId });
    const pass = await read('rooms');
    expect([...pass.records.keys()].sort()).toEqual([...sim.state.work.rooms.all.keys()].sort());
    const [first, ...rest] = pass.pages;
    expect([first!.records.length, rest.length], 'the heads of six lists in one page, the rest list by list').toEqual([
      109, 4,
    ]);
  });

  test('an increment brings the rooms in which something was written', async () => {
    const old = new Date('2026-09-01T00:00:00Z');
    const ids = [1, 2, 3].map(() => sim.state.work.rooms.add({ accountId, createdAt: old }).id);
    const first = await read('rooms');
    sim.state.work.stories.add({ accountId, roomId: ids[1]!, createdAt: NOW });
    let second: Pass | undefined;
    expect(await costOf(async () => (second = await read('rooms', first.cursor)))).toBe(1);
    expect([...second!.records.keys()]).toEqual([ids[1]]);
  });
});

test('offers are read page by page to the end', async () => {
  for (let n = 0; n < 101; n += 1) sim.state.work.offers.add({ accountId });
  const pass = await read('offers');
  expect(pass.records.size).toBe(101);
});
