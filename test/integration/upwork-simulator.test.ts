// The simulated Upwork behaves as the fact sheet of the platform says: asked by plain fetch, as any client would.

import { buildASTSchema, parse } from 'graphql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { sharedFile } from '../simulators/shared-folder.ts';
import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import { schemaDifferences } from '../simulators/upwork/compare-schema.ts';
import { withDuplicateKey, withoutKeys } from '../simulators/upwork/garbage.ts';
import { generatePostings } from '../simulators/upwork/generate-postings.ts';
import { subsetDocument } from '../simulators/upwork/graphql.ts';
import { loadPostingsCsv } from '../simulators/upwork/load-postings-csv.ts';
import type { LoadOptions } from '../simulators/upwork/load-postings-csv.ts';
import type { Posting } from '../simulators/upwork/model.ts';
import { ask, exchange, PROFILE_QUERY, PROPOSALS_QUERY, SEARCH_QUERY } from '../simulators/upwork/plain-client.ts';
import type { GraphqlResult } from '../simulators/upwork/plain-client.ts';
import { createUpworkSimulator } from '../simulators/upwork/simulator.ts';
import type { UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { answerViolations, officialSchema } from '../simulators/upwork/validate.ts';

interface Connection {
  readonly totalCount: number;
  readonly edges: readonly ({ readonly node: Record<string, unknown> | null } | null)[];
  readonly pageInfo: { readonly endCursor: string; readonly hasNextPage: boolean };
}

const MINUTE = 60_000;
const SPEC = sharedFile('specs/upwork/upwork.graphql');
const CSV = sharedFile('data/upwork_jobs.csv');
const official = SPEC === undefined ? undefined : officialSchema(SPEC);
const AGENCY = [
  { id: '15001', name: 'Ada Marin', kind: 'personal' },
  { id: '15002', name: 'Marin & Friends', kind: 'agency' },
] as const;

let wall = new Date('2026-10-02T08:00:00Z');
let mono = 0;
let sim: UpworkSimulator;
let added: AddedAccount;

beforeEach(async () => {
  wall = new Date('2026-10-02T08:00:00Z');
  mono = 0;
  sim = createUpworkSimulator({ now: () => wall, mono: () => mono, official });
  await sim.start();
  added = sim.addAccount();
});
afterEach(() => sim.stop());

const connection = (result: GraphqlResult): Connection => Object.values(result.data as Record<string, Connection>)[0]!;
const ids = (result: GraphqlResult): unknown[] => connection(result).edges.map((edge) => edge?.node?.['id']);
const search = (
  filter: object = { pagination_eq: { first: 10, after: '0' } },
  field = 'RECENCY',
): Promise<GraphqlResult> => ask(sim, added, { query: SEARCH_QUERY, variables: { filter, sort: [{ field }] } });
const proposals = (variables: object, tenant?: string | null): Promise<GraphqlResult> =>
  ask(
    sim,
    added,
    { query: PROPOSALS_QUERY, variables: { first: 40, status: 'Accepted', ...variables } },
    { tenant: tenant ?? added.organizationId },
  );
const pass = (ms: number): void => {
  wall = new Date(wall.getTime() + ms);
};

describe('tokens', () => {
  const refresh = (token: string) => exchange(sim, { grant_type: 'refresh_token', refresh_token: token });

  it('a refresh gives a new pair and the old refresh token stays good for the grace time only', async () => {
    const first = added.tokens.refreshToken;
    const { status, body } = await refresh(first);
    expect([status, body['token_type'], body['expires_in']]).toEqual([200, 'Bearer', 86_400]);
    expect(body['refresh_token']).not.toBe(first);
    pass(23 * 60 * MINUTE);
    expect((await refresh(first)).status).toBe(200);
    pass(60 * MINUTE);
    expect(await refresh(first)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await refresh(body['refresh_token']!)).status).toBe(200);
    expect(sim.oauth.refreshes).toBe(3);
  });

  it('strict single use revokes the family when a refresh token comes twice', async () => {
    await sim.stop();
    sim = createUpworkSimulator({ tokens: { strictSingleUse: true } });
    await sim.start();
    added = sim.addAccount();
    const { body } = await refresh(added.tokens.refreshToken);
    expect((await refresh(added.tokens.refreshToken)).body['error']).toBe('invalid_grant');
    expect((await refresh(body['refresh_token']!)).body['error']).toBe('invalid_grant');
    expect((await ask(sim, added, { query: '{ user { id } }' }, { token: body['access_token']! })).status).toBe(401);
  });

  it.each([['client_id'], ['client_secret']])('a form without %s is a 400', async (name) => {
    const form = { grant_type: 'refresh_token', refresh_token: added.tokens.refreshToken, [name]: '' };
    expect(await exchange(sim, form)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it('an access token ends after its life, and when the user revokes the app', async () => {
    expect((await search()).status).toBe(200);
    pass(24 * 60 * MINUTE);
    expect((await search()).status).toBe(401);
    const { body } = await refresh(added.tokens.refreshToken);
    expect((await ask(sim, added, { query: '{ user { id } }' }, { token: body['access_token']! })).status).toBe(200);
    sim.oauth.revoke(added.account.id);
    expect((await refresh(body['refresh_token']!)).body['error']).toBe('invalid_grant');
  });

  it('an authorization code is good once for its redirect address', async () => {
    const code = sim.oauth.issueCode(added.account.id, 'https://app.test/back');
    const form = { grant_type: 'authorization_code', code, redirect_uri: 'https://app.test/back' };
    expect((await exchange(sim, form)).status).toBe(200);
    expect((await exchange(sim, form)).body['error']).toBe('invalid_grant');
  });
});

describe('job search', () => {
  it('pages by offset cursors through every posting, newest first, in the official shapes', async () => {
    sim.state.addPostings(generatePostings({ count: 230 }));
    const seen: unknown[] = [];
    let page = await search({ pagination_eq: { first: 50, after: '0' } });
    expect(connection(page).pageInfo.endCursor).toBe('50');
    for (let pages = 1; pages < 10; pages++) {
      seen.push(...ids(page));
      const { hasNextPage, endCursor } = connection(page).pageInfo;
      if (!hasNextPage) break;
      page = await search({ pagination_eq: { first: 50, after: endCursor } });
    }
    expect(new Set(seen).size).toBe(230);
    expect(seen).toHaveLength(230);
    const { node } = connection(page).edges[0]!;
    expect(node!['publishedDateTime']).toMatch(/^2026-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/);
    expect(sim.violations).toEqual([]);
  });

  it('texts arrive with NUL, HTML and half emoji, budgets may be missing', async () => {
    sim.state.addPostings(generatePostings({ count: 300 }));
    const pages = await Promise.all(
      ['0', '100', '200'].map((after) => search({ pagination_eq: { first: 100, after } })),
    );
    const nodes = pages.flatMap((page) => connection(page).edges.map((edge) => edge!.node!));
    expect(pages[0]!.text + pages[1]!.text + pages[2]!.text).toContain('\\u0000');
    for (const part of ['\0', '<script>', '\uD83D', '需要']) {
      expect(
        nodes.some(({ description, title }) => `${String(description)}${String(title)}`.includes(part)),
        part,
      ).toBe(true);
    }
    expect(nodes.some((node) => node['hourlyBudgetType'] === 'NOT_PROVIDED' && node['hourlyBudgetMin'] === null)).toBe(
      true,
    );
    expect(nodes.some((node) => node['renewedDateTime'] !== null)).toBe(true);
  });

  it('a renewed posting keeps its id and moves to the top, a closed one leaves', async () => {
    sim.state.addPostings(generatePostings({ count: 30, newest: new Date('2026-10-02T07:00:00Z') }));
    const before = ids(await search({ pagination_eq: { first: 30, after: '0' } })) as string[];
    sim.state.renewPosting(before[29]!);
    sim.state.closePosting(before[0]!);
    const after = await search({ pagination_eq: { first: 30, after: '0' } });
    expect(ids(after)).toEqual([before[29], ...before.slice(1, 29)]);
    expect(connection(after).edges[0]!.node!['renewedDateTime']).toBe('2026-10-02T08:00:00+0000');
  });

  it.each([
    ['title:react -shopify', (text: string) => text.includes('react') && !text.includes('shopify')],
    ['"blue whale" OR 電子', (text: string) => text.includes('blue whale') || text.includes('電子')],
  ])('searchExpression_eq %s finds what it says', async (expression, isRight) => {
    sim.state.addPostings(generatePostings({ count: 300 }));
    const found = connection(
      await search({ searchExpression_eq: expression, pagination_eq: { first: 100, after: '0' } }),
    );
    expect(found.totalCount).toBeGreaterThan(0);
    for (const edge of found.edges) expect(isRight(JSON.stringify(edge!.node).toLowerCase())).toBe(true);
  });

  it('filters divide the postings, and a search ends at its cap', async () => {
    sim.state.addPostings(generatePostings({ count: 400 }));
    const totals = await Promise.all(['HOURLY', 'FIXED'].map((jobType_eq) => search({ jobType_eq })));
    expect(totals.reduce((sum, result) => sum + connection(result).totalCount, 0)).toBe(400);
    expect(connection(totals[0]!).edges).toHaveLength(10);
    sim.traps.searchCap = 120;
    const last = connection(await search({ pagination_eq: { first: 50, after: '100' } }));
    expect([last.totalCount, last.edges.length, last.pageInfo.hasNextPage]).toEqual([400, 20, false]);
  });

  it('an API key that dislikes pagination gets a 500, or ten rows', async () => {
    sim.state.addPostings(generatePostings({ count: 60 }));
    sim.traps.paginationRejected = true;
    expect(await search()).toMatchObject({ status: 500, text: '{"message":"Exception occurred"}' });
    expect(connection(await search({})).edges).toHaveLength(10);
  });
});

describe('errors inside 200', () => {
  beforeEach(() => sim.state.addPostings(generatePostings({ count: 40 })));

  it('a nulled non-null field removes its edge and is reported', async () => {
    sim.traps.nulledFields = [{ field: 'MarketplaceJobPostingSearchResult.experienceLevel', every: 4 }];
    const result = await search({ pagination_eq: { first: 20, after: '0' } });
    expect(ids(result).filter((id) => id === undefined)).toHaveLength(5);
    expect(connection(result).pageInfo.endCursor).toBe('20');
    expect(result.errors).toHaveLength(5);
    expect(result.errors[0]!.extensions?.['classification']).toBe('NullValueInNonNullableField');
    expect(sim.violations).toEqual([]);
  });

  it('a missing scope names the fields and aborts', async () => {
    const poor = sim.addAccount({ scopes: ['pub-commons:read:all'] });
    const { status, data, errors } = await ask(sim, poor, {
      query: PROPOSALS_QUERY,
      variables: { status: 'Hired', first: 5 },
    });
    expect([status, data, errors[0]!.extensions]).toEqual([200, null, { classification: 'ExecutionAborted' }]);
    expect(errors[0]!.message).toMatch(
      /oauth2 permissions\/scopes to access: \[Query\.vendorProposals, VendorProposal\.id/,
    );
  });

  it('a field that is gone is a ValidationError, so is an unknown filter', async () => {
    sim.traps.goneFields = ['MarketplaceJobPostingSearchResult.premium'];
    const gone = await search();
    expect(gone.errors[0]).toMatchObject({ extensions: { classification: 'ValidationError' } });
    expect(gone.errors[0]!.message).toContain('"premium"');
    sim.traps.goneFields = [];
    expect((await search({ daysPosted_eq: 3 })).errors[0]).toMatchObject({
      extensions: { classification: 'ValidationError' },
    });
  });
});

describe('proposals and profile', () => {
  const posting = generatePostings({ count: 1 })[0]!;
  const send = (change: object = {}) =>
    sim.state.addProposal({ accountId: added.account.id, postingId: posting.id, ...change });

  beforeEach(() => sim.state.addPostings([posting]));

  it('one status per query, newest change first, opaque cursors, epoch milliseconds', async () => {
    const sent = Array.from({ length: 50 }, () => send());
    pass(5 * MINUTE);
    sim.state.changeProposalStatus(sent[0]!.id, 'Activated');
    sim.state.replaceProposal(sent[7]!.id, { coverLetter: 'Better' });
    const first = await proposals({});
    const second = await proposals({ after: connection(first).pageInfo.endCursor });
    expect([ids(first).length, ids(second).length, ids(first)[0]]).toEqual([40, 9, sent[7]!.id]);
    expect(new Set([...ids(first), ...ids(second)]).size).toBe(49);
    const activated = connection(await proposals({ status: 'Activated' })).edges[0]!.node!;
    expect(activated['auditDetails']).toMatchObject({ modifiedDateTime: { rawValue: String(wall.getTime()) } });
    expect(sim.violations).toEqual([]);
  });

  it.each([[{ first: 41 }], [{ after: '0' }]])('%j is refused with VJCA-6', async (page) => {
    const { status, data, errors } = await proposals(page);
    expect([status, data, errors[0]!.extensions?.['code']]).toEqual([200, null, 'VJCA-6']);
  });

  it('without the tenant header the agency looks empty', async () => {
    added = sim.addAccount({ organizations: AGENCY });
    send({ organizationId: AGENCY[1].id });
    expect(connection(await proposals({})).totalCount).toBe(1);
    const query = { query: PROPOSALS_QUERY, variables: { first: 40, status: 'Accepted' } };
    expect(connection(await ask(sim, added, query, { tenant: null })).totalCount).toBe(0);
    expect((await proposals({}, '999')).status).toBe(403);
    expect(sim.journal.entries.map(({ tenant }) => tenant)).toEqual(['15002', undefined, '999']);
  });

  it('the profile follows its changes', async () => {
    sim.state.changeProfile(added.account.id, { title: 'Plumber' });
    const { data, errors } = await ask(sim, added, { query: PROFILE_QUERY });
    expect(errors).toEqual([]);
    expect(data).toMatchObject({
      user: { id: added.account.id, freelancerProfile: { personalData: { title: 'Plumber' } } },
    });
    expect(sim.violations).toEqual([]);
  });
});

describe('faults, limits and the journal', () => {
  it('rules fire after N, M times, in order, and only where they match', async () => {
    sim.faults.add({
      match: { operation: 'marketplaceJobPostingsSearch' },
      after: 1,
      times: 2,
      fault: { kind: 'status', status: 503 },
    });
    sim.faults.add({ match: { operation: 'user' }, fault: { kind: 'html-403' } });
    const statuses = [];
    for (let count = 0; count < 4; count++) statuses.push((await search()).status);
    expect(statuses).toEqual([200, 503, 503, 200]);
    expect(await ask(sim, added, { query: '{ user { id } }' })).toMatchObject({
      status: 403,
      text: expect.stringContaining('<html'),
    });
    expect(sim.faults.pending).toBe(0);
    expect(sim.journal.countsByOperation()).toEqual({ marketplaceJobPostingsSearch: 4, user: 1 });
  });

  it('a reset after processing has rotated the token', async () => {
    sim.faults.add({ match: { operation: 'token' }, fault: { kind: 'reset-after-processing' } });
    const form = { grant_type: 'refresh_token', refresh_token: added.tokens.refreshToken };
    await expect(exchange(sim, form)).rejects.toThrow('fetch failed');
    expect([sim.oauth.refreshes, sim.journal.entries[0]!.status]).toEqual([1, 0]);
    sim.faults.add({ fault: { kind: 'reset' } });
    await expect(exchange(sim, form)).rejects.toThrow('fetch failed');
    expect(sim.oauth.refreshes).toBe(1);
  });

  it('bodies can be cut, garbled, or carry an error', async () => {
    sim.state.addPostings(generatePostings({ count: 20 }));
    sim.faults.add({ fault: { kind: 'truncated-json' } });
    sim.faults.add({ fault: { kind: 'garbage-page', garble: withoutKeys } });
    sim.faults.add({ fault: { kind: 'garbage-page', garble: withDuplicateKey } });
    sim.faults.add({ fault: { kind: 'graphql-error', message: 'Transform timeout' } });
    const cut = await search();
    expect([cut.status, cut.data]).toEqual([200, undefined]);
    expect(ids(await search()).every((id) => id === undefined)).toBe(true);
    const twice = ids(await search());
    expect([twice.length, twice[0]]).toEqual([11, twice[1]]);
    expect(await search()).toMatchObject({ status: 200, data: null, errors: [{ message: 'Transform timeout' }] });
  });

  it('a held request is seen on arrival and answered on release', async () => {
    const release = Promise.withResolvers<void>();
    sim.faults.add({ fault: { kind: 'hold', until: release.promise } });
    const answer = search();
    const arrived = await sim.journal.waitForRequest(({ operation }) => operation === 'marketplaceJobPostingsSearch');
    expect([arrived.status, arrived.fault, arrived.operationName]).toEqual([null, 'hold', 'Search']);
    release.resolve();
    expect((await answer).status).toBe(200);
    await sim.journal.waitForRequest(({ status }) => status === 200);
  });

  it('stopping ends a held request instead of waiting for it', async () => {
    sim.faults.add({ fault: { kind: 'slow', ms: 3_600_000 } });
    const answer = search().catch((error: unknown) => error);
    await sim.journal.waitForRequest(() => true);
    await sim.stop();
    expect(await answer).toBeInstanceOf(Error);
  });

  it('more than the limit in a sliding minute is a 429, and the journal proves the peak', async () => {
    sim.rateLimit = { max: 3 };
    const statuses = [];
    for (const at of [0, 10, 20, 30, 59_999, 60_031]) {
      mono = at;
      statuses.push((await search()).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429, 200]);
    expect([sim.journal.maxInWindow(MINUTE), sim.journal.maxInWindow(25)]).toEqual([5, 3]);
  });
});

describe('real inputs', () => {
  const rowsOf = async (options: LoadOptions): Promise<Posting[]> => {
    const postings: Posting[] = [];
    for await (const posting of loadPostingsCsv(CSV!, options)) postings.push(posting);
    return postings;
  };

  it.skipIf(CSV === undefined)(
    'all 18,600 rows of the CSV become postings with their own ids (needs ../shared)',
    async () => {
      const postings = await rowsOf({});
      expect([postings.length, new Set(postings.map(({ id }) => id)).size]).toEqual([18_600, 18_600]);
      expect(postings[5]).toMatchObject({
        title: 'Php Laravel Website Design and Error Fixing for Food Business',
        amount: { rawValue: '18.0' },
      });
      expect(postings[3]).toMatchObject({
        jobType: 'HOURLY',
        hourlyBudgetMin: { rawValue: '25.0' },
        skills: { length: 7 },
      });
      expect(await rowsOf({ limit: 2 })).toEqual(postings.slice(0, 2));
    },
  );

  it.skipIf(official === undefined)('the schema says nothing that the official one does not (needs ../shared)', () => {
    expect(schemaDifferences(buildASTSchema(subsetDocument()), official!)).toEqual([]);
  });

  it.skipIf(official === undefined)('an answer of another shape is a violation (needs ../shared)', () => {
    const document = parse('{ user { id email } }');
    const data = { user: { id: 7, email: null, age: 3 } };
    const found = ['answer: data.user.id 7 is not a ID', 'answer: data.user.age was not asked for'];
    expect(answerViolations({ schema: official!, document, variables: {}, data })).toEqual(found);
  });

  it.skipIf(official === undefined)(
    'a query that only Upwork knows is told apart from a wrong one (needs ../shared)',
    async () => {
      const unmodelled = await ask(sim, added, { query: '{ countries { id } }' });
      expect([unmodelled.status, sim.violations]).toEqual([501, []]);
      await ask(sim, added, { query: '{ user { shoeSize } }' });
      expect(sim.violations).toEqual(['query: Cannot query field "shoeSize" on type "CurrentUser".']);
    },
  );
});
