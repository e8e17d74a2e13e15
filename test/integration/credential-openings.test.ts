// Every use of a credential is a line of a chain, and a ciphertext in the wrong place opens nowhere and raises an alarm.

import { beforeAll, describe, expect, test } from 'vitest';
import { listOpenings, noteOpening, verifyOpenings } from '../../src/store/credential-openings.ts';
import { listSecurityEvents } from '../../src/store/security-logs.ts';
import { createCredentialAccess } from '../../src/sync/credential-access.ts';
import {
  createRefreshWorld,
  startPlatform,
  tokenOf,
  type Connected,
  type RefreshWorld,
} from '../support/refresh-world.ts';

const FRESH_MS = 20 * 3_600_000;
const RUN = '01890000-0000-7000-8000-00000000000a';

let world: RefreshWorld;

beforeAll(async () => {
  world = await createRefreshWorld();
});

const api = () => world.database.open('tidemark_api', 1);
const lines = (to: Connected) => listOpenings(api(), { integrationId: to.integrationId, limit: 100 });
const chain = (to: Connected) => verifyOpenings(api(), to.integrationId);
const edit = (text: string, to: Connected) => world.database.asSuperuser(text, [to.integrationId]);

describe('each use of a credential', () => {
  test('is a line with run, job, worker, reason, key and version, before the credential is used', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim, FRESH_MS);
    const worker = await world.worker(sim, to);
    await createCredentialAccess(worker.deps, { ...worker.job, runId: RUN }).current();
    expect(await lines(to)).toEqual([
      {
        integrationId: to.integrationId,
        seq: 1,
        at: expect.any(Date),
        runId: RUN,
        jobId: worker.jobId,
        workerId: worker.job.workerId,
        reason: 'sync',
        keyId: world.keys.publicKey.id,
        version: 1,
      },
    ]);
  });

  test('a refresh opens the app and the old pair, and says so', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim);
    await tokenOf(await world.worker(sim, to));
    expect((await lines(to)).map(({ reason, version }) => `${reason} ${version}`).toReversed()).toEqual([
      'sync 1',
      'oauth_app 1',
      'refresh 1',
    ]);
    expect(await chain(to)).toEqual({ lines: 3, brokenAt: null });
  });

  test('of many workers at once makes one chain without a gap', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim, FRESH_MS);
    const workers = await Promise.all(Array.from({ length: 8 }, () => world.worker(sim, to)));
    await Promise.all(workers.flatMap((worker) => [tokenOf(worker), tokenOf(worker), tokenOf(worker)]));
    expect(await chain(to)).toEqual({ lines: 24, brokenAt: null });
  });

  test('without a lease opens nothing and writes no line', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim, FRESH_MS);
    const worker = await world.worker(sim, to);
    await world.reap(worker.job.workerId);
    await expect(tokenOf(worker)).rejects.toMatchObject({ code: 'sync.lease_lost' });
    const opening = { integrationId: to.integrationId, runId: null, reason: 'sync', keyId: 'k', version: 1 } as const;
    const { db } = worker.deps;
    expect(await db.tx({ kind: 'none' }, (tx) => noteOpening(tx, opening))).toBe(false);
    expect(await lines(to)).toEqual([]);
  });
});

describe('the chain', () => {
  test.for([
    [
      'a line that was changed',
      'update credential_openings set run_id = null where integration_id = $1 and seq = 2',
      2,
    ],
    ['a line that was taken out', 'delete from credential_openings where integration_id = $1 and seq = 2', 2],
    ['newest lines that are gone', 'delete from credential_openings where integration_id = $1 and seq > 1', 2],
    ['a chain that is gone', 'delete from credential_openings where integration_id = $1', 1],
    [
      'a line that was put behind the others',
      `insert into credential_openings (integration_id, seq, at, reason, key_id, version, hash)
       values ($1, 4, now(), 'sync', 'k', 1, '')`,
      4,
    ],
  ] as const)('shows %s', async ([, attack, brokenAt]) => {
    const sim = await startPlatform();
    const to = await world.connect(sim, FRESH_MS);
    const worker = await world.worker(sim, to);
    for (let use = 0; use < 3; use++)
      await createCredentialAccess(worker.deps, { ...worker.job, runId: RUN }).current();
    expect(await chain(to)).toEqual({ lines: 3, brokenAt: null });
    await edit(attack, to);
    expect(await chain(to)).toMatchObject({ brokenAt });
  });

  test('cannot be written past its function by any runtime role', async () => {
    for (const role of ['tidemark_worker', 'tidemark_api', 'tidemark_scheduler'] as const) {
      const db = world.database.open(role, 1);
      for (const statement of ['delete from credential_openings', 'update credential_openings set version = 2'])
        await expect(db.query(statement)).rejects.toMatchObject({ code: 'db.forbidden' });
    }
  });
});

describe('a ciphertext that was moved', () => {
  const CASES = {
    'to another integration of the same user': async (from: Connected, to: Connected) =>
      world.database.asSuperuser(
        `with owner as (update integrations set user_id = $3 where id = $2 returning id)
         update integration_credentials c set (ciphertext, wrapped_key, key_id, user_id) =
           (select ciphertext, wrapped_key, key_id, $3::uuid from integration_credentials where integration_id = $1)
         from owner where c.integration_id = owner.id`,
        [from.integrationId, to.integrationId, from.userId],
      ),
    'to another user': async (from: Connected, to: Connected) =>
      world.database.asSuperuser(
        `update integration_credentials set (ciphertext, wrapped_key, key_id) =
           (select ciphertext, wrapped_key, key_id from integration_credentials where integration_id = $1)
         where integration_id = $2`,
        [from.integrationId, to.integrationId],
      ),
    'to another version': async (_from: Connected, to: Connected) =>
      world.database.asSuperuser('update integration_credentials set version = 2 where integration_id = $1', [
        to.integrationId,
      ]),
  };

  test.for(Object.entries(CASES))('%s opens nothing and raises an alarm', async ([, move]) => {
    const sim = await startPlatform();
    const [from, to] = [await world.connect(sim, FRESH_MS), await world.connect(sim, FRESH_MS)];
    await world.database.asSuperuser('alter table integration_credentials disable trigger all');
    await world.database.asSuperuser('alter table integrations disable trigger all');
    await move(from, to);
    await world.database.asSuperuser('alter table integration_credentials enable trigger all');
    await world.database.asSuperuser('alter table integrations enable trigger all');
    const [{ user_id: userId } = { user_id: to.userId }] = await world.database.asSuperuser<{ user_id: string }>(
      'select user_id from integration_credentials where integration_id = $1',
      [to.integrationId],
    );
    const thief = await world.worker(sim, { ...to, userId });
    await expect(tokenOf(thief)).rejects.toMatchObject({ code: 'vault.open_failed', kind: 'config' });
    const alarms = await listSecurityEvents(api(), { event: 'credential.open_refused', limit: 100 });
    expect(alarms.filter(({ details }) => details['integrationId'] === to.integrationId)).toMatchObject([
      { severity: 'alarm', login: 'tidemark_worker', details: { platform: 'upwork', reason: 'sync' } },
    ]);
    // The attempt itself is a line, too.
    expect(await chain(to)).toEqual({ lines: 1, brokenAt: null });
    await expect(tokenOf(await world.worker(sim, from))).resolves.toEqual(expect.any(String));
  });

  test('to another platform opens nothing', async () => {
    const sim = await startPlatform();
    const to = await world.connect(sim, FRESH_MS);
    const worker = await world.worker(sim, to);
    const connector = { ...worker.job.connector, platform: 'telegram' } as const;
    await expect(createCredentialAccess(worker.deps, { ...worker.job, connector }).current()).rejects.toMatchObject({
      code: 'vault.open_failed',
    });
  });
});
