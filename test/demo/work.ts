// The work of a simulated freelancer: contracts with their hours and money, talks and offers. Everything follows from the
// account and the numbers given, so two calls make the same.

import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import { money } from '../simulators/upwork/model.ts';
import type { UpworkSimulator } from '../simulators/upwork/simulator.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export interface WorkSize {
  readonly contracts: number;
  /** Of each contract: days worked before now. */
  readonly days: number;
  readonly rooms: number;
  /** Of each room. */
  readonly stories: number;
  readonly offers: number;
}

const SUBTYPES = ['Hourly', 'Service Fee', 'Bonus', 'Fixed Price', 'Withholding Tax'] as const;
const LISTINGS = ['default', 'hidden', 'favorite', 'typed'] as const;
const TYPES = ['ONE_ON_ONE', 'GROUP', 'INTERVIEW'] as const;

function addContract(sim: UpworkSimulator, accountId: string, index: number, { days }: WorkSize, now: Date): void {
  const { contracts, time, transactions } = sim.state.work;
  const postings = [...sim.state.postings.keys()];
  const begun = new Date(now.getTime() - (days + 30) * DAY_MS);
  const rate = 30 + index;
  const { id } = contracts.add({
    accountId,
    postingId: postings[(index * 13) % postings.length] ?? '1',
    status: index % 4 === 3 ? 'CLOSED' : 'ACTIVE',
    closingReason: index % 4 === 3 ? 'Work is done' : null,
    fixedAmount: index % 3 === 2 ? money(900 + index) : null,
    hourlyTerms: [
      { id: `${index}1`, hourlyRate: money(rate - 5), startDate: begun, endDate: now },
      { id: `${index}2`, hourlyRate: money(rate), startDate: new Date(begun.getTime() + DAY_MS), endDate: null },
    ],
    createdAt: begun,
    modifiedAt: begun,
    startDate: begun,
  });
  for (let day = 1; day <= days; day++) {
    const createdAt = new Date(now.getTime() - day * DAY_MS);
    const memo = day % 3 === 0 ? null : `Part ${day % 5}`;
    time.add({ accountId, contractId: id, termId: `${index}2`, day: createdAt.toISOString().slice(0, 10), memo });
    if (day % 7 !== 0) continue;
    const subtype = SUBTYPES[day % SUBTYPES.length]!;
    transactions.add({
      accountId,
      contractId: id,
      subtype,
      amount: money(/fee|tax/i.test(subtype) ? -day : 40 * day, index % 2 === 0 ? 'USD' : 'EUR'),
      status: day > 20 ? 'Paid' : 'Pending',
      createdAt,
      paidAt: day > 20 ? new Date(createdAt.getTime() + 5 * DAY_MS) : null,
    });
  }
}

function addRoom(sim: UpworkSimulator, accountId: string, index: number, { stories }: WorkSize, now: Date): void {
  const { rooms, stories: told } = sim.state.work;
  const begun = new Date(now.getTime() - (stories + 2) * HOUR_MS);
  const { id, members } = rooms.add({
    accountId,
    type: TYPES[index % TYPES.length]!,
    listing: LISTINGS[index % LISTINGS.length]!,
    createdAt: begun,
    unread: index % 3,
  });
  const authors = [accountId, members[0]!.id, null];
  for (let story = 0; story < stories; story++) {
    const createdAt = new Date(begun.getTime() + story * HOUR_MS);
    const authorId = authors[story % 11 === 10 ? 2 : story % 2]!;
    const message = authorId === null ? 'Offer accepted' : `Message ${story} of room ${index} ✅`;
    const attachments = story % 9 === 8 ? [{ id: `f${story}`, type: 'FILE', name: 'brief.pdf' }] : [];
    told.add({ accountId, roomId: id, authorId, message, createdAt, updatedAt: createdAt, attachments });
  }
}

/** Adds work of this size to an account. */
export function addWork(sim: UpworkSimulator, { account }: AddedAccount, size: WorkSize, now: Date): void {
  for (let index = 0; index < size.contracts; index++) addContract(sim, account.id, index, size, now);
  for (let index = 0; index < size.rooms; index++) addRoom(sim, account.id, index, size, now);
  for (let index = 0; index < size.offers; index++) {
    const isFixed = index % 2 === 1;
    sim.state.work.offers.add({
      accountId: account.id,
      title: `Offer ${index}`,
      type: isFixed ? 'MARKET_PLACE_FIXED_PRICE' : 'MARKET_PLACE_HOURLY',
      hourlyRate: isFixed ? null : money(42.5),
      budget: isFixed ? money(500) : null,
      createdAt: new Date(now.getTime() - index * DAY_MS),
    });
  }
}

/** What happens to it between two passes; returns how many records changed. */
export function moveWorkOn(sim: UpworkSimulator, { account }: AddedAccount, now: Date): number {
  const { contracts, time, transactions, rooms, stories, offers } = sim.state.work;
  const own = <R extends { readonly accountId: string }>(all: ReadonlyMap<string, R>): R[] =>
    [...all.values()].filter(({ accountId }) => accountId === account.id);
  let moved = 0;
  const count = (_changed: unknown): void => void (moved += 1);
  for (const { id } of own(contracts.all).slice(0, 1)) count(contracts.change(id, { status: 'PAUSED' }));
  for (const { id } of own(time.all).slice(0, 3)) count(time.change(id, { memo: 'Written anew' }));
  for (const { id } of own(transactions.all).filter(({ status }) => status === 'Pending'))
    count(transactions.change(id, { status: 'Paid', paidAt: now }));
  for (const { id, members } of own(rooms.all).slice(0, 3))
    count(stories.add({ accountId: account.id, roomId: id, authorId: members[0]!.id, createdAt: now, updatedAt: now }));
  for (const { id } of own(offers.all).slice(0, 1)) count(offers.change(id, { state: 'ACCEPTED' }));
  return moved;
}
