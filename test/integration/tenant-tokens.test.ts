// A token that belongs to a user: it opens his rows, and nothing that shows or changes something of everybody's.

import { expect, test } from 'vitest';
import { SCOPES } from '../../src/core/scopes.ts';
import { insertApiToken } from '../../src/store/api-tokens.ts';
import { addUser, removeUser } from '../../src/store/users.ts';
import { createToken, hashToken } from '../../src/vault/token.ts';
import { startApi } from '../support/api.ts';
import { callerOf } from '../support/api-client.ts';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();
const db = database.open('tidemark_api');

async function tenant(name: string) {
  const { id: userId } = await db.tx({ kind: 'ops' }, (tx) => addUser(tx, { email: `${name}@example.test`, name }));
  const token = createToken().reveal();
  await insertApiToken(db, { name, userId, tokenHash: hashToken(token), scopes: [...SCOPES], expiresAt: null });
  return { userId, token };
}

test('sees its user alone', async () => {
  const [ada] = [await tenant('ada'), await tenant('bob')];
  const call = callerOf((await startApi(db)).address, ada.token);
  expect((await call('GET', '/v1/users')).body).toMatchObject({ items: [{ id: ada.userId }], nextCursor: null });
});

test('may change its user, and neither make nor remove one', async () => {
  const { userId, token } = await tenant('carl');
  const call = callerOf((await startApi(db)).address, token);
  expect((await call('PATCH', `/v1/users/${userId}`, { timezone: 'Asia/Tokyo' })).body).toMatchObject({
    timezone: 'Asia/Tokyo',
  });
  for (const [method, path, body] of [
    ['POST', '/v1/users', { email: 'dora@example.test', name: 'Dora' }],
    ['DELETE', `/v1/users/${userId}`, undefined],
    ['GET', '/v1/queues', undefined],
    ['GET', '/v1/audit-logs', undefined],
  ] as const)
    expect(await call(method, path, body), path).toMatchObject({ status: 403, body: { code: 'api.forbidden' } });
});

test('opens neither boards nor metrics', async () => {
  const { token } = await tenant('emil');
  const { address } = await startApi(db);
  const headers = { authorization: `Bearer ${token}` };
  for (const path of ['/metrics', '/queues', '/queues/api/queues'])
    expect((await fetch(address + path, { headers })).status, path).toBe(403);
  const signIn = await fetch(`${address}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: address },
    body: new URLSearchParams({ token, next: '/queues' }).toString(),
  });
  expect([signIn.status, signIn.headers.get('set-cookie')]).toEqual([403, null]);
});

test('names no other user for a job, whether he exists or not', async () => {
  const [fred, gina] = [await tenant('fred'), await tenant('gina')];
  const call = callerOf((await startApi(db)).address, fred.token);
  const job = { kind: 'credential.test', payload: { integrationId: fred.userId } };
  const answers = [];
  for (const userId of [gina.userId, '01890000-0000-7000-8000-00000000000a'])
    answers.push((await call('POST', '/v1/jobs', { ...job, userId })).body);
  expect(answers[0]).toMatchObject({ code: 'api.forbidden' });
  expect(answers[1]).toEqual(answers[0]);
});

test('ends with its user', async () => {
  const { userId, token } = await tenant('hans');
  const call = callerOf((await startApi(db)).address, token);
  expect((await call('GET', '/v1/users')).status).toBe(200);
  await db.tx({ kind: 'ops' }, (tx) => removeUser(tx, userId));
  expect((await call('GET', '/v1/users')).status).toBe(401);
});
