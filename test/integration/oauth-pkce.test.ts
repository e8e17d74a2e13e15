// A platform that takes a code challenge, all the way: the verifier is sealed before its user is sent off, and opened by the worker.

import { expect, test } from 'vitest';
import { upwork } from '../../src/connectors/upwork/index.ts';
import { oauthOf } from '../../src/ops/begin-exchange.ts';
import { createConnectWorld } from '../support/connect-world.ts';

const auth = oauthOf(upwork);
const world = await createConnectWorld({
  ...upwork,
  auth: { ...auth, connect: { ...auth.connect, pkce: 'S256' } },
});
const { sim, engine } = world;
sim.traps.challenges = 'checked';

const partsOf = async (exchangeId: string): Promise<readonly string[]> => {
  const rows = await engine.asSuperuser<{ part: string }>(
    'select part from oauth_exchange_secrets where exchange_id = $1 order by part',
    [exchangeId],
  );
  return rows.map(({ part }) => part);
};

test('the verifier waits sealed, goes with the code, and nothing of either stays', async () => {
  sim.addAccount();
  const { exchangeId, authorizeUrl } = await world.begin(await world.addUser());
  expect(new URL(authorizeUrl).searchParams.get('code_challenge_method')).toBe('S256');
  expect(await partsOf(exchangeId)).toEqual(['verifier']);
  await world.consent(authorizeUrl);
  expect(await partsOf(exchangeId)).toEqual(['code', 'verifier']);
  await world.work();
  expect(await world.until(exchangeId, 'done', 'failed')).toMatchObject({ status: 'done' });
  expect(await partsOf(exchangeId)).toEqual([]);
});

test('a code that was asked for with another challenge is refused', async () => {
  sim.addAccount();
  const { exchangeId, authorizeUrl } = await world.begin(await world.addUser());
  const swapped = new URL(authorizeUrl);
  swapped.searchParams.set('code_challenge', 'x'.repeat(43));
  await world.consent(swapped.href);
  await world.work();
  expect((await world.until(exchangeId, 'failed')).error).toMatchObject({ code: 'oauth.code_refused' });
});
