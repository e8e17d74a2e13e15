// Where the http client refuses to go, on real sockets: redirects, private addresses, names that lie, broken certificates.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { createEgressPolicy } from '../../src/http/egress.ts';
import { testClient } from '../support/http.ts';
import { serve } from '../support/loopback.ts';

const headers = { authorization: new Secret('Bearer secret-token') };

/** A resolver that says `address` for every name, in whichever form the socket wants. */
function lookupAs(...addresses: readonly string[]): LookupFunction {
  return (_, options, callback) => {
    const all = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    process.nextTick(() =>
      options.all === true ? callback(null, all) : callback(null, all[0]!.address, all[0]!.family),
    );
  };
}

describe('redirects', () => {
  test('within one origin a GET is followed with its credentials', async () => {
    const server = await serve((response, { url }) =>
      url === '/v1/items' ? response.writeHead(302, { location: '/v2/items?p=1' }).end() : response.end('{"v":2}'),
    );
    const client = testClient({ baseUrl: server.origin });
    expect((await client.send({ headers })).text).toBe('{"v":2}');
    expect(server.asked.map(({ headers: sent }) => sent.authorization)).toEqual(Array(2).fill('Bearer secret-token'));
    expect(client.calls).toHaveLength(2);
  });

  test('more than three are refused', async () => {
    const server = await serve((response, _, n) => response.writeHead(307, { location: `/${n}` }).end());
    const sent = testClient({ baseUrl: server.origin }).send({});
    await expect(sent).rejects.toMatchObject({ code: 'http.redirect_denied', kind: 'config' });
    expect(server.asked).toHaveLength(4);
  });

  test('another origin is refused, and nothing reaches it', async () => {
    const other = await serve((response) => response.end());
    const server = await serve((response) => response.writeHead(302, { location: `${other.origin}/?t=secret` }).end());
    const sent = testClient({ baseUrl: server.origin }).send({ headers });
    await expect(sent).rejects.toMatchObject({ code: 'http.redirect_denied' });
    await expect(sent).rejects.toThrow(/within http:\/\/127\.0\.0\.1:\d+, got http:\/\/127\.0\.0\.1:\d+\/\?t=\*\*\*$/);
    expect(other.asked).toHaveLength(0);
  });

  test.each(['http://169.254.169.254/latest/meta-data/', 'https://api.example.com/', 'file:///etc/passwd', '//[::1]/'])(
    'a location %s is refused',
    async (location) => {
      const server = await serve((response) => response.writeHead(302, { location }).end());
      await expect(testClient({ baseUrl: server.origin }).send({})).rejects.toMatchObject({
        code: 'http.redirect_denied',
      });
    },
  );

  test('a POST keeps its method and body on 308, becomes a GET on 303, and is not guessed at on 302', async () => {
    const answerWith = (status: number) =>
      serve((response, { url }) =>
        url === '/v1/items' ? response.writeHead(status, { location: '/done' }).end() : response.end('{}'),
      );
    const body = { type: 'json', value: { a: 1 } } as const;
    const kept = await answerWith(308);
    await testClient({ baseUrl: kept.origin }).send({ method: 'POST', body });
    expect(kept.asked[1]).toMatchObject({ method: 'POST', url: '/done', body: '{"a":1}' });
    const read = await answerWith(303);
    await testClient({ baseUrl: read.origin }).send({ method: 'POST', body });
    expect(read.asked[1]).toMatchObject({ method: 'GET', url: '/done', body: '' });
    const unclear = await answerWith(302);
    const sent = testClient({ baseUrl: unclear.origin }).send({ method: 'POST', body });
    await expect(sent).rejects.toMatchObject({ code: 'http.redirect_denied' });
    expect(unclear.asked).toHaveLength(1);
  });
});

describe('addresses', () => {
  test.each([
    'http://api.example.com/',
    'https://api.example.com:8443/',
    'https://user:secret@api.example.com/',
    'https://evil.example.com/',
    'https://api.example.com.evil.com/',
    'https://api.example.com./',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://[::1]/',
    'https://[::ffff:169.254.169.254]/',
    'ftp://api.example.com/',
    'not a url',
  ])('%s is refused before anything is asked', async (url) => {
    const client = testClient({});
    await expect(client.send({ url })).rejects.toMatchObject({ code: 'http.egress_denied', kind: 'config' });
    await expect(client.send({ url })).rejects.not.toThrow(/secret/);
    expect(client.calls).toEqual([]);
    expect(client.events[0]).toMatchObject({ event: 'http.egress_denied', fields: { platform: 'example' } });
  });

  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '168.63.129.16',
    '::1',
    'fe80::1',
    'fd00:ec2::254',
    '::ffff:127.0.0.1',
    '::ffff:168.63.129.16',
    '64:ff9b::7f00:1',
  ])('an allowed name that resolves to %s is refused in the socket', async (address) => {
    const client = testClient({ deps: { egress: createEgressPolicy({ lookup: lookupAs(address) }) } });
    await expect(client.send({})).rejects.toMatchObject({ code: 'http.egress_denied' });
    await expect(client.send({})).rejects.toThrow(`public address, got ${address}`);
    expect(client.calls).toEqual([]);
  });

  test('one private address among public ones is enough to refuse', async () => {
    const lookup = lookupAs('93.184.215.14', '127.0.0.1');
    const client = testClient({ deps: { egress: createEgressPolicy({ lookup }) } });
    await expect(client.send({})).rejects.toMatchObject({ code: 'http.egress_denied' });
  });

  test('a range that the operator allows opens its addresses, and no metadata service inside', async () => {
    const server = await serve((response) => response.end('{}'));
    const reaching = (address: string, ...allowedRanges: string[]) => {
      const egress = createEgressPolicy({ lookup: lookupAs(address), allowedRanges });
      return new Promise<string>((resolve) => {
        egress.lookup('api.example.com', {}, (error, answer) => resolve(error?.message ?? JSON.stringify(answer)));
      });
    };
    expect(await reaching('10.1.2.3', '10.1.0.0/16')).toBe('"10.1.2.3"');
    expect(await reaching('::ffff:10.1.2.3', '10.1.0.0/16')).toBe('"::ffff:10.1.2.3"');
    expect(await reaching('10.2.0.1', '10.1.0.0/16')).toContain('public address');
    expect(await reaching('fd12::1', '10.1.0.0/16', 'fd00::/8')).toBe('"fd12::1"');
    for (const [address, wide, alone] of [
      ['169.254.169.254', '169.254.0.0/16', '169.254.169.254/32'],
      ['fd00:ec2::254', 'fd00::/8', 'fd00:ec2::254/128'],
      ['168.63.129.16', '0.0.0.0/0', '168.63.129.16/32'],
    ] as const) {
      expect(await reaching(address, wide)).toContain('public address');
      expect(await reaching(address, alone)).toBe(`"${address}"`);
    }
    for (const [address, wide] of [
      ['::ffff:168.63.129.16', '0.0.0.0/0'],
      ['169.254.170.23', '169.254.0.0/16'],
      ['fd00:ec2::254%1', 'fd00::/8'],
      ['fd20:ce::254', 'fd00::/8'],
      ['64:ff9b::a9fe:a9fe', '64:ff9b::/96'],
    ] as const)
      expect(await reaching(address, wide)).toContain('public address');
    expect(server.asked).toEqual([]);
  });

  test.each(['Host', 'content-length', 'Transfer-Encoding', 'connection', 'Proxy-Authorization'])(
    'a connector cannot write the header %s, which says where a request goes or ends',
    async (name) => {
      const server = await serve((response) => response.end('{}'));
      const sent = testClient({ baseUrl: server.origin }).send({ headers: { [name]: '5' } });
      await expect(sent).rejects.toMatchObject({ code: 'http.egress_denied' });
      expect(server.asked).toEqual([]);
    },
  );

  test('a proxy from the environment is not used', async () => {
    const proxy = await serve((response) => response.end('{}'));
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
    for (const name of names) process.env[name] = proxy.origin;
    onTestFinished(() => names.forEach((name) => delete process.env[name]));
    const server = await serve((response) => response.end('{}'));
    expect((await testClient({ baseUrl: server.origin }).send({})).status).toBe(200);
    const egress = createEgressPolicy({ lookup: lookupAs('127.0.0.1') });
    await expect(testClient({ deps: { egress } }).send({})).rejects.toMatchObject({ code: 'http.egress_denied' });
    expect(proxy.asked).toEqual([]);
  });

  test('a name that changes its answer between the check and the connection is judged by the one that is connected to', async () => {
    let asked = 0;
    const lookup: LookupFunction = (host, options, callback) =>
      lookupAs(++asked === 1 ? '93.184.215.14' : '127.0.0.1')(host, options, callback);
    const egress = createEgressPolicy({ lookup });
    const answer = () =>
      new Promise<string>((resolve) => {
        egress.lookup('api.example.com', {}, (error, address) => resolve(error?.message ?? JSON.stringify(address)));
      });
    expect(await answer()).toBe('"93.184.215.14"');
    expect(await answer()).toContain('public address');
    // The client asks the very resolver that its socket connects by, once for each connection.
    await expect(testClient({ deps: { egress } }).send({})).rejects.toMatchObject({ code: 'http.egress_denied' });
    expect(asked).toBe(3);
  });

  test('a name that does not resolve is unavailable, not denied', async () => {
    const lookup: LookupFunction = (_, __, callback) =>
      process.nextTick(callback, Object.assign(new Error('no'), { code: 'ENOTFOUND' }), '');
    const client = testClient({ deps: { egress: createEgressPolicy({ lookup }) } });
    await expect(client.send({ attempts: 1 })).rejects.toMatchObject({
      code: 'http.unavailable',
      details: { systemCode: 'ENOTFOUND' },
    });
  });

  test('a base URL override opens exactly its origin, and only for hosts the connector declares', async () => {
    const server = await serve((response) => response.end('{}'));
    const client = testClient({ baseUrl: server.origin });
    await expect(client.send({ url: 'https://evil.example.com/' })).rejects.toMatchObject({
      code: 'http.egress_denied',
    });
    await expect(client.send({ url: `${server.origin}/` })).rejects.toMatchObject({ code: 'http.egress_denied' });
    expect(server.asked).toHaveLength(0);
    expect((await client.send({})).status).toBe(200);
  });

  test("another platform's override opens nothing", async () => {
    const server = await serve((response) => response.end('{}'));
    const client = testClient({ baseUrl: server.origin, scope: { platform: 'other' } });
    await expect(client.send({ url: `${server.origin}/` })).rejects.toMatchObject({ code: 'http.egress_denied' });
  });

  test('platforms with many hosts keep the first label in the path', async () => {
    const server = await serve((response) => response.end('{}'));
    const client = testClient({
      deps: { baseUrls: { upwork: server.origin } },
      scope: { platform: 'upwork', allowedHosts: ['api.upwork.com', 'www.upwork.com'] },
    });
    await client.send({ url: 'https://api.upwork.com/graphql' });
    await client.send({ url: 'https://www.upwork.com/api/v3/oauth2/token' });
    expect(server.asked.map(({ url }) => url)).toEqual(['/api/graphql', '/www/api/v3/oauth2/token']);
  });
});

function selfSigned(): { key: string; cert: string } | undefined {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  try {
    execFileSync('openssl', [...args, '-subj', '/CN=127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

test('a certificate that nobody vouches for is refused, whatever the environment says', async ({ skip }) => {
  const tls = selfSigned();
  if (tls === undefined) return skip('no openssl on this machine to make a certificate with');
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  onTestFinished(() => void delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);
  const server = await serve((response) => response.end('{}'), tls);
  await expect(testClient({ baseUrl: server.origin }).send({ attempts: 1 })).rejects.toMatchObject({
    code: 'http.unavailable',
    details: { systemCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
  });
  expect(server.asked).toHaveLength(0);
});
