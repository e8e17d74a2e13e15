// Days are closed at the midnight of each zone, whatever the clocks do there.

import { beforeEach, expect, test } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { closeDays, type Midnights } from '../../src/scheduler/day-closer.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createTestClock } from '../support/scheduling.ts';

const database = await createTestDatabase();
const db = database.open('tidemark_scheduler', 2);
beforeEach(() => database.asSuperuser('delete from users; delete from dirty_days'));

async function addUser(timezone: string, isActive = true): Promise<string> {
  const id = uuidv7();
  await database.asSuperuser('insert into users (id, email, name, timezone, is_active) values ($1, $2, $3, $4, $5)', [
    id,
    `${id}@example.test`,
    'Test',
    timezone,
    isActive,
  ]);
  return id;
}

const marked = (): Promise<{ user_id: string; day: string }[]> =>
  database.asSuperuser('select user_id, day::text from dirty_days order by day, id');

// A day of 23 hours, one of 25, one whose midnight is skipped, and one where it comes twice.
test.for([
  ['Europe/Berlin', '2026-03-29', '2026-03-29T22:02:00Z'],
  ['Europe/Berlin', '2026-10-25', '2026-10-25T23:02:00Z'],
  ['America/Santiago', '2026-09-05', '2026-09-06T04:02:00Z'],
  ['America/Havana', '2026-10-31', '2026-11-01T04:02:00Z'],
])('in %s the %s is closed once when it has ended', async ([timezone, day, endedAt]) => {
  const userId = await addUser(timezone!);
  await addUser(timezone!, false);
  await addUser('Asia/Kathmandu');
  const clock = createTestClock(new Date(Date.parse(endedAt!) - 5 * 60_000).toISOString());
  const midnights: Midnights = new Map();
  expect(await closeDays({ db, clock, log: silentLog }, midnights)).toBe(0);
  clock.advance(5 * 60_000);
  expect(await closeDays({ db, clock, log: silentLog }, midnights)).toBe(1);
  expect(await marked()).toEqual([{ user_id: userId, day }]);
  clock.advance(90 * 60_000);
  expect(await closeDays({ db, clock, log: silentLog }, midnights)).toBe(0);
});
