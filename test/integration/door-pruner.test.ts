import { expect, onTestFinished, test } from 'vitest';
import { createDoorPruner } from '../../src/scheduler/door-pruner.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { issueToken } from '../support/api.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createTestClock } from '../support/scheduling.ts';

test('answers go after a day, sessions after their end, and nothing else', async () => {
  const database = await createTestDatabase();
  await issueToken(database.open('tidemark_api'), ['read']);
  const clock = createTestClock('2026-05-04T10:00:00Z');
  await database.asSuperuser(`
    insert into idempotency_keys (token_id, key, request_hash, created_at)
    select id, key, '', at from api_tokens, (values
      ('old', timestamptz '2026-05-03T09:59:59Z'), ('young', timestamptz '2026-05-03T10:00:01Z')) as k (key, at)`);
  await database.asSuperuser(`
    insert into console_sessions (session_hash, token_id, created_at, seen_at, expires_at)
    select key::bytea, id, at, at, at from api_tokens, (values
      ('over', timestamptz '2026-05-04T09:59:59Z'), ('open', timestamptz '2026-05-04T10:00:01Z')) as k (key, at)`);
  const pruner = createDoorPruner({ db: database.open('tidemark_scheduler'), clock, log: silentLog });
  onTestFinished(() => pruner.stop());
  await pruner.start();
  const left = () =>
    database.asSuperuser(`
      select (select string_agg(key, ',') from idempotency_keys) as keys,
        (select string_agg(convert_from(session_hash, 'utf8'), ',') from console_sessions) as sessions`);
  await expect.poll(left).toEqual([{ keys: 'young', sessions: 'open' }]);
});
