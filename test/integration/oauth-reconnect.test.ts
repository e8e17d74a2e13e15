// Grants that end: how their users are told, how they are renewed, and what then goes on.

import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import { GRANT_IDLE_MS } from '../../src/app/connectors.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { claimDue } from '../../src/scheduler/claim-due.ts';
import { createGrantWatch, noticeGrants } from '../../src/scheduler/grant-watch.ts';
import { createCredentialRefreshHandler } from '../../workers/credential-refresh.ts';
import type { JobContext } from '../../queues/port.ts';
import { createConnectWorld } from '../support/connect-world.ts';
import { createRecordingLog } from '../support/scheduling.ts';
import { eventRecorder, waitFor } from '../support/wait.ts';
import { UPWORK_STREAMS } from '../support/upwork-streams.ts';

const world = await createConnectWorld();
const { sim, engine, call } = world;
const scheduler = engine.databases.scheduler;

beforeEach(() => {
  sim.journal.clear();
  Object.assign(sim.traps, { consentingAccount: null });
});

/** What the maintenance job finds when the platform has ended the grant. */
async function refreshDead(userId: string, integrationId: string): Promise<void> {
  await engine.asSuperuser('update integration_credentials set expires_at = now() where integration_id = $1', [
    integrationId,
  ]);
  const job = await world.jobOf(userId, integrationId);
  const handle = createCredentialRefreshHandler(world.exchangeDeps);
  const refresh = { ...job, kind: 'credential.refresh', payload: { integrationId } };
  await handle(refresh as JobContext<'credential.refresh'>);
}

const integration = async (id: string) => (await call('GET', `/v1/integrations/${id}`)).body;

describe('a grant that the platform has ended', () => {
  test('is told with a link; reconnected, the same integration syncs again', async () => {
    const { account } = sim.addAccount();
    await world.work();
    const userId = await world.addUser();
    const id = await world.connect(userId);
    sim.oauth.revoke(account.id);
    await refreshDead(userId, id);
    await engine.asSuperuser(
      `update integration_streams set status = 'parked', status_code = 'platform.scope_missing'
       where integration_id = $1 and stream = 'proposals'`,
      [id],
    );
    const dead = await integration(id);
    expect(dead).toMatchObject({
      status: 'error',
      reconnect: { because: 'credential.grant_dead', command: expect.stringContaining(`--integration ${id}`) },
    });
    const { request } = dead['reconnect'] as { request: { userId: string } };
    const { exchangeId, authorizeUrl } = await world.begin(userId, request);
    await world.consent(authorizeUrl);
    expect(await world.until(exchangeId, 'done', 'failed')).toMatchObject({ integrationId: id, error: null });
    const alive = await integration(id);
    expect(alive).toMatchObject({ status: 'connected', statusCode: null, reconnect: null });
    const streams = alive['streams'] as { status: string; nextSyncAt: string }[];
    expect(streams.map(({ status }) => status)).toEqual(UPWORK_STREAMS.map(() => 'active'));
    for (const { nextSyncAt } of streams) expect(Date.parse(nextSyncAt)).toBeLessThanOrEqual(Date.now());
    const [row] = await engine.asSuperuser('select version from integration_credentials where integration_id = $1', [
      id,
    ]);
    expect(row).toEqual({ version: 2 });
    const queue = { enqueueMany: async () => [] };
    await claimDue({ db: scheduler, queue, clock: systemClock, log: world.log }, new AbortController().signal);
    const runs = await engine.asSuperuser('select stream from sync_logs where integration_id = $1 order by 1', [id]);
    expect(runs).toEqual(UPWORK_STREAMS.toSorted().map((stream) => ({ stream })));
  });

  test('is not renewed by another account: nothing of the integration changes', async () => {
    sim.addAccount();
    await world.work();
    const userId = await world.addUser();
    const id = await world.connect(userId);
    const before = await integration(id);
    sim.addAccount();
    const { exchangeId, authorizeUrl } = await world.begin(userId, { integrationId: id });
    await world.consent(authorizeUrl);
    expect((await world.until(exchangeId, 'done', 'failed')).error).toMatchObject({ code: 'oauth.account_mismatch' });
    expect(await integration(id)).toEqual(before);
  });

  test('of somebody else’s integration is not for this user to renew', async () => {
    sim.addAccount();
    await world.work();
    const id = await world.connect(await world.addUser());
    const body = { userId: await world.addUser(), platform: 'upwork', integrationId: id };
    expect(await call('POST', '/v1/oauth/exchanges', body)).toMatchObject({ status: 404 });
  });
});

describe('a grant that nobody uses', () => {
  async function unusedFor(days: number): Promise<string> {
    sim.addAccount();
    await world.work();
    const id = await world.connect(await world.addUser());
    await engine.asSuperuser(
      `update integration_credentials set rotated_at = now() - make_interval(hours => $2) where integration_id = $1`,
      [id, Math.round(days * 24)],
    );
    return id;
  }

  test('is noticed at three days and at one, once each, whoever looks', async () => {
    const id = await unusedFor(11.5);
    const log = createRecordingLog();
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + aheadMs) };
    const deps = { db: scheduler, clock, log, grantIdleMs: GRANT_IDLE_MS };
    const look = async (): Promise<unknown> => {
      await Promise.all([noticeGrants(deps), noticeGrants(deps)]);
      const mine = log.events.filter(({ fields }) => fields['integrationId'] === id);
      return mine.map(({ event, fields }) => [event, fields['daysLeft']]);
    };
    expect(await look()).toEqual([['grant.expiring', 3]]);
    expect(await integration(id)).toMatchObject({ status: 'connected', reconnect: { because: 'grant.expiring' } });
    expect(await look()).toHaveLength(1);
    aheadMs = 2 * DAY_MS;
    const both = [
      ['grant.expiring', 3],
      ['grant.expiring', 1],
    ];
    expect(await look()).toEqual(both);
    aheadMs = 4 * DAY_MS;
    expect(await look()).toEqual(both);
  });

  test('is no longer a matter once it was renewed', async () => {
    const id = await unusedFor(13.5);
    await noticeGrants({ db: scheduler, clock: systemClock, log: createRecordingLog(), grantIdleMs: GRANT_IDLE_MS });
    expect(await integration(id)).toMatchObject({ reconnect: { because: 'grant.expiring' } });
    const [{ userId } = { userId: '' }] = await engine.asSuperuser<{ userId: string }>(
      'select user_id as "userId" from integrations where id = $1',
      [id],
    );
    await refreshDead(userId, id);
    const renewed = await integration(id);
    expect(renewed).toMatchObject({ status: 'connected', reconnect: null });
    const leftMs = Date.parse(renewed['grantExpiresAt'] as string) - Date.now();
    expect(leftMs / DAY_MS).toBeCloseTo(14, 1);
  });
});

test('an exchange that nobody finishes ends by itself, with what was sealed for it', async () => {
  sim.addAccount();
  const { exchangeId, authorizeUrl } = await world.begin(await world.addUser());
  await world.consent(authorizeUrl);
  await engine.asSuperuser('update oauth_exchanges set expires_at = now() where id = $1', [exchangeId]);
  const watch = createGrantWatch({ db: scheduler, clock: systemClock, log: eventRecorder(), grantIdleMs: new Map() });
  await watch.start();
  await world.until(exchangeId, 'expired');
  await watch.stop();
  expect(await world.exchange(exchangeId)).toMatchObject({ error: { code: 'oauth.expired' } });
  await waitFor(
    async () =>
      (await engine.asSuperuser('select from oauth_exchange_secrets where exchange_id = $1', [exchangeId])).length ===
      0,
    { what: 'the sealed code to be gone' },
  );
});
