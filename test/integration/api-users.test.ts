// What changing a user means for his accounts and his metrics.

import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { claimDue } from '../../src/scheduler/claim-due.ts';
import { listOverdueStreams } from '../../src/store/due-streams.ts';
import { listStreamSchedules } from '../../src/store/stream-schedules.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { apiQueue, openApi } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { createLedgerQueue } from '../support/scheduling.ts';
import { createSyncWorld, listed } from '../support/sync-world.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { UPWORK_STREAMS } from '../support/upwork-streams.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const { api: db, scheduler } = engine.databases;
const call = await openApi(db, apiQueue(db, engine.driver), { whenOver: afterAll });
const credentials = { access_token: 'a', refresh_token: 'b', expires_at: '2099-01-01T00:00:00Z' };

async function newUser(): Promise<string> {
  const { body } = await call('POST', '/v1/users', { email: `${randomUUID()}@example.com`, name: 'Ada' });
  return body['id'] as string;
}

describe('a user who is not active', () => {
  test('is not synced: not by schedule, not on request', async () => {
    const userId = await newUser();
    const { body } = await call('POST', '/v1/integrations', { userId, platform: 'upwork', credentials });
    await call('PATCH', `/v1/users/${userId}`, { isActive: false });
    const later = new Date(Date.now() + 3_600_000);
    const overdue = async () =>
      (await scheduler.tx({ kind: 'none' }, (tx) => listOverdueStreams(tx, later, 100))).length;
    expect(await overdue()).toBe(0);
    const shown = await db.tx({ kind: 'ops' }, (tx) => listStreamSchedules(tx, ['upwork'], 10));
    expect(shown.map(({ nextSyncAt }) => nextSyncAt)).toEqual(UPWORK_STREAMS.map(() => null));
    const deps = {
      db: scheduler,
      queue: createLedgerQueue(scheduler, systemClock),
      clock: systemClock,
      log: silentLog,
    };
    expect(await claimDue(deps, new AbortController().signal)).toEqual({
      due: UPWORK_STREAMS.length,
      queued: 0,
      pending: 0,
    });
    const sync = `/v1/integrations/${body['id'] as string}/sync`;
    const refused = await call('POST', sync);
    expect(refused).toMatchObject({ status: 400, body: { code: 'input.invalid' } });
    expect(refused.body['detail']).toContain('active user');
    await call('PATCH', `/v1/users/${userId}`, { isActive: true });
    expect((await call('POST', sync)).status).toBe(202);
    await call('DELETE', `/v1/users/${userId}`);
  });

  test('has a run that was queued before cancelled when it would begin', async () => {
    const database = await createTestDatabase();
    const world = await createSyncWorld(database);
    const runId = await world.addRun({ trigger: 'api' });
    await database.asSuperuser('update users set is_active = false where id = $1', [world.userId]);
    const outcome = await world.handler(listed([[{ id: 'a' }]]))(await world.claim(runId));
    expect(outcome).toMatchObject({ kind: 'discard' });
    expect(await world.run(runId)).toMatchObject({ status: 'cancelled' });
    expect(await world.proposals()).toEqual([]);
  });
});

describe('another zone or currency', () => {
  const marked = (userId: string) =>
    engine.asSuperuser<{ day: string }>('select distinct day::text from dirty_days where user_id = $1 order by 1', [
      userId,
    ]);

  async function withMetrics(): Promise<string> {
    const userId = await newUser();
    for (const [date, sealed] of [
      ['2026-03-10', null],
      ['2026-03-20', new Date()],
    ] as const)
      await engine.asSuperuser(
        `insert into user_metrics (user_id, date, timezone, currency, computed_at, sealed_at)
         values ($1, $2, 'UTC', 'USD', now(), $3)`,
        [userId, date, sealed],
      );
    return userId;
  }

  test.for([{ timezone: 'Asia/Tokyo' }, { reportingCurrency: 'EUR' }])(
    '%j has the computed days rolled up again, sealed ones excepted',
    async (change) => {
      const [userId, other] = [await withMetrics(), await withMetrics()];
      await call('PATCH', `/v1/users/${userId}`, change);
      expect((await marked(userId)).map(({ day }) => day)).toEqual(['2026-03-10']);
      expect(await marked(other)).toEqual([]);
    },
  );

  test('that is the old one computes nothing', async () => {
    const userId = await withMetrics();
    await call('PATCH', `/v1/users/${userId}`, { timezone: 'UTC', reportingCurrency: 'USD', name: 'Eve' });
    expect(await marked(userId)).toEqual([]);
  });
});
