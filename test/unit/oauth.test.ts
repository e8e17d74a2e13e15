import { describe, expect, test } from 'vitest';
import { upwork } from '../../src/connectors/upwork/index.ts';
import { challengeOf, createVerifier } from '../../src/core/pkce.ts';
import { Secret } from '../../src/core/secret.ts';
import { oauthOf } from '../../src/ops/begin-exchange.ts';
import { grantStateOf } from '../../src/ops/grant-state.ts';
import type { HttpRequest } from '../../src/http/http-client.ts';
import type { Integration } from '../../src/store/integrations.ts';
import { NO_STREAM } from '../support/http.ts';

const { connect } = oauthOf(upwork);

describe('a code challenge', () => {
  test('is the one of RFC 7636, appendix B', () => {
    const verifier = new Secret('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk');
    expect(challengeOf(verifier)).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
  });

  test('belongs to a verifier of 43 characters that no other exchange has', () => {
    const [one, other] = [createVerifier().reveal(), createVerifier().reveal()];
    expect(one).toMatch(/^[\w-]{43}$/);
    expect(one).not.toBe(other);
  });

  test('is off at Upwork, which documents none', () => {
    expect(connect.pkce).toBe('none');
  });
});

describe('Upwork’s page of consent', () => {
  const request = { clientId: 'our app', redirectUri: 'https://tm.test/oauth/callback/upwork', state: 's&t' };

  test('is asked for a code and for nothing else: no scope, no challenge', () => {
    const url = connect.authorizeUrl({ ...request, codeChallenge: null });
    expect(url.origin + url.pathname).toBe('https://www.upwork.com/ab/account-security/oauth2/authorize');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'our app',
      redirect_uri: 'https://tm.test/oauth/callback/upwork',
      state: 's&t',
    });
  });

  test('is given a challenge where one was made, by S256 only', () => {
    const { searchParams } = connect.authorizeUrl({ ...request, codeChallenge: 'abc' });
    expect([searchParams.get('code_challenge'), searchParams.get('code_challenge_method')]).toEqual(['abc', 'S256']);
  });
});

test('a code is sent once, in a form with client, address and the verifier that was used', async () => {
  const sent: HttpRequest[] = [];
  const grant = { access_token: 'a', refresh_token: 'r', expires_in: 86_400 };
  const request = async (asked: HttpRequest) => {
    sent.push(asked);
    return { status: 200, headers: {}, text: JSON.stringify(grant) };
  };
  const context = {
    app: { clientId: 'id', clientSecret: new Secret('shh') },
    http: { ...NO_STREAM, request },
    signal: new AbortController().signal,
    now: new Date('2026-10-01T00:00:00Z'),
    egressId: 'test',
    code: new Secret('code'),
    redirectUri: 'https://tm.test/back',
    verifier: new Secret('verifier'),
  };
  expect(await connect.exchange(context)).toEqual({
    access_token: 'a',
    refresh_token: 'r',
    expires_at: '2026-10-02T00:00:00.000Z',
  });
  expect(sent).toHaveLength(1);
  const { body, attempts } = sent[0]!;
  const value = body?.value as Readonly<Record<string, string | Secret>>;
  const form = Object.entries(value).map(([name, text]) => [name, text instanceof Secret ? text.reveal() : text]);
  expect([attempts, body?.type, Object.fromEntries(form)]).toEqual([
    1,
    'form',
    {
      grant_type: 'authorization_code',
      code: 'code',
      redirect_uri: 'https://tm.test/back',
      code_verifier: 'verifier',
      client_id: 'id',
      client_secret: 'shh',
    },
  ]);
  expect(JSON.stringify(sent)).not.toMatch(/shh|"verifier"|"code":"code"/);
});

describe('the grant of an integration', () => {
  const integration = { id: 'i', userId: 'u', status: 'connected', statusCode: null } as Integration;
  const now = new Date('2026-10-20T00:00:00Z');
  const grant = { rotatedAt: new Date('2026-10-10T00:00:00Z'), expiresAt: null, noticeDays: null };

  test('ends fourteen days after it was renewed last', () => {
    expect(grantStateOf(integration, grant, upwork, now)).toEqual({
      grantExpiresAt: new Date('2026-10-24T00:00:00Z'),
      reconnect: null,
    });
  });

  test.for([
    ['credential.grant_dead', { ...integration, status: 'error', statusCode: 'credential.grant_dead' }, grant],
    ['grant.expiring', integration, { ...grant, noticeDays: 3 }],
    ['grant.expired', integration, { ...grant, rotatedAt: new Date('2026-10-01T00:00:00Z') }],
  ] as const)('says how to reconnect because of %s', ([because, shown, held]) => {
    expect(grantStateOf(shown, held, upwork, now).reconnect).toEqual({
      because,
      command: 'tidemark integrations connect --user u --platform upwork --integration i',
      request: { userId: 'u', platform: 'upwork', integrationId: 'i' },
    });
  });

  test('of credentials that a person makes ends when they say', () => {
    const made = { platform: 'ozon', auth: { kind: 'static' } } as const;
    const held = { ...grant, expiresAt: new Date('2026-11-01T00:00:00Z'), noticeDays: 30 };
    expect(grantStateOf(integration, held, made, now)).toEqual({
      grantExpiresAt: held.expiresAt,
      reconnect: {
        because: 'grant.expiring',
        command: 'tidemark integrations credentials i --credentials-file <json>',
        request: null,
      },
    });
    expect(grantStateOf(integration, grant, made, now)).toEqual({ grantExpiresAt: null, reconnect: null });
  });

  test('has no need to be renewed where something else is wrong', () => {
    const wrong = { ...integration, status: 'error', statusCode: 'platform.method_gone' } as Integration;
    expect(grantStateOf(wrong, grant, upwork, now).reconnect).toBeNull();
  });
});
