// The work of the simulated platform's accounts and the ways to change it. Pure memory, as `state.ts`: records are
// replaced, never edited. What is not given has a default.

import { money } from './model.ts';
import type { Account } from './model.ts';
import type { Contract, Offer, Owned, Room, Story, Transaction, WorkEntry } from './work-model.ts';

/** Records of one kind by id. */
export interface Collection<R extends Owned> {
  readonly all: ReadonlyMap<string, R>;
  /** Adds one; `accountId` decides the organization unless it is given. */
  add(given: Partial<R> & Pick<R, 'accountId'>): R;
  /** Throws for an unknown id. */
  change(id: string, change: Partial<R>): R;
  remove(id: string): void;
}

export interface WorkState {
  readonly contracts: Collection<Contract>;
  readonly time: Collection<WorkEntry>;
  readonly transactions: Collection<Transaction>;
  readonly rooms: Collection<Room>;
  readonly stories: Collection<Story>;
  readonly offers: Collection<Offer>;
}

const CLIENT = { id: '8801', name: 'Northwind Traders' } as const;
const DAY_CHARS = 10;

type Defaults<R extends Owned> = (at: Date, id: string) => Omit<R, keyof Owned>;

interface CollectionParts<R extends Owned> {
  readonly what: string;
  readonly firstId: bigint;
  readonly defaults: Defaults<R>;
  /** What every change changes with it. */
  readonly touch: (before: R, at: Date) => Partial<R>;
}

/** At least a millisecond later than before, as stamps of changes are. */
function later(at: Date, before: Date): Date {
  return new Date(Math.max(at.getTime(), before.getTime() + 1));
}

export function createWorkState(now: () => Date, accounts: ReadonlyMap<string, Account>): WorkState {
  const collection = <R extends Owned>({ what, firstId, defaults, touch }: CollectionParts<R>): Collection<R> => {
    const all = new Map<string, R>();
    let count = 0n;
    return {
      all,
      add(given) {
        const account = accounts.get(given.accountId);
        if (account === undefined) throw new Error(`expected the id of a simulated account, got ${given.accountId}`);
        const id = given.id ?? String(firstId + (count += 1n));
        const organizationId = account.organizations[0]!.id;
        const record = { ...defaults(now(), id), id, organizationId, ...given } as R;
        all.set(id, record);
        return record;
      },
      change(id, change) {
        const before = all.get(id);
        if (before === undefined) throw new Error(`expected the id of a simulated ${what}, got ${id}`);
        const changed = { ...before, ...touch(before, now()), ...change };
        all.set(id, changed);
        return changed;
      },
      remove: (id) => void all.delete(id),
    };
  };
  const untouched = (): object => ({});
  return {
    contracts: collection({
      what: 'contract',
      firstId: 40_000_000n,
      defaults: contractDefaults,
      touch: ({ modifiedAt }, at) => ({ modifiedAt: later(at, modifiedAt) }),
    }),
    time: collection({ what: 'time entry', firstId: 0n, defaults: timeDefaults, touch: untouched }),
    transactions: collection({
      what: 'transaction',
      firstId: 700_000_000n,
      defaults: transactionDefaults,
      touch: untouched,
    }),
    rooms: collection({ what: 'room', firstId: 5_000n, defaults: roomDefaults, touch: untouched }),
    stories: collection({
      what: 'story',
      firstId: 900_000n,
      defaults: storyDefaults,
      touch: ({ updatedAt }, at) => ({ updatedAt: later(at, updatedAt) }),
    }),
    offers: collection({ what: 'offer', firstId: 60_000n, defaults: offerDefaults, touch: untouched }),
  };
}

const contractDefaults: Defaults<Contract> = (at, id) => ({
  title: `Contract ${id}`,
  status: 'ACTIVE',
  closingReason: null,
  postingId: '1',
  offerId: null,
  client: CLIENT,
  hourlyTerms: [{ id: `${id}1`, hourlyRate: money(40), startDate: at, endDate: null }],
  fixedAmount: null,
  weeklyLimit: 40,
  createdAt: at,
  modifiedAt: at,
  startDate: at,
  endDate: null,
});

const timeDefaults: Defaults<WorkEntry> = (at) => ({
  contractId: '40000001',
  termId: '400000011',
  day: at.toISOString().slice(0, DAY_CHARS),
  task: null,
  memo: null,
  onlineHours: 2,
  offlineHours: 0,
  hourlyRate: 40,
});

const transactionDefaults: Defaults<Transaction> = (at) => ({
  type: 'APInvoice',
  subtype: 'Hourly',
  amount: money(80),
  status: 'Pending',
  description: 'Invoice for work of the week',
  createdAt: at,
  reviewDueAt: null,
  paidAt: null,
  contractId: null,
  clientName: CLIENT.name,
  relatedTransactionId: null,
});

const roomDefaults: Defaults<Room> = (at, id) => ({
  name: `Room ${id}`,
  topic: null,
  type: 'ONE_ON_ONE',
  listing: 'default',
  createdAt: at,
  unread: 0,
  lastReadAt: null,
  contractId: null,
  proposalId: null,
  members: [CLIENT],
});

const storyDefaults: Defaults<Story> = (at, id) => ({
  roomId: '5001',
  authorId: CLIENT.id,
  message: `Story ${id}`,
  createdAt: at,
  updatedAt: at,
  attachments: [],
});

const offerDefaults: Defaults<Offer> = (at, id) => ({
  title: `Offer ${id}`,
  description: null,
  type: 'MARKET_PLACE_HOURLY',
  state: 'SUBMITTED',
  client: CLIENT,
  postingId: null,
  proposalId: null,
  message: 'Shall we begin on Monday?',
  hourlyRate: money(42.5),
  weeklyLimit: 20,
  budget: null,
  expectedStart: null,
  createdAt: at,
});
