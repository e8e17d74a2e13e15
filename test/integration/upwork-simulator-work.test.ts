// The simulated Upwork's contracts, time, money, rooms and offers, with what the fact sheet says against each of them:
// asked by plain fetch, as any client would.

import { afterEach, beforeEach, expect, test } from 'vitest';

import { sharedFile } from '../simulators/shared-folder.ts';
import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import { money } from '../simulators/upwork/model.ts';
import { ask } from '../simulators/upwork/plain-client.ts';
import { createUpworkSimulator } from '../simulators/upwork/simulator.ts';
import type { UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { officialSchema } from '../simulators/upwork/validate.ts';

type Json = Record<string, unknown>;
interface Connection {
  readonly totalCount: number;
  readonly edges: readonly { readonly node: Json | null }[];
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean };
}

const SPEC = sharedFile('specs/upwork/upwork.graphql');
const NOON = new Date('2026-10-02T12:00:00Z');

let wall = NOON;
let sim: UpworkSimulator;
let ada: AddedAccount;
let accountId = '';

beforeEach(async () => {
  wall = NOON;
  sim = createUpworkSimulator({ now: () => wall, official: SPEC === undefined ? undefined : officialSchema(SPEC) });
  await sim.start();
  ada = sim.addAccount();
  accountId = ada.account.id;
});
afterEach(async () => {
  await sim.stop();
  expect(sim.violations, 'queries and answers fit the official schema').toEqual([]);
});

async function data(query: string, variables: Json = {}): Promise<Json> {
  const result = await ask(sim, ada, { query, variables });
  expect(result.errors).toEqual([]);
  return result.data as Json;
}

async function messages(query: string, variables: Json = {}): Promise<readonly string[]> {
  return (await ask(sim, ada, { query, variables })).errors.map(({ message }) => message);
}

const idsOf = ({ edges }: Connection): unknown[] => edges.map(({ node }) => node?.['id']);

const CONTRACTS = `query ($vendor: ID!, $paging: ContractPagingInput) {
  vendorContracts(filter: { vendorId: $vendor, contractStatuses: [ACTIVE, PAUSED] }, paging: $paging) { contracts {
    id title status modifyDate startDate endDate offerId
    job { id } freelancer { id } clientOrganization { id name }
    hourlyLimits { weeklyLimit }
    terms { hourlyTerms { id hourlyRate { rawValue currency } } fixedPriceTerms { id fixedAmount { rawValue } } }
  } } }`;

test('contracts come by vendor and status, page by page, and a change moves their stamp', async () => {
  const { contracts } = sim.state.work;
  const added = [1, 2, 3].map((n) => contracts.add({ accountId, title: `Work ${n}` }));
  contracts.add({ accountId, status: 'CLOSED', closingReason: 'Done', fixedAmount: money(500) });
  contracts.change(added[0]!.id, { status: 'PAUSED' });
  const read = async (offset: number): Promise<Json[]> => {
    const variables = { vendor: accountId, paging: { limit: 2, offset } };
    return ((await data(CONTRACTS, variables))['vendorContracts'] as { contracts: Json[] }).contracts;
  };
  expect([...(await read(0)), ...(await read(2))].map(({ id }) => id)).toEqual(added.map(({ id }) => id));
  expect(contracts.all.get(added[0]!.id)!.modifiedAt.getTime()).toBe(NOON.getTime() + 1);
});

test('the search for contracts may be empty or refused while look-ups and the history still answer', async () => {
  const { id } = sim.state.work.contracts.add({ accountId, fixedAmount: money(500) });
  sim.traps.vendorContracts = 'empty';
  expect(await data(CONTRACTS, { vendor: accountId })).toEqual({ vendorContracts: { contracts: [] } });
  sim.traps.vendorContracts = 'refused';
  expect(await messages(CONTRACTS, { vendor: accountId })).toEqual(['Authorization failed']);
  const found = await data(
    `query ($ids: [ID!], $id: ID!, $person: ID!) {
      contractList(ids: $ids) { contracts { id } }
      contractDetails(id: $id) { id closingReason { reason } }
      talentWorkHistory(filter: { personId: $person, pagination: { offset: 0, limit: 10 } }) {
        totalCount workHistoryList { contract { id terms { jobType fixedAmount } } }
      }
    }`,
    { ids: [id, '1'], id, person: accountId },
  );
  expect(found).toEqual({
    contractList: { contracts: [{ id }] },
    contractDetails: { id, closingReason: null },
    talentWorkHistory: {
      totalCount: 1,
      workHistoryList: [{ contract: { id, terms: { jobType: 'FIXED', fixedAmount: '500.0' } } }],
    },
  });
});

const TIME = `query ($organization: ID!, $from: String, $to: String, $first: Int!, $after: String) {
  contractTimeReport(
    filter: { organizationId_eq: $organization, timeReportDate_bt: { rangeStart: $from, rangeEnd: $to } }
    pagination: { first: $first, after: $after }
  ) {
    totalCount pageInfo { endCursor hasNextPage }
    edges { node { dateWorkedOn termId task memo totalHoursWorked totalCharges contract { id } billRate { value } } }
  } }`;

test('time is found by days without dashes; any other spelling finds nothing and says nothing', async () => {
  const contractId = sim.state.work.contracts.add({ accountId }).id;
  for (const day of ['2026-09-29', '2026-09-30', '2026-10-01'])
    sim.state.work.time.add({ accountId, contractId, day, onlineHours: 1.5, offlineHours: 0.5 });
  const range = { organization: ada.organizationId, first: 1 };
  const read = async (variables: Json): Promise<Connection> =>
    (await data(TIME, { ...range, ...variables }))['contractTimeReport'] as Connection;
  const days = { from: '20260930', to: '20261001' };
  const first = await read(days);
  expect(first.edges.map(({ node }) => node)).toEqual([
    {
      dateWorkedOn: '2026-09-30',
      termId: '400000011',
      task: null,
      memo: null,
      totalHoursWorked: 2,
      totalCharges: 80,
      contract: { id: contractId },
      billRate: { value: 40 },
    },
  ]);
  const second = await read({ ...days, after: first.pageInfo.endCursor });
  expect([second.edges[0]!.node!['dateWorkedOn'], second.pageInfo.hasNextPage]).toEqual(['2026-10-01', false]);
  expect((await read({ from: '2026-09-01', to: '2026-10-31' })).edges).toEqual([]);
});

const HISTORY = `query ($ids: [ID!]!, $from: String, $to: String) {
  transactionHistory(transactionHistoryFilter: { aceIds_any: $ids, transactionDateTime_bt: { rangeStart: $from, rangeEnd: $to } }) {
    transactionDetail { transactionHistoryRow {
      recordId type accountingSubtype amountCreditedToUser { rawValue currency } paymentStatus transactionCreationDate
    } }
  } }`;

test('the history of transactions has no pages, and too long a range is a timeout', async () => {
  const entity = (await data('{ accountingEntity { id } }'))['accountingEntity'] as { id: string };
  for (const day of ['2026-08-31', '2026-09-01', '2026-09-30'])
    sim.state.work.transactions.add({ accountId, createdAt: new Date(`${day}T10:00:00Z`), amount: money(-3.21) });
  const range = { ids: [entity.id], from: '2026-09-01', to: '2026-09-30' };
  expect(await data(HISTORY, range)).toMatchObject({
    transactionHistory: {
      transactionDetail: {
        transactionHistoryRow: [
          { recordId: '700000003', transactionCreationDate: '2026-09-30T10:00:00+0000' },
          { recordId: '700000002', amountCreditedToUser: { rawValue: '-3.21', currency: 'USD' } },
        ],
      },
    },
  });
  sim.traps.transactionsPerAnswer = 1;
  expect(await messages(HISTORY, range)).toEqual(['Transform timeout']);
  expect(await messages(HISTORY, { ...range, to: '2026-09-15' })).toEqual([]);
  expect(await messages(HISTORY, { ...range, from: '20260901' })).toEqual([expect.stringContaining('yyyy-mm-dd')]);
});

const ROOMS = `query ($filter: RoomFilter, $first: Int!, $after: String) {
  roomList(filter: $filter, pagination: { first: $first, after: $after }) {
    totalCount pageInfo { endCursor hasNextPage }
    edges { node { id roomName roomType numUnread contractId roomUsers { user { id } } latestStory { id createdDateTime } } }
  } }`;

const rooms = async (filter: Json = {}): Promise<string[]> =>
  idsOf((await data(ROOMS, { filter, first: 100 }))['roomList'] as Connection)
    .map(String)
    .sort();

test('a list of rooms without filter hides some; each kind of hiding has its own pass', async () => {
  const listings = ['default', 'hidden', 'favorite', 'typed'] as const;
  const ids = listings.map((listing) => sim.state.work.rooms.add({ accountId, listing, type: 'GROUP' }).id);
  expect(await rooms()).toEqual([ids[0]]);
  expect(await rooms({ includeHidden_eq: true })).toEqual([ids[0], ids[1]]);
  expect(await rooms({ includeFavorites_eq: true })).toEqual([ids[0], ids[2]]);
  expect(await rooms({ roomType_eq: 'GROUP' })).toEqual([ids[0], ids[2], ids[3]]);
  expect(await rooms({ roomType_eq: 'INTERVIEW' })).toEqual([]);
  expect(await messages(ROOMS, { first: 101 })).toEqual([expect.stringContaining('VJCA-6')]);
});

test('rooms of which something was written since an instant', async () => {
  const [quiet, busy] = ['2026-09-01', '2026-09-02'].map((day) =>
    sim.state.work.rooms.add({ accountId, createdAt: new Date(`${day}T00:00:00Z`) }),
  );
  sim.state.work.stories.add({ accountId, roomId: busy!.id });
  expect(await rooms()).toEqual([quiet!.id, busy!.id]);
  expect(await rooms({ activeSince_eq: '2026-10-01T00:00:00+0000' })).toEqual([busy!.id]);
});

const STORIES = (user: string): string => `query ($room: ID!, $first: Int!, $after: String, $from: String) {
  roomStories(filter: { roomId_eq: $room, storyFilter: {
    storyCreatedDateTime_bt: { rangeStart: $from }, pagination: { first: $first, after: $after }
  } }) {
    totalCount pageInfo { endCursor hasNextPage }
    edges { node { id message createdDateTime updatedDateTime ${user} attachments { objectReferenceId } } }
  } }`;

test('a story of the system is null where its user is asked for, and there where it is not', async () => {
  const room = sim.state.work.rooms.add({ accountId }).id;
  const ids = [ada.account.id, null].map((authorId, n) =>
    sim.state.work.stories.add({ accountId, roomId: room, authorId, createdAt: new Date(NOON.getTime() + n) }),
  );
  const result = await ask(sim, ada, { query: STORIES('user { id }'), variables: { room, first: 10 } });
  const found = (result.data as { roomStories: Connection }).roomStories;
  expect([idsOf(found), result.errors.length]).toEqual([[undefined, ids[0]!.id], 1]);
  const without = (await data(STORIES(''), { room, first: 10 }))['roomStories'] as Connection;
  expect(idsOf(without)).toEqual([ids[1]!.id, ids[0]!.id]);
});

test('the total of stories lies, an empty cursor is refused, and a cursor may stand still', async () => {
  const room = sim.state.work.rooms.add({ accountId }).id;
  for (let n = 0; n < 5; n += 1)
    sim.state.work.stories.add({ accountId, roomId: room, createdAt: new Date(NOON.getTime() + n * 1_000) });
  const read = async (variables: Json): Promise<Connection> =>
    (await data(STORIES(''), { room, first: 2, ...variables }))['roomStories'] as Connection;
  const first = await read({});
  expect([first.totalCount, first.edges.length, first.pageInfo.hasNextPage]).toEqual([3, 2, true]);
  expect((await read({ from: new Date(NOON.getTime() + 4_000).toISOString() })).edges.length).toBe(1);
  expect(await messages(STORIES(''), { room, first: 2, after: '' })).toEqual([expect.stringContaining('VJCA-6')]);
  sim.traps.storyCursorStuck = true;
  const stuck = await read({});
  const again = await read({ after: stuck.pageInfo.endCursor });
  expect([idsOf(again), again.pageInfo]).toEqual([idsOf(stuck), stuck.pageInfo]);
});

const OFFERS = `query ($filter: SearchOffersInput!) { offersByAttribute(filter: $filter) { offers {
  id title type state client { id name } messageToContractor freelancer { fullName }
  offerTerms { expectedStartDate hourlyTerms { rate { rawValue } weeklyHoursLimit } fixedPriceTerm { budget { rawValue } } }
} } }`;

test('offers come by number of page and never say how many there are', async () => {
  const ids = [0, 1, 2].map((n) => {
    const terms = n === 0 ? { hourlyRate: null, budget: money(900) } : {};
    return sim.state.work.offers.add({ accountId, createdAt: new Date(NOON.getTime() + n), ...terms }).id;
  });
  const read = async (page: number): Promise<unknown[]> => {
    const filter = { id: accountId, searchAttribute: 'VendorUser', limit: 2, page };
    const { offers } = (await data(OFFERS, { filter }))['offersByAttribute'] as { offers: Json[] };
    return offers.map(({ id }) => id);
  };
  expect([await read(1), await read(2), await read(3)]).toEqual([ids.slice(0, 2), ids.slice(2), []]);
});

test('another context and a key without the scope see nothing of it', async () => {
  sim.state.work.rooms.add({ accountId, organizationId: '15009' });
  expect(await rooms()).toEqual([]);
  const poor = sim.addAccount({ scopes: ['pub-commons:read:all'] });
  const asked = await ask(sim, poor, { query: '{ accountingEntity { id } roomList { totalCount } }' });
  expect(asked.errors.map(({ message }) => message)).toEqual([
    expect.stringMatching(/oauth2 permissions\/scopes.*\[Query\.accountingEntity, Query\.roomList\]/),
  ]);
});
