// What the demo's platform holds: real postings when a file of them is there, invented ones otherwise, and two
// freelancers whose saved searches overlap, so that both store some of the same postings.

import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import { generatePostings } from '../simulators/upwork/generate-postings.ts';
import { loadPostingsCsv } from '../simulators/upwork/load-postings-csv.ts';
import type { Posting, ProposalStatus } from '../simulators/upwork/model.ts';
import type { UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { addWork, moveWorkOn, type WorkSize } from './work.ts';

const GENERATED = 6_000;
const HOUR_MS = 3_600_000;
const WORK: WorkSize = { contracts: 8, days: 60, rooms: 24, stories: 40, offers: 12 };

export interface SavedSearch {
  readonly name: string;
  readonly subcategory_ids: readonly string[];
  readonly job_type: 'hourly' | 'fixed';
}

export interface DemoUser {
  readonly name: string;
  readonly email: string;
  readonly timezone: string;
  readonly added: AddedAccount;
  readonly searches: readonly SavedSearch[];
}

export interface Scenario {
  readonly source: string;
  readonly users: readonly DemoUser[];
}

async function loadPostings(sim: UpworkSimulator, file: string | undefined, newest: Date): Promise<string> {
  if (file === undefined) {
    sim.state.addPostings(generatePostings({ count: GENERATED, newest }));
    return `${GENERATED} generated postings`;
  }
  const postings: Posting[] = [];
  for await (const posting of loadPostingsCsv(file, { newest })) postings.push(posting);
  sim.state.addPostings(postings);
  return `${postings.length} real postings`;
}

/** One search per subcategory and job type: each stays below the 5,000 results that Upwork gives of a search. */
function searchesFor(sim: UpworkSimulator): SavedSearch[] {
  const found = new Map<string, SavedSearch>();
  for (const { subcategory, subcategoryId, jobType } of sim.state.postings.values()) {
    if (subcategoryId === null) continue;
    const type = jobType === 'HOURLY' ? 'hourly' : 'fixed';
    const name = `${subcategory} · ${type}`;
    found.set(name, { name, subcategory_ids: [subcategoryId], job_type: type });
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const STATUSES: readonly ProposalStatus[] = [
  'Accepted',
  'Accepted',
  'Activated',
  'Declined',
  'Hired',
  'Archived',
  'Withdrawn',
  'Offered',
];

function addProposals(sim: UpworkSimulator, { account }: AddedAccount, count: number, now: Date): void {
  const postings = [...sim.state.postings.keys()];
  for (let index = 0; index < count; index++) {
    const createdAt = new Date(now.getTime() - (count - index) * 7 * HOUR_MS);
    sim.state.addProposal({
      accountId: account.id,
      postingId: postings[(index * 37) % postings.length]!,
      status: STATUSES[index % STATUSES.length]!,
      createdAt,
      modifiedAt: new Date(createdAt.getTime() + 3 * HOUR_MS),
    });
  }
}

/** Fills an empty simulator. `postingsFile`: a CSV of real postings, when there is one. */
export async function fillPlatform(
  sim: UpworkSimulator,
  postingsFile: string | undefined,
  now: Date,
): Promise<Scenario> {
  const newest = new Date(now.getTime() - HOUR_MS);
  const source = await loadPostings(sim, postingsFile, newest);
  const searches = searchesFor(sim);
  const people = [
    { name: 'Ada Marin', email: 'ada@example.test', timezone: 'Europe/Berlin', from: 0, to: 0.7, proposals: 160 },
    { name: 'Bo Nyström', email: 'bo@example.test', timezone: 'America/New_York', from: 0.4, to: 1, proposals: 90 },
  ];
  const users = people.map(({ name, email, timezone, from, to, proposals }): DemoUser => {
    const added = sim.addAccount({ email });
    addProposals(sim, added, proposals, now);
    addWork(sim, added, WORK, now);
    const share = searches.slice(Math.floor(from * searches.length), Math.ceil(to * searches.length));
    return { name, email, timezone, added, searches: share };
  });
  return { source, users };
}

/** The postings that a user's searches match, by id. */
export function postingsOf(sim: UpworkSimulator, { searches }: DemoUser): Map<string, Posting> {
  const wanted = new Set(searches.map(({ subcategory_ids: [id], job_type: type }) => `${id} ${type.toUpperCase()}`));
  return new Map(
    [...sim.state.postings].filter(([, posting]) => wanted.has(`${posting.subcategoryId} ${posting.jobType}`)),
  );
}

/** What happens on the platform between two passes: renewals with a new text, new postings, proposals that
 * move on, and a little of everything else. */
export function moveOn(
  sim: UpworkSimulator,
  { users }: Scenario,
  now: Date,
): { readonly renewed: number; readonly added: number; readonly moved: number; readonly work: number } {
  const renewed = [...sim.state.postings.keys()].filter((_id, index) => index % 50 === 0);
  for (const id of renewed) {
    const { description } = sim.state.replacePosting(id, {});
    sim.state.replacePosting(id, { description: `${description}\n\nUpdate: still looking ✅` });
    sim.state.renewPosting(id);
  }
  // Published now: what a search shows late, with an older date, is found by the next daily full pass only.
  const added = generatePostings({ count: 250, seed: 7, firstNumber: 5_000_000, newest: now }).map((posting) => ({
    ...posting,
    createdAt: now,
    publishedAt: now,
    renewedAt: null,
  }));
  sim.state.addPostings(added);
  let moved = 0;
  let work = 0;
  for (const { added: account } of users) {
    work += moveWorkOn(sim, account, now);
    const own = [...sim.state.proposals.values()].filter(({ accountId }) => accountId === account.account.id);
    for (const proposal of own.filter(({ status }) => status === 'Accepted').slice(0, 12)) {
      sim.state.changeProposalStatus(proposal.id, 'Activated');
      moved++;
    }
  }
  return { renewed: renewed.length, added: added.length, moved, work };
}
