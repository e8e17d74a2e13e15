// The core of the Ozon connector against a simulated Ozon: who the account is, what every refusal means, and the limits.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createOzonApi } from '../../src/connectors/ozon/api.ts';
import { ozon } from '../../src/connectors/ozon/index.ts';
import { API_RULE, chargesOf } from '../../src/connectors/ozon/limits.ts';
import type { AppError } from '../../src/core/errors.ts';
import type { BucketCharge, Governor } from '../../src/limits/governor.ts';
import { OPEN_GOVERNOR, rigContext } from '../support/connector-rig.ts';
import { startOzon, type OzonWorld } from '../support/ozon.ts';

const INFO = '/v1/seller/info';

let world: OzonWorld;

beforeEach(async () => {
  world = await startOzon({}, { name: 'Tea and More' });
});

afterEach(async () => {
  await world.stop();
});

const api = () => createOzonApi(world.context() as Parameters<typeof createOzonApi>[0]);
const ask = async (): Promise<unknown> => await api().call(INFO, {}, z.unknown());
const failure = async (work: () => Promise<unknown> = ask): Promise<AppError> => {
  try {
    await work();
  } catch (error) {
    return error as AppError;
  }
  throw new Error('expected a failure');
};

describe('the account', () => {
  test('test() names the Client-Id, the shop and the end of the key', async () => {
    expect(await ozon.test(world.context())).toEqual({
      externalAccountId: world.clientId,
      displayName: 'Tea and More',
      credentialExpiresAt: world.seller.seller.keyExpiresAt,
    });
  });

  test('the stream account holds company, ratings and roles, says when the key ends, and takes three requests', async () => {
    world.seller.seller.roles = [
      { name: 'Products', methods: ['/v1/seller/info', '/v1/rating', '/v1/roles', '/v3/product/list'] },
    ];
    const cost = await world.costOf(async () => {
      const pass = await world.read('account');
      expect(pass.pages[0]?.credentialExpiresAt).toEqual(world.seller.seller.keyExpiresAt);
      const [account] = world.parsed('account', pass);
      expect(account).toMatchObject({
        accountKey: world.clientId,
        name: 'Tea and More',
        legalName: 'Tea and More LLC',
        currency: 'RUB',
        subscription: 'PREMIUM_PRO',
        rating: '4.8',
        permissions: ['Products'],
        credentialExpiresAt: world.seller.seller.keyExpiresAt,
        details: { taxSystem: 'USN', penaltyScoreExceeded: false },
      });
    });
    expect(cost).toEqual({ '/v1/seller/info': 1, '/v1/roles': 1, '/v1/rating/summary': 1 });
  });

  test('null objects: ratings without a past are kept', async () => {
    world.sim.traps.nullObjects = true;
    const [account] = world.parsed('account', await world.read('account'));
    expect(account).toMatchObject({ rating: '4.8' });
  });

  test('a key that may not see the ratings leaves them out, and says so', async () => {
    world.sim.traps.outsideRoles = new Set(['/v1/rating/summary']);
    const pass = await world.read('account');
    expect(pass.problems).toMatchObject([{ code: 'platform.scope_missing', details: { reason: 'role' } }]);
    expect(world.parsed('account', pass)).toHaveLength(1);
  });
});

describe('refusals', () => {
  test('method switched off, code 9: gone', async () => {
    world.sim.traps.switchedOff = new Map([[INFO, 'obsolete']]);
    expect(await failure()).toMatchObject({ code: 'platform.method_gone', details: { method: INFO, code: 9 } });
  });

  test('method switched off, 404 on a known path: gone', async () => {
    world.sim.traps.switchedOff = new Map([[INFO, 'absent']]);
    expect(await failure()).toMatchObject({ code: 'platform.method_gone', details: { status: 404 } });
  });

  test('404 that names a thing is about the thing', async () => {
    world.sim.faults.add({ fault: { kind: 'status', status: 404, body: { code: 5, message: 'chat 17 not found' } } });
    expect(await failure()).toMatchObject({ code: 'platform.request_invalid' });
  });

  test('403 by plan: the stream is parked, with the platform’s words', async () => {
    world.sim.traps.outsideSubscription = new Set([INFO]);
    const error = await failure();
    expect(error).toMatchObject({ code: 'platform.scope_missing', kind: 'scope', details: { reason: 'subscription' } });
    expect(error.message).toContain('existing subscription');
  });

  test('403 by role', async () => {
    world.seller.seller.roles = [{ name: 'Reports', methods: ['/v1/report'] }];
    expect(await failure()).toMatchObject({
      code: 'platform.scope_missing',
      details: { reason: 'role', method: INFO },
    });
  });

  test('403 by address names the address that a person must admit', async () => {
    world.sim.traps.addressRefused = true;
    const error = await failure();
    expect(error).toMatchObject({ code: 'credential.invalid', kind: 'config', details: { egressId: 'test' } });
    expect(error.message).toContain('outgoing address of "test"');
  });

  test('an unknown, deactivated or dead key stops the integration and is not quoted', async () => {
    world.seller.seller.isActive = false;
    const error = await failure();
    expect(error).toMatchObject({ code: 'platform.unauthorized', kind: 'auth' });
    expect(error.message).not.toContain(world.seller.credentials.api_key);
    const other = rigContext({
      connector: ozon,
      baseUrl: world.sim.baseUrl,
      credentials: { client_id: world.clientId, api_key: 'another' },
    });
    expect(await failure(() => ozon.test(other))).toMatchObject({ code: 'platform.unauthorized' });
  });

  test('a blocked company stops the integration', async () => {
    world.sim.traps.companyBlocked = true;
    expect(await failure()).toMatchObject({ kind: 'auth', details: { reason: 'company_blocked' } });
  });

  test('PERIOD_IS_TOO_LONG is told apart from other mistakes of ours', async () => {
    const body = { code: 3, message: 'PERIOD_IS_TOO_LONG', details: [] };
    world.sim.faults.add({ fault: { kind: 'status', status: 400, body } });
    expect(await failure()).toMatchObject({ code: 'platform.request_invalid', details: { reason: 'period_too_long' } });
    world.sim.faults.add({ fault: { kind: 'status', status: 400, body: { ...body, message: 'value out of range' } } });
    const other = await failure();
    expect(other).toMatchObject({ code: 'platform.request_invalid' });
    expect(other.details).not.toHaveProperty('reason');
  });

  test('circle is open: this run waits for minutes, the shop’s bucket does not', async () => {
    world.sim.traps.circuitOpen = new Set([INFO]);
    expect(await failure()).toMatchObject({ code: 'platform.rate_limited', retryAfterMs: 300_000 });
  });

  test('errors inside 200 are errors', async () => {
    world.sim.traps.failureInside = new Set([INFO]);
    world.sim.traps.outsideRoles = new Set([INFO]);
    expect(await failure()).toMatchObject({ code: 'platform.scope_missing', details: { status: 200 } });
  });

  test('a conflict, an internal error and HTML are for another try', async () => {
    const { faults } = world.sim;
    faults.add({ fault: { kind: 'status', status: 409, body: { code: 10, message: 'aborted' } } });
    expect(await failure()).toMatchObject({ code: 'platform.unavailable', kind: 'transient' });
    faults.add({ times: 3, fault: { kind: 'status', status: 500, body: { code: 13, message: 'Internal error' } } });
    expect(await failure()).toMatchObject({ code: 'platform.unavailable', kind: 'transient' });
    faults.add({ fault: { kind: 'html-403' } });
    expect(await failure()).toMatchObject({ code: 'platform.answer_invalid', kind: 'transient' });
    faults.add({ fault: { kind: 'truncated-json' } });
    expect(await failure()).toMatchObject({ kind: 'transient' });
  });

  test('a method that was refused for good is not asked again in its run', async () => {
    world.sim.traps.outsideRoles = new Set([INFO]);
    const { call } = api();
    const first = await failure(() => call(INFO, {}, z.unknown()));
    const cost = await world.costOf(async () => {
      expect(await failure(() => call(INFO, { page: 2 }, z.unknown()))).toBe(first);
    });
    expect(cost).toEqual({});
  });
});

describe('limits', () => {
  test('429 per second: the shop’s bucket is parked for some seconds', async () => {
    world.sim.limits.perSecond = 1;
    const parked: unknown[] = [];
    const governor: Governor = { ...OPEN_GOVERNOR, learn: async (lesson) => void parked.push(lesson) };
    const { connector, baseUrl, credentials } = { connector: ozon, baseUrl: world.sim.baseUrl, ...world.seller };
    const context = rigContext({ connector, baseUrl, credentials, governor });
    const error = await failure(() => ozon.test(context));
    expect(error).toMatchObject({ code: 'platform.rate_limited', retryAfterMs: 5_000 });
    expect(parked).toContainEqual(expect.objectContaining({ key: world.clientId, outcome: 'rate_limited' }));
  });

  test('every request is charged to the Client-Id, some to the method too, so that users of one shop share', () => {
    const names = (charges: readonly BucketCharge[]): readonly string[] =>
      charges.map(({ rule, key }) => `${rule.id} ${key}`);
    expect(names(chargesOf('/v1/roles', '7'))).toEqual(['ozon.api 7']);
    expect(names(chargesOf('/v1/analytics/data', '7'))).toEqual(['ozon.analytics_data 7', 'ozon.api 7']);
    expect(API_RULE.burst + API_RULE.requests).toBeLessThan(50);
  });

  test('1 a minute: the second request for analytics is refused at once', async () => {
    world.sim.limits.perMinute = { [INFO]: 1 };
    await ask();
    expect(await failure()).toMatchObject({ code: 'platform.rate_limited' });
  });
});
