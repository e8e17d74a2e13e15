// Changes of the control plane are written down by triggers, with who and why and without a secret value; addresses that
// guess are locked out by all api processes together.

import { afterEach, describe, expect, test } from 'vitest';
import { afterWrong, guesserOf } from '../../src/api/guesses.ts';
import { upwork } from '../../src/connectors/upwork/index.ts';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { Secret } from '../../src/core/secret.ts';
import { addAccount, renewAccount } from '../../src/ops/accounts.ts';
import { listApiTokens, revokeApiToken } from '../../src/store/api-tokens.ts';
import { listAudit } from '../../src/store/audit-logs.ts';
import type { GuessCount } from '../../src/store/door-guesses.ts';
import { pauseIntegration, removeIntegration } from '../../src/store/integrations.ts';
import { putOAuthApp } from '../../src/store/oauth-apps.ts';
import { listSecurityEvents } from '../../src/store/security-logs.ts';
import { addUser, changeUser, removeUser } from '../../src/store/users.ts';
import { oauthAppContext } from '../../src/sync/credential-vault.ts';
import { generateKeyPair, publicRing } from '../../src/vault/key-ring.ts';
import { createSealer } from '../../src/vault/sealer.ts';
import { createToken } from '../../src/vault/token.ts';
import { issueToken, startApi } from '../support/api.ts';
import { callerOf, openApi } from '../support/api-client.ts';
import { memoryQueue } from '../support/memory-queue.ts';
import { createTestDatabase } from '../support/postgres.ts';

const CANARIES = [
  'canary-access-token',
  'canary-refresh-token',
  'canary-client-secret',
  'canary-settings',
  'canary-phone',
];
const database = await createTestDatabase();
const db = database.open('tidemark_api');
const sealer = createSealer(publicRing([generateKeyPair().publicKey]));
afterEach(() => database.asSuperuser('truncate door_guesses'));

const NOBODY = '01890000-0000-7000-8000-00000000000b';

interface Logged {
  readonly id: string;
  readonly seq?: number;
}

interface Page {
  readonly items: readonly Logged[];
  readonly nextCursor: string | null;
}

const actor = { tokenId: null, name: `Ada o'Clock`, action: 'users add' };
const credential = (suffix = '') =>
  new Secret({
    access_token: `canary-access-token${suffix}`,
    refresh_token: `canary-refresh-token${suffix}`,
    expires_at: new Date(Date.now() + 1e8).toISOString(),
  });

describe('a changed row of the control plane', () => {
  test('is written down with who, why and what, and without a value that is secret or personal', async () => {
    const now = new Date();
    const user = await db.tx({ kind: 'ops', actor }, (tx) =>
      addUser(tx, { email: 'trail@example.test', name: 'Trail', timezone: 'Europe/Berlin', reportingCurrency: 'EUR' }),
    );
    const account = { sealer, connector: upwork, now };
    const settings = { saved_searches: ['canary-settings'] };
    const added = { ...account, credential: credential(), userId: user.id, schedule: {}, settings };
    const integration = await db.tx({ kind: 'ops', actor }, (tx) => addAccount(tx, added));
    await db.tx({ kind: 'ops', actor }, (tx) => pauseIntegration(tx, integration.id, now));
    await db.tx({ kind: 'ops', actor }, (tx) =>
      renewAccount(tx, { ...account, credential: credential('2'), integration }),
    );
    const app = sealer.seal(new Secret('canary-client-secret'), oauthAppContext('upwork', 1));
    await db.tx({ kind: 'ops', actor }, (tx) =>
      putOAuthApp(tx, { ...app, platform: 'upwork', clientId: 'client', version: 1 }),
    );
    await db.tx({ kind: 'ops', actor }, (tx) =>
      changeUser(tx, { ...user, timezone: 'Asia/Kolkata', name: 'canary-phone' }),
    );
    await db.tx({ kind: 'ops', actor }, (tx) => removeIntegration(tx, integration.id));
    await db.tx({ kind: 'ops', actor }, (tx) => removeUser(tx, user.id));

    const rows = (await listAudit(db, { limit: 1_000 })).toReversed();
    const mine = rows.filter(({ target }) => target?.endsWith(user.id) || target?.endsWith(integration.id));
    expect(mine.map(({ action }) => action)).toEqual([
      'users.insert',
      'integrations.insert',
      'integration_credentials.insert',
      'integrations.update',
      'integration_credentials.update',
      'users.update',
      'integrations.delete',
      'integration_credentials.delete',
      'users.delete',
    ]);
    for (const row of mine)
      expect(row).toMatchObject({ tokenName: actor.name, reason: 'users add', login: 'tidemark_api', outcome: 'done' });
    expect(mine[5]?.details).toEqual({
      changes: { name: 'changed', timezone: ['Europe/Berlin', 'Asia/Kolkata'] },
    });
    expect(mine[4]?.details).toMatchObject({ changes: { ciphertext: 'changed', version: [1, 2] } });
    const text = JSON.stringify(await database.asSuperuser('select * from audit_logs'));
    for (const canary of [...CANARIES, 'trail@example.test']) expect(text).not.toContain(canary);
  });

  test('names the login alone when nobody said who he is', async () => {
    const [user] = await database.asSuperuser<{ id: string }>(
      `insert into users (email, name) values ('sql@example.test', 'By hand') returning id`,
    );
    const [row] = await listAudit(db, { target: `users/${user?.id}`, limit: 1 });
    expect(row).toMatchObject({ tokenName: null, reason: null, action: 'users.insert' });
    expect(row?.login).not.toBe('');
  });

  test('of a pass that only moves a position is no event', async () => {
    const user = await db.tx({ kind: 'ops' }, (tx) =>
      addUser(tx, { email: 'quiet@example.test', name: 'Quiet', timezone: 'UTC', reportingCurrency: 'EUR' }),
    );
    const added = { sealer, connector: upwork, credential: credential(), now: new Date() };
    const integration = await db.tx({ kind: 'ops' }, (tx) =>
      addAccount(tx, { ...added, userId: user.id, schedule: {}, settings: {} }),
    );
    const count = async () => (await database.asSuperuser('select from audit_logs')).length;
    const before = await count();
    await database.asSuperuser(
      `with streams as (update integration_streams set cursor = '{"v": 1}', next_sync_at = now(), last_success_at = now()
         where integration_id = $1)
       update integrations set last_sync_at = now(), next_sync_at = now(), status = status where id = $1`,
      [integration.id],
    );
    expect(await count()).toBe(before);
  });

  test('undone with its transaction leaves no row, and no runtime role changes rows that are there', async () => {
    const failing = db.tx({ kind: 'ops' }, async (tx) => {
      await addUser(tx, { email: 'undone@example.test', name: 'Undone', timezone: 'UTC', reportingCurrency: 'EUR' });
      throw new Error('undone');
    });
    await expect(failing).rejects.toThrow('undone');
    const text = JSON.stringify(await database.asSuperuser(`select * from audit_logs where reason is null`));
    expect(text).not.toContain('undone');
    for (const role of ['tidemark_worker', 'tidemark_api', 'tidemark_scheduler'] as const)
      for (const table of ['audit_logs', 'security_logs'])
        for (const statement of [`delete from ${table}`, `update ${table} set at = now()`])
          await expect(database.open(role, 1).query(statement)).rejects.toMatchObject({ code: 'db.forbidden' });
  });

  test('by the API names the token and the operation', async () => {
    const api = await openApi(db, memoryQueue([]));
    const { status, body } = await api('POST', '/v1/users', {
      email: 'api@example.test',
      name: 'By API',
      timezone: 'UTC',
      reportingCurrency: 'EUR',
    });
    expect(status).toBe(201);
    const { id } = body as { readonly id: string };
    const [row] = await listAudit(db, { target: `users/${id}`, limit: 1 });
    expect(row).toMatchObject({ action: 'users.insert', reason: 'createUser', tokenId: expect.any(String) });
  });
});

describe('security events', () => {
  test('a token made and revoked is written down by the database itself', async () => {
    await issueToken(db, ['read', 'operate']);
    const [token] = await listApiTokens(db);
    await revokeApiToken(db, token!.id, new Date());
    const events = (await listSecurityEvents(db, { limit: 1_000 })).filter(({ tokenId }) => tokenId === token!.id);
    expect(events.map(({ event }) => event)).toEqual(['token.revoked', 'token.created']);
    expect(events[1]).toMatchObject({
      severity: 'info',
      login: 'tidemark_api',
      details: { scopes: ['read', 'operate'] },
    });
  });

  test('an address that guesses at one process is locked out at the other, and one alarm says so', async () => {
    const [one, other] = [await startApi(db), await startApi(db)];
    const statusAt = async (address: string, token: string) =>
      (await callerOf(address, token)('GET', '/v1/users')).status;
    const known = await issueToken(db, ['read']);
    expect(await statusAt(other.address, known)).toBe(200);
    const statuses = [];
    for (let guess = 0; guess < 62; guess++) statuses.push(await statusAt(one.address, createToken().reveal()));
    expect(statuses.filter((status) => status === 401)).toHaveLength(60);
    expect(await statusAt(other.address, createToken().reveal())).toBe(429);
    // A new token is as unknown as a wrong one; one that was right a moment ago goes on.
    expect(await statusAt(other.address, await issueToken(db, ['read']))).toBe(429);
    expect(await statusAt(other.address, known)).toBe(200);
    const alarms = await listSecurityEvents(db, { event: 'door.locked', limit: 10 });
    expect(alarms).toMatchObject([{ severity: 'alarm', address: '127.0.0.1', details: { locks: 1 } }]);
    const refused = await listSecurityEvents(db, { event: 'token.refused', limit: 1_000 });
    expect(refused).toHaveLength(60);
    expect(refused[0]?.details).toEqual({ door: '/v1/users' });
  });

  test('a lock lasts twice as long each time, an hour at most, and is forgiven after a quiet day', () => {
    let now = new Date('2026-01-01T00:00:00Z');
    let count: GuessCount = { wrong: 0, since: now, locks: 0, lockedUntil: null };
    const minutes = [];
    for (let lock = 0; lock < 8; lock++) {
      for (let guess = 0; guess < 60; guess++) count = afterWrong(count, now);
      minutes.push((count.lockedUntil!.getTime() - now.getTime()) / MINUTE_MS);
      now = count.lockedUntil!;
    }
    expect(minutes).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    now = new Date(now.getTime() + 25 * 60 * MINUTE_MS);
    for (let guess = 0; guess < 60; guess++) count = afterWrong(count, now);
    expect(count.lockedUntil!.getTime() - now.getTime()).toBe(MINUTE_MS);
    // Slow mistakes of people never add up.
    for (let day = 0; day < 100; day++) {
      now = new Date(now.getTime() + 11 * MINUTE_MS);
      count = afterWrong(count, now);
    }
    expect(count.wrong).toBe(1);
  });

  test('the holder of a network of IPv6 addresses is one guesser', () => {
    expect(guesserOf('2001:db8:1:2:aaaa::1')).toBe(guesserOf('2001:db8:1:2:bbbb::2'));
    expect(guesserOf('2001:db8:1:3::1')).not.toBe(guesserOf('2001:db8:1:2::1'));
    expect(guesserOf('::ffff:192.0.2.1')).toBe('192.0.2.1');
  });
});

describe('by the API', () => {
  test('an administrator pages through changes and events without a gap; others may not look', async () => {
    const admin = callerOf((await startApi(db)).address, await issueToken(db, ['admin', 'read']));
    for (const path of ['/v1/audit-logs', '/v1/security-logs']) {
      const whole = (await admin('GET', `${path}?limit=200`)).body as unknown as Page;
      const paged: Logged[] = [];
      for (let next: string | null = ''; next !== null;) {
        const query: string = next === '' ? '' : `&cursor=${next}`;
        const page = (await admin('GET', `${path}?limit=7${query}`)).body as unknown as Page;
        paged.push(...page.items);
        next = page.nextCursor;
      }
      expect(paged.slice(0, whole.items.length).map(({ id }) => id)).toEqual(whole.items.map(({ id }) => id));
      expect(new Set(paged.map(({ id }) => id)).size).toBe(paged.length);
    }
    const reader = await openApi(db, memoryQueue([]), { scopes: ['read', 'operate', 'enqueue'] });
    for (const path of ['/v1/audit-logs', '/v1/security-logs', `/v1/integrations/${NOBODY}/openings`])
      expect((await reader('GET', path)).status).toBe(403);
  });

  test('the uses of a credential are listed by line', async () => {
    for (let use = 0; use < 5; use++)
      await database.asSuperuser(
        `select tidemark_private.append_opening(
           row($1, null, null, null, null, null, 'rotation', 'key', 1, null)::credential_openings)`,
        [NOBODY],
      );
    const admin = callerOf((await startApi(db)).address, await issueToken(db, ['admin']));
    const first = (await admin('GET', `/v1/integrations/${NOBODY}/openings?limit=3`)).body as unknown as Page;
    const rest = (await admin('GET', `/v1/integrations/${NOBODY}/openings?cursor=${first.nextCursor}`))
      .body as unknown as Page;
    expect([...first.items, ...rest.items].map(({ seq }) => seq)).toEqual([5, 4, 3, 2, 1]);
    expect(rest).toMatchObject({ nextCursor: null, items: [{ reason: 'rotation', keyId: 'key' }, {}] });
  });
});

test('every answer carries the headers that keep a browser from being used against us', async () => {
  const { address } = await startApi(db);
  for (const path of ['/sign-in', '/v1/users', '/healthz', '/nowhere', '/queues']) {
    const { headers } = await fetch(address + path, { redirect: 'manual' });
    expect(Object.fromEntries(headers), path).toMatchObject({
      'content-security-policy': expect.stringContaining('frame-ancestors'),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': expect.stringContaining('camera=()'),
    });
    expect(headers.get('strict-transport-security')).toBeNull();
  }
  const proxied = await startApi(db, { trustedProxies: ['127.0.0.1'] });
  const secure = await fetch(`${proxied.address}/sign-in`, { headers: { 'x-forwarded-proto': 'https' } });
  expect(secure.headers.get('strict-transport-security')).toMatch(/^max-age=\d+/);
});
