// Where state, code, verifier and tokens of a consent may not be found, and who cannot open them.

import { expect, test } from 'vitest';
import type { HttpClient } from '../../src/http/http-client.ts';
import { createConnectWorld } from '../support/connect-world.ts';
import { searchFor, type Canary } from '../support/canaries.ts';
import { upworkHttp } from '../support/upwork.ts';
import { NO_STREAM } from '../support/http.ts';

const world = await createConnectWorld();
const { sim, engine, call } = world;

/** Every row of every table, as text. */
async function everything(): Promise<string> {
  const tables = await engine.asSuperuser<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await engine.asSuperuser<{ line: string }>(`select row_to_json(t)::text as line from ${name} t`);
      return rows.map(({ line }) => line).join('\n');
    }),
  );
  return texts.join('\n');
}

/** The worker's way out; what the token endpoint hands over becomes a canary. */
function hearTokens(canaries: Canary[]): HttpClient {
  const http = upworkHttp(sim);
  return {
    ...NO_STREAM,
    async request(request, signal) {
      const response = await http.request(request, signal);
      if (request.url.endsWith('/token')) {
        const tokens = JSON.parse(response.text) as Readonly<Record<string, string>>;
        for (const name of ['access_token', 'refresh_token']) canaries.push({ name, value: tokens[name]! });
      }
      return response;
    },
  };
}

test('state, code, tokens and the app’s secret stand in no table, no event, no answer and no page', async () => {
  sim.addAccount();
  const { exchangeId, authorizeUrl } = await world.begin(await world.addUser());
  const back = await world.addressBack(authorizeUrl);
  const canaries: Canary[] = ['state', 'code'].map((name) => ({ name, value: back.searchParams.get(name)! }));
  canaries.push({ name: 'secret of the app', value: sim.oauth.app.clientSecret });
  const page = await fetch(back);
  const said = [await page.text(), ...[...page.headers].flat()];
  const whileSealed = await everything();
  await world.work({ httpFor: () => hearTokens(canaries) });
  const done = await world.until(exchangeId, 'done');
  const lastly = [await everything(), JSON.stringify(world.log.events), JSON.stringify(done)];
  for (const path of [`/v1/integrations/${exchangeId}`, '/v1/audit-logs', '/v1/security-logs', '/v1/jobs'])
    lastly.push(JSON.stringify((await call('GET', path)).body));
  const search = searchFor(canaries);
  expect(canaries.map(({ name }) => name)).toContain('refresh_token');
  for (const text of [...said, whileSealed, ...lastly]) expect(search.find(text)).toEqual([]);
  // The search finds what is there.
  expect(search.find(back.href)).toHaveLength(2);
});

test('an error of the callback tells nothing of its address', async () => {
  const address = new URL('/oauth/callback/upwork', call.address);
  const [state, code] = ['a1b2c3d4e5f6g7h8i9j0k1l2', 'z9y8x7w6v5u4t3s2r1q0p9o8'];
  address.search = new URLSearchParams({ state, code }).toString();
  const page = await fetch(address);
  const text =
    (await page.text()) + JSON.stringify([...page.headers]) + JSON.stringify(world.log.events) + (await everything());
  expect(
    searchFor([
      { name: 'state', value: state },
      { name: 'code', value: code },
    ]).find(text),
  ).toEqual([]);
  expect(page.headers.get('referrer-policy')).toBe('no-referrer');
  expect(page.headers.get('cache-control')).toBe('no-store');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
});

test.for(['api', 'scheduler'] as const)(
  'the login of the %s cannot read what is sealed for an exchange, whatever keys it had',
  async (role) => {
    const read = (column: string) =>
      engine.databases[role].tx({ kind: 'ops' }, (tx) => tx.query(`select ${column} from oauth_exchange_secrets`));
    for (const column of ['ciphertext', 'wrapped_key', '*'])
      await expect(read(column)).rejects.toMatchObject({ code: 'db.forbidden' });
    await expect(read('part')).resolves.toBeDefined();
  },
);

test('a sealed code opens for no other exchange', async () => {
  sim.addAccount();
  const userId = await world.addUser();
  const [one, other] = [await world.begin(userId), await world.begin(userId)];
  await world.consent(one.authorizeUrl);
  await world.consent(other.authorizeUrl);
  await engine.asSuperuser(
    `update oauth_exchange_secrets s set ciphertext = o.ciphertext, wrapped_key = o.wrapped_key
     from oauth_exchange_secrets o where s.exchange_id = $1 and o.exchange_id = $2`,
    [one.exchangeId, other.exchangeId],
  );
  await world.work();
  expect((await world.until(one.exchangeId, 'failed')).error).toMatchObject({ code: 'vault.open_failed' });
  await world.until(other.exchangeId, 'done');
});
