import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parsePosting } from '../../src/connectors/upwork/schemas/postings.ts';
import { upwork } from '../../src/connectors/upwork/index.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import { generatePostings } from '../simulators/upwork/generate-postings.ts';
import { createUpworkSimulator, type UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { officialSchema } from '../simulators/upwork/validate.ts';
import { sharedFile } from '../simulators/shared-folder.ts';
import { expectedPosting } from '../demo/compare.ts';
import { contextOf, readAll, streamNamed } from '../support/upwork.ts';

const NEWEST = new Date('2026-10-01T12:00:00Z');
const SDL = sharedFile('specs/upwork/upwork.graphql');
const everything = { saved_searches: [{ name: 'all' }] };

let sim: UpworkSimulator;
let ada: AddedAccount;

beforeEach(async () => {
  sim = createUpworkSimulator({ official: SDL === undefined ? undefined : officialSchema(SDL) });
  sim.state.addPostings(generatePostings({ count: 230, newest: NEWEST }));
  ada = sim.addAccount({ email: 'ada@example.test' });
  await sim.start();
});

afterEach(async () => {
  await sim.stop();
  expect(sim.violations, 'queries and answers fit the official schema').toEqual([]);
});

describe('jobs', () => {
  test('a full pass brings every posting of a search, field for field', async () => {
    const pass = await readAll('jobs', contextOf(sim, ada, everything));
    expect([...pass.records.keys()].sort()).toEqual([...sim.state.postings.keys()].sort());
    expect(pass.problems).toEqual([]);
    for (const [id, raw] of pass.records) {
      const expected = expectedPosting(sim.state.postings.get(id)!);
      const record = parsePosting(raw);
      expect({
        title: record.title.replaceAll('\0', ''),
        job_type: record.jobType,
        budget_max: record.budgetMax,
        hourly_rate_min: record.hourlyRateMin,
        hourly_rate_max: record.hourlyRateMax,
        experience_level: record.experienceLevel,
        country: record.country,
      }).toEqual({
        title: expected.title,
        job_type: expected.job_type,
        budget_max: expected.budget_max,
        hourly_rate_min: expected.hourly_rate_min,
        hourly_rate_max: expected.hourly_rate_max,
        experience_level: expected.experience_level,
        country: expected.country,
      });
    }
  });

  test('a second pass asks in proportion to the change: one page when nothing is new', async () => {
    const context = contextOf(sim, ada, everything);
    const first = await readAll('jobs', context);
    const before = sim.journal.total;
    const second = await readAll('jobs', context, first.cursor);
    expect(sim.journal.total - before).toBe(1);
    expect(second.cursor).toEqual(first.cursor);
  });

  test('a renewed post comes again with its old id, and a new one comes at once', async () => {
    const context = contextOf(sim, ada, everything);
    const first = await readAll('jobs', context);
    const [old] = sim.state.postings.keys();
    sim.state.renewPosting(old!);
    sim.state.addPostings(generatePostings({ count: 1, seed: 9, firstNumber: 900_000, newest: new Date() }));
    const second = await readAll('jobs', context, first.cursor);
    expect([...second.records.keys()]).toEqual(expect.arrayContaining([old, [...sim.state.postings.keys()].at(-1)]));
  });

  test('a mark never passes the start of its own pass', async () => {
    const start = new Date('2026-09-30T00:00:00Z');
    const pass = await readAll('jobs', contextOf(sim, ada, everything), null, start);
    expect(pass.cursor).toEqual({ searches: { all: start.toISOString() }, pass: null });
  });

  test('a search that is added later is read from its beginning', async () => {
    const first = await readAll(
      'jobs',
      contextOf(sim, ada, { saved_searches: [{ name: 'fixed', job_type: 'fixed' }] }),
    );
    const both = {
      saved_searches: [
        { name: 'fixed', job_type: 'fixed' },
        { name: 'hourly', job_type: 'hourly' },
      ],
    };
    const second = await readAll('jobs', contextOf(sim, ada, both), first.cursor);
    const hourly = [...sim.state.postings.values()].filter(({ jobType }) => jobType === 'HOURLY');
    expect([...second.records.keys()]).toEqual(expect.arrayContaining(hourly.map(({ id }) => id)));
  });

  test('a pass that broke off goes on where it stopped and leaves no hole', async () => {
    const context = contextOf(sim, ada, everything);
    const whole = await readAll('jobs', context);
    const brokenOff = upwork.streams[1]!.cursor.schema.parse(whole.pages[1]!.checkpoint);
    const rest = await readAll('jobs', context, brokenOff);
    const early = whole.pages
      .slice(0, 2)
      .flatMap((page) => page.records.map((record) => (record as { id: string }).id));
    expect(new Set([...early, ...rest.records.keys()]).size).toBe(sim.state.postings.size);
    expect(rest.cursor).toEqual(whole.cursor);
  });

  test('a search taken out of the settings while its pass was broken off does not stop the others', async () => {
    const both = {
      saved_searches: [
        { name: 'fixed', job_type: 'fixed' },
        { name: 'hourly', job_type: 'hourly' },
      ],
    };
    const whole = await readAll('jobs', contextOf(sim, ada, both));
    const brokenOff = whole.pages.at(-2)!.checkpoint;
    expect(brokenOff).toMatchObject({ pass: { search: 'hourly', done: ['fixed'] } });
    const fixedOnly = contextOf(sim, ada, { saved_searches: both.saved_searches.slice(0, 1) });
    const rest = await readAll('jobs', fixedOnly, brokenOff);
    expect(rest.pages.length).toBeGreaterThan(0);
    expect(rest.cursor).toMatchObject({ pass: null });
  });

  test('a backfill reads its own window, however far the marks are', async () => {
    const context = contextOf(sim, ada, everything);
    const { cursor } = await readAll('jobs', context);
    const since = new Date(NEWEST.getTime() - 6 * 3_600_000);
    const stream = upwork.streams.find(({ name }) => name === 'jobs')!;
    const ids = new Set<string>();
    const until = new Date(NEWEST.getTime() - 2 * 3_600_000);
    for await (const page of stream.read({ type: 'backfill', cursor, since, until }, context))
      for (const record of page.records) ids.add(stream.keyOf(record) ?? '');
    const wanted = [...sim.state.postings.values()].filter((one) => {
      const at = one.renewedAt ?? one.publishedAt;
      return at >= since && at < until;
    });
    expect(wanted.length).toBeGreaterThan(0);
    expect([...ids].sort()).toEqual(wanted.map(({ id }) => id).sort());
  });

  test('null nodes count as places and are noted: the offset stays right', async () => {
    sim.traps.nulledFields = [{ field: 'MarketplaceJobPostingSearchResult.experienceLevel', every: 10 }];
    const pass = await readAll('jobs', contextOf(sim, ada, everything));
    expect(pass.records.size).toBe(sim.state.postings.size - 23);
    expect(pass.problems.map(({ code }) => code)).toContain('platform.answer_invalid');
  });

  test('a field without scope is dropped from the query, once, and stays empty', async () => {
    sim.traps.deniedFields = ['MarketplaceJobPostingSearchResult.amount'];
    const pass = await readAll('jobs', contextOf(sim, ada, everything));
    expect(pass.records.size).toBe(sim.state.postings.size);
    expect(pass.problems).toEqual([expect.objectContaining({ code: 'platform.scope_missing' })]);
    expect(sim.journal.total).toBe(pass.pages.length + 1);
  });

  test('a key that may not search at all parks the stream', async () => {
    sim.traps.deniedFields = ['Query.marketplaceJobPostingsSearch'];
    await expect(readAll('jobs', contextOf(sim, ada, everything))).rejects.toMatchObject({
      code: 'platform.scope_missing',
      kind: 'scope',
    });
  });

  test('a field that is gone from the schema is named and marks the method gone', async () => {
    sim.traps.goneFields = ['MarketplaceJobPostingSearchResult.engagement'];
    await expect(readAll('jobs', contextOf(sim, ada, everything))).rejects.toMatchObject({
      code: 'platform.method_gone',
      message: expect.stringContaining('engagement'),
    });
  });

  test('a key that may not page gives the head of the search, says so, and its mark stays', async () => {
    sim.traps.paginationRejected = true;
    const pass = await readAll('jobs', contextOf(sim, ada, everything));
    expect(pass.records.size).toBeGreaterThan(0);
    expect(pass.problems).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('refuses paging') }),
    );
    expect(pass.cursor).toMatchObject({ searches: {} });
  });

  test('an outage on the first page that passes by itself loses nothing behind the head', async () => {
    const context = contextOf(sim, ada, everything);
    sim.faults.add({
      match: { operation: 'marketplaceJobPostingsSearch' },
      fault: { kind: 'graphql-error', message: 'Transform timeout' },
    });
    const first = await readAll('jobs', context);
    const second = await readAll('jobs', context, first.cursor);
    expect(second.records.size).toBe(sim.state.postings.size);
  });

  test('a search with more than 5,000 results says that it must be narrowed', async () => {
    sim.traps.searchCap = 100;
    const pass = await readAll('jobs', contextOf(sim, ada, everything));
    expect(pass.records.size).toBe(100);
    expect(pass.problems).toEqual([expect.objectContaining({ message: expect.stringContaining('narrow it') })]);
  });
});

describe('proposals', () => {
  const statuses = [
    'Accepted',
    'Declined',
    'Withdrawn',
    'Offered',
    'Activated',
    'Archived',
    'Hired',
    'Pending',
  ] as const;

  beforeEach(() => {
    const [posting] = sim.state.postings.keys();
    for (let index = 0; index < 120; index++) {
      const createdAt = new Date(NEWEST.getTime() - index * 3_600_000);
      sim.state.addProposal({
        accountId: ada.account.id,
        postingId: posting!,
        status: statuses[index % 8]!,
        createdAt,
      });
    }
  });

  test('a full pass brings the proposals of all eight statuses', async () => {
    const pass = await readAll('proposals', contextOf(sim, ada));
    expect([...pass.records.keys()].sort()).toEqual([...sim.state.proposals.keys()].sort());
    expect(sim.journal.total, 'the first pages of eight lists in one request').toBe(1);
  });

  test('more than one page of a status is read by its cursor, at most 40 a page (VJCA-6)', async () => {
    for (const [id] of [...sim.state.proposals].slice(0, 100))
      sim.state.replaceProposal(id, { status: 'Accepted', modifiedAt: NEWEST });
    const pass = await readAll('proposals', contextOf(sim, ada));
    expect(pass.records.size).toBe(120);
    const [, ...rest] = pass.pages.map((page) => page.records.length);
    expect(rest[0]).toBe(40);
    expect(pass.problems).toEqual([]);
  });

  test('a list that did not come with the others is asked for by itself', async () => {
    const drop = (body: unknown): unknown => {
      const { data } = body as { data: Record<string, unknown> };
      return { data: { ...data, list2: null }, errors: [{ message: 'Transform timeout', path: ['list2'] }] };
    };
    sim.faults.add({ times: 1, fault: { kind: 'garbage-page', garble: drop } });
    const pass = await readAll('proposals', contextOf(sim, ada));
    expect([...pass.records.keys()].sort()).toEqual([...sim.state.proposals.keys()].sort());
    expect(sim.journal.total).toBe(2);
  });

  test('a backfill brings the proposals that changed last inside its window', async () => {
    const [since, until] = [10, 4].map((hours) => new Date(NEWEST.getTime() - hours * 3_600_000));
    const stream = streamNamed('proposals');
    const ids: string[] = [];
    for await (const page of stream.read(
      { type: 'backfill', cursor: null, since: since!, until: until! },
      contextOf(sim, ada),
    ))
      for (const record of page.records) ids.push(stream.keyOf(record)!);
    const wanted = [...sim.state.proposals.values()].filter((one) => {
      const at = one.modifiedAt ?? one.createdAt;
      return at >= since! && at < until!;
    });
    expect(wanted).toHaveLength(6);
    expect(ids.sort()).toEqual(wanted.map(({ id }) => id).sort());
  });

  test('a proposal that moved on comes with its new status, and the pass stays small', async () => {
    const context = contextOf(sim, ada);
    const first = await readAll('proposals', context);
    const [id] = sim.state.proposals.keys();
    sim.state.changeProposalStatus(id!, 'Hired');
    const second = await readAll('proposals', context, first.cursor);
    expect(second.records.get(id!)).toMatchObject({ status: { status: 'Hired' } });
    expect(sim.journal.total, 'one request each').toBe(2);
  });

  test('a pass that broke off goes on with the status in hand', async () => {
    for (const [index, id] of [...sim.state.proposals.keys()].entries())
      sim.state.replaceProposal(id, { status: index % 2 === 0 ? 'Declined' : 'Hired', modifiedAt: NEWEST });
    const context = contextOf(sim, ada);
    const whole = await readAll('proposals', context);
    // The first pages of all, the second one of the declined, the second one of the hired.
    expect(whole.pages.map((page) => page.records.length)).toEqual([80, 20, 20]);
    const rest = await readAll('proposals', context, whole.pages[1]!.checkpoint);
    expect(rest.pages[0]!.records.map((record) => (record as { id: string }).id)).toEqual(
      whole.pages[2]!.records.map((record) => (record as { id: string }).id),
    );
    expect(rest.cursor).toEqual(whole.cursor);
  });

  test('cursors that go in a circle end the pass instead of reading for ever', async () => {
    for (const [id] of sim.state.proposals) sim.state.replaceProposal(id, { status: 'Accepted', modifiedAt: NEWEST });
    let page = 0;
    let first: object | undefined;
    const turn = (body: unknown): unknown => {
      // The simulator refuses the cursors made up here: only its first answer has data.
      const data = (body as { data: Record<string, object> | null }).data ?? {};
      first ??= data['list0']!;
      const list = { ...first, pageInfo: { endCursor: page++ % 2 === 0 ? 'one' : 'two', hasNextPage: true } };
      return { data: 'list0' in data ? { ...data, list0: list } : { proposals: list } };
    };
    sim.faults.add({ times: Infinity, fault: { kind: 'garbage-page', garble: turn } });
    await expect(readAll('proposals', contextOf(sim, ada))).rejects.toMatchObject({ code: 'sync.cursor_stuck' });
    expect(sim.journal.total).toBeLessThan(5);
  });

  test('null nodes are skipped and noted', async () => {
    sim.traps.nulledFields = [{ field: 'VendorProposalsEdge.node', every: 20 }];
    const pass = await readAll('proposals', contextOf(sim, ada));
    expect(pass.records.size).toBe(114);
    expect(pass.problems.length).toBeGreaterThan(0);
  });
});

describe('the account', () => {
  test('is named by its test call', async () => {
    expect(await upwork.test(contextOf(sim, ada))).toMatchObject({ externalAccountId: ada.account.id });
  });

  test('has one profile', async () => {
    const pass = await readAll('profile', contextOf(sim, ada));
    expect([...pass.records.keys()]).toEqual([ada.account.id]);
  });

  test('whose access token is over is refreshed once and read on', async () => {
    sim.oauth.expireAccessTokens(ada.account.id);
    const pass = await readAll('jobs', contextOf(sim, ada, everything));
    expect(pass.records.size).toBe(sim.state.postings.size);
    expect(sim.journal.countsByOperation()).toMatchObject({ token: 1 });
  });

  test('whose grant is over says so and is not asked again', async () => {
    sim.oauth.revoke(ada.account.id);
    await expect(readAll('profile', contextOf(sim, ada))).rejects.toMatchObject({
      code: 'credential.grant_dead',
      kind: 'auth',
    });
    expect(sim.journal.countsByOperation()).toMatchObject({ token: 1 });
  });
});

describe('the edge and the network', () => {
  test.each([
    [
      'an HTML 403 of the edge pauses the platform',
      { kind: 'html-403' },
      { code: 'platform.rate_limited', kind: 'rate_limited', retryAfterMs: 300_000 },
    ],
    [
      '429 is told with its wait',
      { kind: 'status', status: 429, headers: { 'Retry-After': '30' } },
      { code: 'platform.rate_limited', retryAfterMs: 30_000 },
    ],
    [
      '503 is an outage after the last attempt',
      { kind: 'status', status: 503 },
      { code: 'platform.unavailable', kind: 'transient' },
    ],
    ['truncated JSON is transient', { kind: 'truncated-json' }, { kind: 'transient' }],
    [
      'a page of garbage is transient and stores nothing',
      { kind: 'garbage-page', garble: () => ({ data: { postings: 'surprise' } }) },
      { code: 'platform.answer_invalid', kind: 'transient' },
    ],
  ] as const)('%s', async (_name, fault, expected) => {
    sim.faults.add({ times: Infinity, fault });
    await expect(readAll('jobs', contextOf(sim, ada, everything))).rejects.toMatchObject(expected);
  });

  test('a block page parks the bucket of the address: the next request waits for it without being sent', async () => {
    const governor = createMemoryGovernor({ clock: systemClock });
    const context = contextOf(sim, ada, everything, governor);
    sim.faults.add({ fault: { kind: 'html-403' } });
    await expect(readAll('jobs', context)).rejects.toMatchObject({ code: 'platform.rate_limited' });
    const other = contextOf(sim, sim.addAccount(), everything, governor);
    await expect(readAll('jobs', other)).rejects.toMatchObject({
      code: 'platform.rate_limited',
      details: { reason: 'parked' },
    });
    expect(sim.journal.total).toBe(1);
  });

  test('a reset after processing is asked again', async () => {
    sim.faults.add({ fault: { kind: 'reset-after-processing' } });
    const pass = await readAll('jobs', contextOf(sim, ada, everything));
    expect(pass.records.size).toBe(sim.state.postings.size);
  });
});
