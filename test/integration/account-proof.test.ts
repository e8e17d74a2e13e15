// Whose account it is must be proven: a credential names its account itself, and a made-up one could name anybody's.

import { beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import { renewAccount } from '../../src/ops/accounts.ts';
import { proveAccounts } from '../../src/scheduler/account-prover.ts';
import { holdReceivers } from '../../src/store/event-receivers.ts';
import { findIntegration } from '../../src/store/integrations.ts';
import { noteAccount, parkUnproven } from '../../src/store/parking.ts';
import { generateKeyPair } from '../../src/vault/key-ring.ts';
import { createSealer } from '../../src/vault/sealer.ts';
import type { JobQueue, JobRequest } from '../../queues/port.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { eventOf } from '../support/talk-platform.ts';
import { createTalkWorld, type Account, type TalkWorld } from '../support/talk-world.ts';

let database: TestDatabase;
let world: TalkWorld;
let owner: Account;
let thief: Account;
let bot: string;

beforeAll(async () => {
  database = await createTestDatabase();
});

beforeEach(async ({ task }) => {
  world = await createTalkWorld(database);
  await world.ask('delete from users');
  await world.ask('delete from event_receivers');
  bot = task.id;
  // Connected first, with a credential that names the account and opens nothing.
  thief = await world.connect(bot);
  owner = await world.connect(bot);
  await world.ask('update integrations set account_proven_at = null where id = $1', [thief.integrationId]);
});

const update = (id: string) => ({ kind: 'message', chat: 'c', id, text: 'private', at: 1 });
const receivers = (): Promise<readonly Account[]> =>
  world.ask(`select user_id as "userId", integration_id as "integrationId" from webhook_inbox where account_key = $1`, [
    bot,
  ]);
const proven = async ({ integrationId }: Account): Promise<boolean> =>
  (await world.ask('select account_proven_at from integrations where id = $1', [integrationId]))[0]![
    'account_proven_at'
  ] !== null;
const worker = () => database.open('tidemark_worker', 1);
const prove = ({ userId, integrationId }: Account, externalAccountId: string) =>
  database
    .open('tidemark_api', 1)
    .tx({ kind: 'user', userId }, (tx) =>
      noteAccount(tx, integrationId, { externalAccountId, displayName: 'one' }, new Date()),
    );

test('events of an account go to those alone who have proven that it is theirs', async () => {
  await world.receive(eventOf(bot, update('1')));
  expect(await receivers()).toEqual([owner]);
  await prove(thief, bot);
  await world.receive(eventOf(bot, update('2')));
  expect(await receivers()).toHaveLength(3);
});

test('an account is asked for with a credential that has proven itself', async () => {
  const [held] = await holdReceivers(worker(), await world.addWorker(), ['telegram'], 10);
  expect(held!.integrationId).toBe(owner.integrationId);
});

test('what only unproven integrations name is not listened to, and its events wait', async () => {
  await world.ask('delete from users where id = $1', [owner.userId]);
  expect(await holdReceivers(worker(), await world.addWorker(), ['telegram'], 10)).toEqual([]);
  await world.receive(eventOf(bot, update('1')));
  expect(await world.ask('select state, user_id from webhook_inbox where account_key = $1', [bot])).toEqual([
    { state: 'unrouted', user_id: null },
  ]);
});

test('the platform’s own word proves an account, another account’s does not', async () => {
  await prove(thief, 'another');
  expect(await proven(thief)).toBe(false);
  await prove(thief, bot);
  expect(await proven(thief)).toBe(true);
});

test.each([
  ['settings', `settings = '{"waba_id":"77"}'`],
  ['account', `external_account_id = 'somebody-elses'`],
])('a change of the %s takes the proof away', async (_name, change) => {
  await world.ask(`update integrations set ${change} where id = $1`, [owner.integrationId]);
  expect(await proven(owner)).toBe(false);
});

test('new credentials must prove themselves, and those of another account are refused', async () => {
  const api = database.open('tidemark_api', 1);
  const renew = (account: string) =>
    api.tx({ kind: 'user', userId: owner.userId }, async (tx) =>
      renewAccount(tx, {
        sealer: createSealer({ current: generateKeyPair().publicKey }),
        connector: world.platform.connector,
        credential: new Secret<unknown>({ account, token: 'a-new-token' }),
        integration: (await findIntegration(tx, owner.integrationId))!,
        now: new Date(),
      }),
    );
  await expect(renew('another')).rejects.toMatchObject({ code: 'input.invalid' });
  expect(await proven(owner)).toBe(true);
  await renew(bot);
  expect(await proven(owner)).toBe(false);
});

test('unproven accounts are tried by a job, once, and again after ten minutes', async () => {
  const tried: JobRequest[] = [];
  const enqueueMany = (async (requests: readonly JobRequest[]) => void tried.push(...requests)) as unknown;
  const queue = { enqueueMany } as JobQueue;
  const scheduler = database.open('tidemark_scheduler', 1);
  const pass = (minutes: number) => {
    const clock = { ...systemClock, now: () => new Date(Date.now() + minutes * 60_000) };
    return proveAccounts({ db: scheduler, queue, clock, log: world.log, platforms: ['telegram'] });
  };
  await pass(0);
  await pass(5);
  expect(tried).toMatchObject([
    {
      kind: 'credential.test',
      payload: { integrationId: thief.integrationId },
      uniqueKey: thief.integrationId,
      userId: thief.userId,
    },
  ]);
  await pass(11);
  expect(tried).toHaveLength(2);
});

test('an account that was refused is told to its user, a proven one is left alone', async () => {
  const error = { code: 'platform.unauthorized', kind: 'auth', message: 'no' } as const;
  for (const { userId, integrationId } of [thief, owner])
    await database
      .open('tidemark_api', 1)
      .tx({ kind: 'user', userId }, (tx) => parkUnproven(tx, integrationId, error, new Date()));
  const status = async ({ integrationId }: Account) =>
    (await world.ask('select status, status_code from integrations where id = $1', [integrationId]))[0];
  expect(await status(thief)).toEqual({ status: 'error', status_code: 'platform.unauthorized' });
  expect(await status(owner)).toEqual({ status: 'connected', status_code: null });
});
