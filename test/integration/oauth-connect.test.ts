// Connecting accounts by consent, from the address that a user is sent to until his account is there.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callerOf } from '../support/api-client.ts';
import { createConnectWorld } from '../support/connect-world.ts';
import { issueToken } from '../support/api.ts';
import { UPWORK_STREAMS } from '../support/upwork-streams.ts';

const world = await createConnectWorld();
const { sim, engine, call } = world;
const tokenRequests = (): number => sim.journal.countsByOperation()['token'] ?? 0;

beforeEach(() => {
  sim.journal.clear();
  sim.faults.clear();
  Object.assign(sim.traps, { consent: 'given', consentingAccount: null });
});
// All tests come from one address.
afterEach(() => engine.asSuperuser('truncate door_guesses'));

describe('a consent', () => {
  test('becomes an integration whose streams are due', async () => {
    const { account } = sim.addAccount();
    await world.work();
    const { exchangeId, authorizeUrl } = await world.begin(await world.addUser());
    const page = await world.consent(authorizeUrl);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('Upwork has sent you back')]);
    const done = await world.until(exchangeId, 'done');
    expect(done).toMatchObject({ integrationId: exchangeId, account: { externalAccountId: account.id } });
    expect(done).toMatchObject({ missingScopes: [], error: null });
    const { body } = await call('GET', `/v1/integrations/${exchangeId}`);
    expect(body).toMatchObject({
      status: 'connected',
      externalAccountId: account.id,
      settings: { organization_id: account.organizations[0]!.id },
      reconnect: null,
    });
    const streams = body['streams'] as { stream: string; nextSyncAt: string }[];
    expect(streams.map(({ stream }) => stream)).toEqual(UPWORK_STREAMS.toSorted());
    for (const { nextSyncAt } of streams) expect(Date.parse(nextSyncAt)).toBeLessThanOrEqual(Date.now());
    const leftMs = Date.parse(body['grantExpiresAt'] as string) - Date.now();
    expect(leftMs / 86_400_000).toBeCloseTo(14, 1);
    expect(tokenRequests()).toBe(1);
    expect(sim.violations).toEqual([]);
  });

  test('leaves nothing sealed behind but the credential, whose every opening is a line of its chain', async () => {
    sim.addAccount();
    await world.work();
    const id = await world.connect(await world.addUser());
    const secrets = await engine.asSuperuser('select part from oauth_exchange_secrets where exchange_id = $1', [id]);
    expect(secrets).toEqual([]);
    const { body } = await call('GET', `/v1/integrations/${id}/openings`);
    const reasons = (body['items'] as { reason: string }[]).map(({ reason }) => reason);
    expect(reasons).toEqual(['exchange', 'oauth_app']);
  });

  test('for several organisations waits until one is chosen, and then acts for it', async () => {
    const organizations = [
      { id: '1501', name: 'Ada Marin', kind: 'personal' },
      { id: '1502', name: 'Marin & Co', kind: 'agency' },
    ] as const;
    sim.addAccount({ organizations });
    await world.work();
    const { exchangeId, authorizeUrl } = await world.begin(await world.addUser());
    await world.consent(authorizeUrl);
    const choosing = await world.until(exchangeId, 'choosing');
    expect(choosing.organizations.map(({ id, title }) => [id, title])).toEqual([
      ['1501', 'Ada Marin'],
      ['1502', 'Marin & Co'],
    ]);
    const path = `/v1/oauth/exchanges/${exchangeId}/organization`;
    expect(await call('POST', path, { organizationId: '1503' })).toMatchObject({
      status: 400,
      body: { code: 'oauth.organization_unknown' },
    });
    expect(await call('POST', path, { organizationId: '1502' })).toMatchObject({ status: 202 });
    await world.until(exchangeId, 'done');
    const { body } = await call('GET', `/v1/integrations/${exchangeId}`);
    expect(body).toMatchObject({ settings: { organization_id: '1502' } });
    expect(await call('POST', path, { organizationId: '1501' })).toMatchObject({
      status: 409,
      body: { code: 'api.conflict' },
    });
    expect(tokenRequests()).toBe(1);
  });

  test('with a key that lacks a permission says which streams it does not open', async () => {
    sim.addAccount({ scopes: ['pub-commons:read:all', 'pub-marketplace-job-postings:read:all'] });
    await world.work();
    const id = await world.connect(await world.addUser());
    const { missingScopes } = await world.exchange(id);
    expect(missingScopes?.map(({ stream }) => stream)).toEqual([
      'profile',
      'proposals',
      'contracts',
      'rooms',
      'messages',
      'transactions',
    ]);
  });

  test('for an account that the user has already is refused, with the id to renew', async () => {
    sim.addAccount();
    await world.work();
    const userId = await world.addUser();
    const id = await world.connect(userId);
    const { exchangeId, authorizeUrl } = await world.begin(userId);
    await world.consent(authorizeUrl);
    expect((await world.until(exchangeId, 'failed')).error).toMatchObject({
      code: 'oauth.already_connected',
      message: expect.stringContaining(id),
    });
  });

  test('of one user is nothing to another user’s token', async () => {
    const [ada, bo] = [await world.addUser(), await world.addUser()];
    const { exchangeId } = await world.begin(ada);
    const token = await issueToken(engine.databases.api, ['admin']);
    await engine.asSuperuser(`update api_tokens set user_id = $1 where token_hash = sha256($2)`, [bo, token]);
    const asBo = callerOf(call.address, token);
    expect(await asBo('GET', `/v1/oauth/exchanges/${exchangeId}`)).toMatchObject({ status: 404 });
    const body = { userId: ada, platform: 'upwork' };
    expect(await asBo('POST', '/v1/oauth/exchanges', body)).toMatchObject({ status: 404 });
  });
});

describe('a state', () => {
  async function goneWith(change: (back: URL) => void): Promise<string> {
    sim.addAccount();
    const { exchangeId, authorizeUrl } = await world.begin(await world.addUser());
    const back = await world.addressBack(authorizeUrl);
    change(back);
    const page = await fetch(back);
    expect([page.status, await page.text()]).toEqual([400, expect.stringContaining('This link is over')]);
    return (await world.exchange(exchangeId)).status;
  }

  test('that nobody waits for, or for another platform, changes nothing', async () => {
    expect(await goneWith((back) => back.searchParams.set('state', 'x'.repeat(43)))).toBe('pending');
    expect(await goneWith((back) => back.searchParams.delete('state'))).toBe('pending');
    expect(await goneWith((back) => back.searchParams.append('state', 'again'))).toBe('pending');
    expect(await goneWith((back) => void (back.pathname = '/oauth/callback/github'))).toBe('pending');
  });

  test('is over after ten minutes', async () => {
    sim.addAccount();
    const { exchangeId, authorizeUrl } = await world.begin(await world.addUser());
    const [row] = await engine.asSuperuser<{ minutes: number }>(
      `select extract(epoch from expires_at - created_at)::int / 60 as minutes from oauth_exchanges where id = $1`,
      [exchangeId],
    );
    expect(row).toEqual({ minutes: 10 });
    await engine.asSuperuser('update oauth_exchanges set expires_at = now() where id = $1', [exchangeId]);
    expect((await world.consent(authorizeUrl)).status).toBe(400);
  });

  test('is good once, and a look at the headers does not spend it', async () => {
    sim.addAccount();
    await world.work();
    const { exchangeId, authorizeUrl } = await world.begin(await world.addUser());
    const back = await world.addressBack(authorizeUrl);
    expect((await fetch(back, { method: 'HEAD' })).status).toBe(404);
    expect((await fetch(back)).status).toBe(200);
    expect((await fetch(back)).status).toBe(400);
    await world.until(exchangeId, 'done');
  });
});

describe('what goes wrong at the platform', () => {
  test('a denial is told to the user and written down', async () => {
    sim.addAccount();
    sim.traps.consent = 'denied';
    const { exchangeId, authorizeUrl } = await world.begin(await world.addUser());
    expect(await (await world.consent(authorizeUrl)).text()).toContain('you did not consent');
    expect(await world.exchange(exchangeId)).toMatchObject({
      status: 'failed',
      error: { code: 'oauth.denied', message: expect.stringContaining('access_denied') },
    });
    expect(tokenRequests()).toBe(0);
  });

  const spend = (back: URL): void => {
    const { clientId, clientSecret } = sim.oauth.app;
    const form = { grant_type: 'authorization_code', client_id: clientId, client_secret: clientSecret };
    const brought = { code: back.searchParams.get('code') ?? '', redirect_uri: back.origin + back.pathname };
    expect(sim.oauth.exchange(new URLSearchParams({ ...form, ...brought })).status).toBe(200);
  };

  test.for([
    ['is over', () => sim.oauth.expireCodes()],
    ['was used before', spend],
  ] as const)('a code that %s ends the exchange, and is sent once', async ([, ruin]) => {
    sim.addAccount();
    const { exchangeId, authorizeUrl } = await world.begin(await world.addUser());
    const back = await world.addressBack(authorizeUrl);
    ruin(back);
    await fetch(back);
    await world.work();
    expect((await world.until(exchangeId, 'failed')).error).toMatchObject({ code: 'oauth.code_refused' });
    expect(tokenRequests()).toBe(1);
  });

  test('an answer that is lost after the code was read leaves a doubt, and no second try', async () => {
    sim.addAccount();
    sim.faults.add({ match: { operation: 'token' }, fault: { kind: 'reset-after-processing' } });
    await world.work();
    const { exchangeId, authorizeUrl } = await world.begin(await world.addUser());
    await world.consent(authorizeUrl);
    expect((await world.until(exchangeId, 'failed')).error).toMatchObject({ code: 'oauth.exchange_in_doubt' });
    expect(tokenRequests()).toBe(1);
  });
});

// The last one: this server remembers the address for a while.
describe('an address', () => {
  test('that brings wrong states is locked out, like one with wrong tokens', async () => {
    const wrong = new URL('/oauth/callback/upwork', call.address);
    const statuses: number[] = [];
    for (let n = 0; n < 61; n += 1) {
      wrong.search = `?code=1&state=${n}`;
      statuses.push((await fetch(wrong)).status);
    }
    expect(statuses.slice(-2)).toEqual([400, 429]);
  });
});
