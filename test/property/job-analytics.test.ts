// What the view says about random postings against the same figures computed here, and who may see through it.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PostingRecord, UpworkProfileRecord } from '../../src/core/records.ts';
import type { Database } from '../../src/db/database.ts';
import { jobsTable } from '../../src/store/record-tables/jobs.ts';
import { upworkProfilesTable } from '../../src/store/record-tables/upwork-profiles.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { posting } from '../support/sample-posting.ts';
import { createSyncWorld } from '../support/sync-world.ts';
import { openDoor } from '../support/upsert-door.ts';

let database: TestDatabase;
let api: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  api = database.open('tidemark_api');
});
afterAll(() => api.close());

const profile: UpworkProfileRecord = {
  upworkId: '1',
  username: null,
  fullName: null,
  title: null,
  description: null,
  hourlyRate: null,
  hourlyRateCurrency: null,
  totalEarnings: null,
  totalEarningsCurrency: null,
  totalHours: null,
  totalJobs: null,
  successRate: null,
  skills: [],
  location: null,
  profileUrl: null,
  memberSince: null,
  sourceUpdatedAt: null,
};

const SKILLS = ['TypeScript', ' typescript', 'SQL', 'Go', 'Rust'];
const skillList = fc.uniqueArray(fc.constantFrom(...SKILLS), { maxLength: 5 });
const figure = fc.option(fc.integer({ min: 1, max: 6 }), { nil: null });

interface Facts {
  readonly skills: readonly string[];
  readonly proposals: number | null;
  readonly type: 'fixed' | 'hourly';
  readonly low: number | null;
  readonly high: number | null;
  readonly category: string | null;
}

const facts: fc.Arbitrary<Facts> = fc.record({
  skills: skillList,
  proposals: fc.option(fc.constantFrom(0, 9, 10, 19, 20, 51), { nil: null }),
  type: fc.constantFrom('fixed', 'hourly'),
  low: figure,
  high: figure,
  category: fc.constantFrom('Web', 'Data', null),
});

const normal = (skill: string): string => skill.trim().toLowerCase();
const round = (value: number): number => Math.round(value * 100 + 1e-9) / 100;

function skillMatch({ skills }: Facts, own: readonly string[]): number | null {
  if (skills.length === 0 || own.length === 0) return null;
  const has = new Set(own.map(normal));
  return round((100 * skills.filter((skill) => has.has(normal(skill))).length) / skills.length);
}

function competition({ proposals }: Facts): string | null {
  if (proposals === null) return null;
  return proposals < 10 ? 'low' : proposals < 20 ? 'medium' : 'high';
}

function percentile(one: Facts, all: readonly Facts[]): number | null {
  const budgetOf = ({ low, high }: Facts): number | null => high ?? low;
  const own = budgetOf(one);
  const peers = all.filter(
    (other) => other.type === one.type && other.category === one.category && budgetOf(other) !== null,
  );
  if (own === null || peers.length < 2) return null;
  return round((100 * peers.filter((peer) => budgetOf(peer)! < own).length) / (peers.length - 1));
}

function recordOf({ skills, proposals, type, low, high, category }: Facts, index: number): PostingRecord {
  const [min, max] = [low?.toString() ?? null, high?.toString() ?? null];
  const none = { budgetMin: null, budgetMax: null, hourlyRateMin: null, hourlyRateMax: null };
  const budget = type === 'hourly' ? { hourlyRateMin: min, hourlyRateMax: max } : { budgetMin: min, budgetMax: max };
  const id = `j${index}`;
  return {
    ...posting,
    ...none,
    ...budget,
    upworkJobId: id,
    jobType: type,
    skills,
    proposalsCount: proposals,
    category,
  };
}

interface Analysis {
  readonly key: string;
  readonly skill_match: string | null;
  readonly competition_level: string | null;
  readonly budget_percentile: string | null;
}

async function read(userId: string): Promise<readonly Analysis[]> {
  const { rows } = await api.tx({ kind: 'user', userId }, (tx) =>
    tx.query<Analysis>(
      `select j.upwork_job_id as key, a.skill_match, a.competition_level, a.budget_percentile
       from job_analytics a join jobs j on j.id = a.job_id
       order by j.created_at, substr(j.upwork_job_id, 2)::int`,
    ),
  );
  return rows;
}

test('skill match, competition and budget percentile follow from the stored facts', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(facts, { minLength: 1, maxLength: 12 }), skillList, async (all, own) => {
      const world = await createSyncWorld(database);
      const { upsert } = await openDoor(world);
      await upsert(upworkProfilesTable, { ...profile, skills: own });
      for (const [index, each] of all.entries()) await upsert(jobsTable, recordOf(each, index));
      const asNumber = (text: string | null): number | null => (text === null ? null : Number(text));
      const found = (await read(world.userId)).map((row) => [
        row.key,
        asNumber(row.skill_match),
        row.competition_level,
        asNumber(row.budget_percentile),
      ]);
      const expected = all.map((each, index) => [
        `j${index}`,
        skillMatch(each, own),
        competition(each),
        percentile(each, all),
      ]);
      expect(found).toEqual(expected);
    }),
    { numRuns: 25 },
  );
});

test("another user's postings are neither shown nor compared with", async () => {
  const [mine, theirs] = [await createSyncWorld(database), await createSyncWorld(database)];
  await (await openDoor(mine)).upsert(jobsTable, posting);
  const other = await openDoor(theirs);
  for (const id of ['a', 'b']) await other.upsert(jobsTable, { ...posting, upworkJobId: id, hourlyRateMax: '1' });
  const { rows } = await api.tx({ kind: 'user', userId: mine.userId }, (tx) =>
    tx.query('select user_id, budget_peers, budget_percentile, skill_match from job_analytics'),
  );
  expect(rows).toEqual([{ user_id: mine.userId, budget_peers: '1', budget_percentile: null, skill_match: null }]);
  const { rows: none } = await api.tx({ kind: 'ops' }, (tx) => tx.query('select * from job_analytics'));
  expect(none).toEqual([]);
});
