// Contracts, hours, money, offers and talks in their tables: what goes in comes out, twice the same is nothing new, and
// rows that name one another find one another in either order.

import { beforeAll, expect, test } from 'vitest';
import type {
  ContractRecord,
  ConversationRecord,
  OfferRecord,
  PaymentRecord,
  TimeEntryRecord,
} from '../../src/core/records.ts';
import { contractsTable } from '../../src/store/record-tables/contracts.ts';
import { conversationsTable } from '../../src/store/record-tables/conversations.ts';
import { jobsTable } from '../../src/store/record-tables/jobs.ts';
import { offersTable } from '../../src/store/record-tables/offers.ts';
import { paymentsTable } from '../../src/store/record-tables/payments.ts';
import { timeEntriesTable } from '../../src/store/record-tables/time-entries.ts';
import type { UpsertResult } from '../../src/store/upsert.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { posting } from '../support/sample-posting.ts';
import { createSyncWorld, type SyncWorld } from '../support/sync-world.ts';
import { openDoor } from '../support/upsert-door.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

const AT = new Date('2026-03-01T10:00:00.123Z');

const contract: ContractRecord = {
  upworkContractId: 'c1',
  upworkJobId: 'j1',
  upworkOfferId: null,
  clientId: '88',
  clientName: 'Northwind "Traders"',
  title: 'Work',
  contractType: 'hourly',
  hourlyRate: '42.50',
  hourlyRateCurrency: 'USD',
  fixedAmount: null,
  fixedAmountCurrency: null,
  weeklyLimitHours: '40',
  status: 'active',
  platformStatus: 'ACTIVE',
  closingReason: null,
  startDate: AT,
  endDate: null,
  sourceUpdatedAt: AT,
};

const entry: TimeEntryRecord = {
  entryKey: 'c1/t1/2026-03-01//memo',
  upworkContractId: 'c1',
  termId: 't1',
  workDate: '2026-03-01',
  task: null,
  memo: 'memo',
  hours: '1.3333',
  onlineHours: '1',
  manualHours: '0.3333',
  amount: '56.67',
  currency: 'USD',
  sourceUpdatedAt: null,
};

const payment: PaymentRecord = {
  platformPaymentId: '700',
  kind: 'fee',
  platformKind: 'Service Fee',
  upworkContractId: 'c1',
  amount: '-4.25',
  currency: 'EUR',
  status: 'completed',
  platformStatus: 'Paid',
  description: 'fee',
  clientName: null,
  relatedPaymentId: '699',
  occurredAt: AT,
  dueAt: null,
  paymentDate: AT,
  sourceUpdatedAt: null,
};

const offer: OfferRecord = {
  upworkOfferId: 'o1',
  upworkJobId: 'j1',
  clientId: '88',
  clientName: 'Northwind',
  title: 'Offer',
  description: null,
  message: 'Monday?',
  offerType: 'fixed',
  hourlyRate: null,
  fixedAmount: '900',
  currency: 'USD',
  weeklyLimitHours: null,
  status: 'pending',
  platformStatus: 'SUBMITTED',
  expectedStart: null,
  sourceUpdatedAt: null,
};

const talk: ConversationRecord = {
  chatKey: 'r1',
  kind: 'interview',
  title: 'Room',
  topic: null,
  participants: [
    { id: '1', name: 'O"Brien\\' },
    { id: '2', name: null },
  ],
  upworkContractId: 'c1',
  unreadCount: 2,
  isHidden: true,
  lastMessageAt: AT,
  lastReadAt: null,
  startedAt: AT,
  details: {},
  sourceUpdatedAt: AT,
};

async function rowOf({ integrationId }: SyncWorld, table: string): Promise<Record<string, unknown>> {
  const query = `select to_jsonb(t) as row from ${table} t where integration_id = $1`;
  const rows = await database.asSuperuser<{ row: Record<string, unknown> }>(query, [integrationId]);
  expect(rows.length).toBe(1);
  return rows[0]!.row;
}

const one = { inserted: 1, changed: 0, unchanged: 0, stale: 0 };
const same = { inserted: 0, changed: 0, unchanged: 1, stale: 0 };

test('what goes in comes out, and comes out the same the second time', async () => {
  const world = await createSyncWorld(database);
  const { upsert } = await openDoor(world);
  const results = async (): Promise<UpsertResult[]> => [
    await upsert(contractsTable, contract),
    await upsert(timeEntriesTable, entry),
    await upsert(paymentsTable, payment),
    await upsert(offersTable, offer),
    await upsert(conversationsTable, talk),
  ];
  const first = await results();
  expect(first).toMatchObject([one, one, one, one, one]);
  expect(first[2]!.dirtyDays).toEqual(['2026-03-01']);
  expect(await results()).toMatchObject([same, same, same, same, same]);
  expect(await rowOf(world, 'contracts')).toMatchObject({ hourly_rate: 42.5, status: 'active', end_date: null });
  expect(await rowOf(world, 'time_entries')).toMatchObject({ work_date: '2026-03-01', hours: 1.3333, amount: 56.67 });
  expect(await rowOf(world, 'payments')).toMatchObject({ amount: -4.25, currency: 'EUR', kind: 'fee' });
  expect(await rowOf(world, 'offers')).toMatchObject({ fixed_amount: 900, hourly_rate: null, message: 'Monday?' });
  expect(await rowOf(world, 'conversations')).toMatchObject({ participants: talk.participants, is_hidden: true });
});

test('hours, money and talks find their contract, and contracts and offers their posting, when it comes first', async () => {
  const world = await createSyncWorld(database);
  const { upsert } = await openDoor(world);
  await upsert(jobsTable, posting);
  await upsert(contractsTable, contract);
  await upsert(timeEntriesTable, entry);
  await upsert(paymentsTable, payment);
  await upsert(offersTable, offer);
  await upsert(conversationsTable, talk);
  await expectLinks(world);
});

test('and when it comes last', async () => {
  const world = await createSyncWorld(database);
  const { upsert } = await openDoor(world);
  await upsert(timeEntriesTable, entry);
  await upsert(paymentsTable, payment);
  await upsert(offersTable, offer);
  await upsert(conversationsTable, talk);
  expect(await rowOf(world, 'payments')).toMatchObject({ contract_id: null });
  await upsert(contractsTable, contract);
  expect(await rowOf(world, 'contracts')).toMatchObject({ job_id: null });
  await upsert(jobsTable, posting);
  await expectLinks(world);
});

async function expectLinks(world: SyncWorld): Promise<void> {
  const { id: jobId } = await rowOf(world, 'jobs');
  const { id: contractId } = await rowOf(world, 'contracts');
  for (const table of ['contracts', 'offers']) expect(await rowOf(world, table)).toMatchObject({ job_id: jobId });
  for (const table of ['time_entries', 'payments', 'conversations'])
    expect(await rowOf(world, table)).toMatchObject({ contract_id: contractId });
}

test('rows of another account with the same ids are not linked', async () => {
  const [mine, theirs] = [await createSyncWorld(database), await createSyncWorld(database)];
  await (await openDoor(theirs)).upsert(contractsTable, contract);
  await (await openDoor(mine)).upsert(paymentsTable, payment);
  expect(await rowOf(mine, 'payments')).toMatchObject({ contract_id: null });
});
