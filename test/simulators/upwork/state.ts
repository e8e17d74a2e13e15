// The contents of the simulated platform and every way to change them, as its users and clients would. Pure memory; the
// clock is injected. Mutators replace records, never edit them, so a reader that holds one is not surprised.

import type { Account, Posting, Profile, Proposal, ProposalStatus } from './model.ts';
import { money } from './model.ts';
import { createWorkState } from './work-state.ts';
import type { WorkState } from './work-state.ts';

export type NewProposal = Pick<Proposal, 'accountId' | 'postingId'> & Partial<Proposal>;

export interface UpworkState {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly postings: ReadonlyMap<string, Posting>;
  readonly proposals: ReadonlyMap<string, Proposal>;
  /** Contracts, time, money, rooms and offers. */
  readonly work: WorkState;
  /** Grows with every change of a posting; a search result is good for one value of it. */
  readonly postingsVersion: number;
  /** Adds, or replaces those with the same id. */
  addPostings(postings: Iterable<Posting>): void;
  /** Edits one posting in place of the client; throws for an unknown id. */
  replacePosting(id: string, change: Partial<Posting>): Posting;
  /** The client renews: `renewedDateTime` is now, the id stays, the posting moves to the top of RECENCY. */
  renewPosting(id: string): Posting;
  /** Closed postings leave the search; `marketplaceJobPosting(id)` still answers, with status CLOSED. */
  closePosting(id: string): Posting;
  /** Taken out altogether: null from `marketplaceJobPosting(id)`. */
  removePosting(id: string): void;
  /** Defaults: next id, the account's personal organization, status `Accepted`, created now, rate 30 USD. */
  addProposal(proposal: NewProposal): Proposal;
  /** Sets the status; `modifiedDateTime` becomes now, and at least 1 ms more than it was. */
  changeProposalStatus(id: string, status: ProposalStatus, reason?: Proposal['reason']): Proposal;
  /** Any other edit of a proposal, with the same rule for `modifiedDateTime`. */
  replaceProposal(id: string, change: Partial<Proposal>): Proposal;
  changeProfile(accountId: string, change: Partial<Profile>): Account;
  /** Registers an account; use `addAccount` of the simulator, which also issues tokens. */
  putAccount(account: Account): void;
}

/** An empty platform. */
export function createUpworkState(now: () => Date): UpworkState {
  const accounts = new Map<string, Account>();
  const postings = new Map<string, Posting>();
  const proposals = new Map<string, Proposal>();
  let postingsVersion = 0;
  let proposalNumber = 0;

  const replacePosting = (id: string, change: Partial<Posting>): Posting => {
    const replaced = { ...found(postings, id, 'posting'), ...change };
    postings.set(id, replaced);
    postingsVersion += 1;
    return replaced;
  };
  const replaceProposal = (id: string, change: Partial<Proposal>): Proposal => {
    const before = found(proposals, id, 'proposal');
    const least = (before.modifiedAt ?? before.createdAt).getTime() + 1;
    const replaced = { ...before, modifiedAt: new Date(Math.max(now().getTime(), least)), ...change };
    proposals.set(id, replaced);
    return replaced;
  };

  return {
    accounts,
    postings,
    proposals,
    work: createWorkState(now, accounts),
    get postingsVersion() {
      return postingsVersion;
    },
    addPostings(added) {
      for (const posting of added) postings.set(posting.id, posting);
      postingsVersion += 1;
    },
    replacePosting,
    renewPosting: (id) => replacePosting(id, { renewedAt: now() }),
    closePosting: (id) => replacePosting(id, { status: 'CLOSED' }),
    removePosting(id) {
      postings.delete(id);
      postingsVersion += 1;
    },
    addProposal(given) {
      const account = found(accounts, given.accountId, 'account');
      const proposal: Proposal = {
        ...proposalDefaults(++proposalNumber, now()),
        organizationId: account.organizations[0]!.id,
        ...given,
      };
      proposals.set(proposal.id, proposal);
      return proposal;
    },
    replaceProposal,
    changeProposalStatus: (id, status, reason = null) => replaceProposal(id, { status, reason }),
    changeProfile(accountId, change) {
      const account = found(accounts, accountId, 'account');
      const changed = { ...account, profile: { ...account.profile, ...change } };
      accounts.set(accountId, changed);
      return changed;
    },
    putAccount(account) {
      accounts.set(account.id, account);
    },
  };
}

type ProposalDefaults = Omit<Proposal, 'accountId' | 'postingId' | 'organizationId'>;

function proposalDefaults(number: number, now: Date): ProposalDefaults {
  return {
    id: String(1_700_000_000_000_000_000n + BigInt(number)),
    status: 'Accepted',
    reason: null,
    chargeRate: money(30),
    estimatedDuration: { id: '3', label: '1 to 3 months' },
    upfrontPaymentPercent: null,
    coverLetter: 'Hello, I have done this before and can start on Monday.',
    annotations: [],
    createdAt: now,
    modifiedAt: null,
  };
}

function found<T>(records: ReadonlyMap<string, T>, id: string, what: string): T {
  const record = records.get(id);
  if (record === undefined) throw new Error(`expected the id of a simulated ${what}, got ${JSON.stringify(id)}`);
  return record;
}
