import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import type { Database, Tx } from '../../src/db/database.ts';
import {
  addIntegration,
  findIntegration,
  listIntegrations,
  removeIntegration,
  setIntegrationSchedule,
  type NewIntegration,
} from '../../src/store/integrations.ts';
import { claimEngine, readEngine, readSetting, writeSetting } from '../../src/store/settings.ts';
import {
  enableStream,
  disableStream,
  listStreams,
  resetStream,
  setStreamSchedule,
  unparkStream,
} from '../../src/store/streams.ts';
import { addUser, findUser, listUsers, removeUser } from '../../src/store/users.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { arrangeIntegration } from '../support/scheduling.ts';

let pg: TestDatabase;
let api: Database;
const now = new Date('2026-05-04T10:00:00Z');
const asOps = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => api.tx({ kind: 'ops' }, work);

beforeAll(async () => {
  pg = await createTestDatabase();
  api = pg.open('tidemark_api');
});

beforeEach(() => pg.asSuperuser('delete from users'));

describe('users', () => {
  it('are found by id and by address in any case, listed in pages and removed with what is theirs', async () => {
    const ann = await asOps((tx) => addUser(tx, { email: 'Ann@Example.com', name: 'Ann', timezone: 'Europe/Berlin' }));
    const bob = await asOps((tx) => addUser(tx, { email: 'bob@example.com', name: 'Bob' }));
    expect(await asOps((tx) => findUser(tx, 'ANN@example.com'))).toEqual(ann);
    expect(await asOps((tx) => findUser(tx, bob.id))).toEqual(bob);
    expect(await asOps((tx) => findUser(tx, 'nobody'))).toBeNull();
    const [first] = await asOps((tx) => listUsers(tx, { limit: 1 }));
    expect(await asOps((tx) => listUsers(tx, { after: first!.id }))).toHaveLength(1);
    expect(await asOps((tx) => removeUser(tx, ann.id))).toBe(true);
    expect(await asOps((tx) => removeUser(tx, ann.id))).toBe(false);
  });

  it.each([
    [{ email: 'nonsense' }, /e-mail address/],
    [{ email: 'taken@example.com' }, /no user has yet/],
    [{ name: ' ' }, /name of 1 to 255/],
    [{ timezone: 'Mars/Olympus' }, /IANA time zone.*Mars\/Olympus/],
    [{ reportingCurrency: 'euro' }, /ISO 4217.*euro/],
  ])('%j is refused with what was expected', async (wrong, message) => {
    await asOps((tx) => addUser(tx, { email: 'TAKEN@example.com', name: 'T' }));
    await expect(asOps((tx) => addUser(tx, { email: 'a@b.c', name: 'A', ...wrong }))).rejects.toMatchObject({
      code: 'input.invalid',
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('integrations', () => {
  it('begin with their streams due now, on the given schedule or each on its own', async () => {
    const streams = [
      { name: 'jobs', intervalMinutes: 15 },
      { name: 'profile', intervalMinutes: 1_440 },
    ];
    const own = await arrangeIntegration(api, { now, streams });
    const given = await arrangeIntegration(api, { now, streams, schedule: { cron: '0 9 * * *', timezone: 'UTC' } });
    expect((await asOps((tx) => listStreams(tx, own.id))).map((s) => s.intervalMinutes)).toEqual([15, 1_440]);
    expect((await asOps((tx) => listStreams(tx, given.id))).map((s) => [s.intervalMinutes, s.cron])).toEqual([
      [null, '0 9 * * *'],
      [null, '0 9 * * *'],
    ]);
    expect(own.nextSyncAt).toEqual(now);
    expect(await asOps((tx) => listIntegrations(tx, { userId: own.userId, status: 'connected' }))).toHaveLength(1);
  });

  it('of an unknown user or platform, or of a connected account, are refused', async () => {
    const known = await arrangeIntegration(api, { now, externalAccountId: 'acc' });
    const add = (wrong: Partial<NewIntegration>) =>
      asOps((tx) =>
        addIntegration(tx, { userId: known.userId, platformId: 'upwork', settings: {}, streams: [], now, ...wrong }),
      );
    const refused = { code: 'input.invalid' };
    await expect(add({ externalAccountId: 'acc' })).rejects.toMatchObject(refused);
    await expect(add({ userId: uuidv7() })).rejects.toMatchObject(refused);
    await expect(add({ platformId: 'nowhere' as 'upwork' })).rejects.toMatchObject(refused);
  });

  it('know the earliest of their streams that can run, whatever is changed', async () => {
    const { id } = await arrangeIntegration(api, {
      now,
      streams: ['a', 'b'].map((name) => ({ name, intervalMinutes: 60 })),
    });
    const next = async (): Promise<string | undefined> =>
      (await asOps((tx) => findIntegration(tx, id)))!.nextSyncAt?.toISOString().slice(11, 16);
    const at = (time: string): Date => new Date(`2026-05-04T${time}:00Z`);
    const a = { integrationId: id, stream: 'a' };
    const b = { integrationId: id, stream: 'b' };
    await asOps((tx) =>
      setStreamSchedule(tx, { ...a, schedule: { intervalMinutes: 5 }, nextSyncAt: at('11:00'), now }),
    );
    await asOps((tx) =>
      setStreamSchedule(tx, { ...b, schedule: { intervalMinutes: 5 }, nextSyncAt: at('12:00'), now }),
    );
    expect(await next()).toBe('11:00');
    await asOps((tx) => disableStream(tx, a, now));
    expect(await next()).toBe('12:00');
    await asOps((tx) => disableStream(tx, b, now));
    expect(await next()).toBeUndefined();
    await asOps((tx) => enableStream(tx, b, at('10:30')));
    expect(await next()).toBe('10:30');
    const schedule = { cron: '0 9 * * *', timezone: 'UTC' };
    await asOps((tx) => setIntegrationSchedule(tx, id, { schedule, nextSyncAt: at('13:00'), now }));
    expect(await next()).toBe('13:00');
    expect(await asOps((tx) => disableStream(tx, { integrationId: id, stream: 'nope' }, now))).toBe(false);
    expect(await asOps((tx) => removeIntegration(tx, id))).toBe(true);
  });

  it('a reset stream forgets its position under a new version; an unparked one is due', async () => {
    const { id } = await arrangeIntegration(api, { now });
    await pg.asSuperuser(`update integration_streams set cursor = '{"v":1}', status = 'parked', next_sync_at = null`);
    const key = { integrationId: id, stream: 'jobs' };
    await asOps((tx) => resetStream(tx, key, now));
    await asOps((tx) => unparkStream(tx, key, now));
    const [stream] = await asOps((tx) => listStreams(tx, id));
    expect(stream).toMatchObject({ cursor: null, status: 'active', nextSyncAt: now });
    expect(await pg.asSuperuser('select cursor_version from integration_streams')).toEqual([{ cursor_version: '1' }]);
  });
});

describe('settings', () => {
  it('are written by the scheduler and read by the others', async () => {
    const scheduler = pg.open('tidemark_scheduler');
    await writeSetting(scheduler, 'note', { a: 1 }, now);
    await writeSetting(scheduler, 'note', ['b'], now);
    expect(await readSetting(api, 'note')).toEqual(['b']);
    expect(await readSetting(api, 'absent')).toBeUndefined();
    await expect(writeSetting(api, 'note', 1, now)).rejects.toMatchObject({ code: 'db.forbidden' });
  });

  it('a second queue engine on one database is refused', async () => {
    const scheduler = pg.open('tidemark_scheduler');
    expect(await readEngine(api)).toBeNull();
    await claimEngine(scheduler, 'pgboss');
    await claimEngine(scheduler, 'pgboss');
    await expect(claimEngine(scheduler, 'bullmq')).rejects.toMatchObject({ code: 'config.invalid' });
    expect(await readEngine(api)).toBe('pgboss');
  });
});
