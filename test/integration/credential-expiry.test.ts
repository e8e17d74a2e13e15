// Credentials that end by themselves: when the platform says, its users hear of it a month, a week and a day before.

import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { noticeGrants } from '../../src/scheduler/grant-watch.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createSyncWorld, pageOf, type SyncWorld } from '../support/sync-world.ts';
import { createRecordingLog } from '../support/scheduling.ts';

const database = await createTestDatabase();
const scheduler = database.open('tidemark_scheduler');

/** A world with a stored credential of which nobody knows when it ends. */
async function worldWithCredential(): Promise<SyncWorld> {
  const world = await createSyncWorld(database);
  await database.asSuperuser(
    `insert into integration_credentials (integration_id, user_id, ciphertext, wrapped_key, key_id)
     values ($1, $2, 'c', 'w', 'k')`,
    [world.integrationId, world.userId],
  );
  return world;
}

async function expiryOf({ integrationId }: SyncWorld): Promise<unknown> {
  const [row] = await database.asSuperuser('select expires_at from integration_credentials where integration_id = $1', [
    integrationId,
  ]);
  return row!['expires_at'];
}

/** Tells with a page when the credential ends. */
async function tell(world: SyncWorld, credentialExpiresAt: Date): Promise<unknown> {
  const { outcome } = await world.sync(async function* () {
    yield { ...pageOf([{ id: 'a' }], 1), credentialExpiresAt };
  });
  return outcome;
}

test('a page that says when the credential ends is believed, and the next one too', async () => {
  const world = await worldWithCredential();
  const other = await worldWithCredential();
  for (const end of [new Date('2027-01-05T10:00:00Z'), new Date('2027-02-05T10:00:00Z')]) {
    await tell(world, end);
    expect(await expiryOf(world)).toEqual(end);
  }
  expect(await expiryOf(other)).toBeNull();
});

test('a page with no date for it is no page, and changes nothing', async () => {
  const world = await worldWithCredential();
  await tell(world, new Date('2027-01-05T10:00:00Z'));
  await expect(tell(world, new Date(Number.NaN))).rejects.toMatchObject({ code: 'sync.page_invalid' });
  expect(await expiryOf(world)).toEqual(new Date('2027-01-05T10:00:00Z'));
});

test('its user is told a month, a week and a day before it ends, once each, and never after', async () => {
  const world = await worldWithCredential();
  const end = Date.now() + 40 * DAY_MS;
  await tell(world, new Date(end));
  const log = createRecordingLog();
  const noticesAt = async (daysLeft: number): Promise<unknown> => {
    const clock = { ...systemClock, now: () => new Date(end - daysLeft * DAY_MS) };
    const deps = { db: scheduler, clock, log, grantIdleMs: new Map([['upwork', null]]) };
    await Promise.all([noticeGrants(deps), noticeGrants(deps)]);
    return log.events
      .filter(({ fields }) => fields['integrationId'] === world.integrationId)
      .map(({ fields }) => fields['daysLeft']);
  };
  expect(await noticesAt(31)).toEqual([]);
  expect(await noticesAt(29)).toEqual([30]);
  expect(await noticesAt(28)).toEqual([30]);
  expect(await noticesAt(6.9)).toEqual([30, 7]);
  expect(await noticesAt(0.5)).toEqual([30, 7, 1]);
  expect(await noticesAt(-1)).toEqual([30, 7, 1]);
});
