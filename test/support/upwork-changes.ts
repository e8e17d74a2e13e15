// What may happen to an account at Upwork, as data that a property test draws: everything that an increment can see.

import fc from 'fast-check';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import { generatePostings } from '../simulators/upwork/generate-postings.ts';
import { money, type ProposalStatus } from '../simulators/upwork/model.ts';
import type { UpworkSimulator } from '../simulators/upwork/simulator.ts';
import type { Collection } from '../simulators/upwork/work-state.ts';
import type { Owned } from '../simulators/upwork/work-model.ts';

const KINDS = [
  'posting.new',
  'posting.renewed',
  'proposal.new',
  'proposal.moved',
  'contract.new',
  'contract.changed',
  'hours.new',
  'hours.changed',
  'hours.removed',
  'money.new',
  'money.paid',
  'room.new',
  'story.new',
  'story.system',
  'story.edited',
  'offer.new',
  'offer.answered',
] as const;

export interface UpworkChange {
  readonly kind: (typeof KINDS)[number];
  /** Picks the record, the day, the amount. */
  readonly pick: number;
}

export const upworkChange: fc.Arbitrary<UpworkChange> = fc.record({
  kind: fc.constantFrom(...KINDS),
  pick: fc.nat(1_000),
});

const STATUSES: readonly ProposalStatus[] = ['Accepted', 'Activated', 'Offered', 'Hired', 'Declined', 'Withdrawn'];

/** The `pick`-th record of an account; undefined: it has none. */
function pickOf<R extends Owned>({ all }: Collection<R>, accountId: string, pick: number): R | undefined {
  const own = [...all.values()].filter((record) => record.accountId === accountId);
  return own[pick % own.length];
}

let number = 0;

/** Makes one change now; one that finds nothing to change does nothing. */
export function changeUpwork(sim: UpworkSimulator, added: AddedAccount, { kind, pick }: UpworkChange, now: Date): void {
  const { state } = sim;
  const { contracts, time, transactions, rooms, stories, offers } = state.work;
  const accountId = added.account.id;
  const daysAgo = (days: number): Date => new Date(now.getTime() - days * DAY_MS);
  const contractId = (): string | null => pickOf(contracts, accountId, pick)?.id ?? null;
  const say = (roomId: string, authorId: string | null): void =>
    void stories.add({ accountId, roomId, authorId, createdAt: now, updatedAt: now });
  const changes: Record<UpworkChange['kind'], () => void> = {
    'posting.new': () => {
      const [fresh] = generatePostings({ count: 1, seed: pick, firstNumber: 8_000_000 + (number += 1), newest: now });
      state.addPostings([{ ...fresh!, createdAt: now, publishedAt: now, renewedAt: null }]);
    },
    'posting.renewed': () => {
      const ids = [...state.postings.keys()];
      const id = ids[pick % ids.length]!;
      state.replacePosting(id, { description: `Renewed ${(number += 1)}` });
      state.renewPosting(id);
    },
    'proposal.new': () =>
      void state.addProposal({ accountId, postingId: [...state.postings.keys()][0]!, createdAt: now }),
    'proposal.moved': () => {
      const ids = [...state.proposals.keys()];
      if (ids.length > 0) state.changeProposalStatus(ids[pick % ids.length]!, STATUSES[pick % STATUSES.length]!);
    },
    'contract.new': () => void contracts.add({ accountId, createdAt: now, modifiedAt: now, startDate: now }),
    'contract.changed': () => {
      const id = contractId();
      if (id !== null)
        contracts.change(id, { title: `Title ${(number += 1)}`, status: pick % 2 === 0 ? 'PAUSED' : 'ACTIVE' });
    },
    'hours.new': () => {
      const id = contractId();
      if (id === null) return;
      const day = daysAgo(pick % 13)
        .toISOString()
        .slice(0, 'YYYY-MM-DD'.length);
      time.add({ accountId, contractId: id, day, memo: pick % 3 === 0 ? null : `m${pick % 4}` });
    },
    'hours.changed': () => {
      const recent = pickOf(time, accountId, pick);
      if (recent !== undefined && new Date(recent.day) > daysAgo(13))
        time.change(recent.id, { memo: `c${(number += 1)}` });
    },
    'hours.removed': () => {
      const recent = pickOf(time, accountId, pick);
      if (recent !== undefined && new Date(recent.day) > daysAgo(13)) time.remove(recent.id);
    },
    'money.new': () =>
      void transactions.add({
        accountId,
        contractId: contractId(),
        amount: money((pick % 40) - 20, pick % 2 === 0 ? 'USD' : 'EUR'),
        createdAt: daysAgo(pick % 40),
      }),
    'money.paid': () => {
      const one = pickOf(transactions, accountId, pick);
      if (one !== undefined && one.createdAt > daysAgo(44))
        transactions.change(one.id, { status: 'Paid', paidAt: now });
    },
    'room.new': () => {
      const listing = (['default', 'hidden', 'favorite', 'typed'] as const)[pick % 4]!;
      const { id, members } = rooms.add({ accountId, listing, createdAt: now });
      say(id, members[0]!.id);
    },
    'story.new': () => {
      const room = pickOf(rooms, accountId, pick);
      if (room !== undefined) say(room.id, pick % 2 === 0 ? accountId : room.members[0]!.id);
    },
    'story.system': () => {
      const room = pickOf(rooms, accountId, pick);
      if (room !== undefined) say(room.id, null);
    },
    // An edit is seen where something is written after it.
    'story.edited': () => {
      const story = pickOf(stories, accountId, pick);
      if (story === undefined || now.getTime() - story.createdAt.getTime() > 20 * HOUR_MS) return;
      stories.change(story.id, { message: `Edited ${(number += 1)}` });
      say(story.roomId, accountId);
    },
    'offer.new': () => void offers.add({ accountId, createdAt: now }),
    'offer.answered': () => {
      const offer = pickOf(offers, accountId, pick);
      if (offer !== undefined) offers.change(offer.id, { state: pick % 2 === 0 ? 'ACCEPTED' : 'REJECTED' });
    },
  };
  changes[kind]();
}
