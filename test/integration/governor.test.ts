// The shared governor on real Postgres, as the worker's own role.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { mapBounded, sleep } from '../../src/core/async.ts';
import type { Database } from '../../src/db/database.ts';
import { maxInWindow } from '../../src/limits/gcra.ts';
import type { BucketRule, Governor } from '../../src/limits/governor.ts';
import { createPostgresGovernor } from '../../src/limits/postgres-governor.ts';
import type { EventLog } from '../../src/telemetry/event-log.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { fullestWindow, ruleOf, TurnedClock } from '../conformance/limiter/harness.ts';
import { limiterConformance } from '../conformance/limiter/suite.ts';
import { createTestDatabase } from '../support/postgres.ts';

const NEVER = new AbortController().signal;
const postgres = await createTestDatabase();
const database = postgres.open('tidemark_worker', 10);

limiterConformance('Postgres', async () => ({
  governor: (now) => createPostgresGovernor({ database, log: silentLog, ...(now === undefined ? {} : { now }) }),
  close: async () => undefined,
}));

function governorOn(on: Database = database, log: EventLog = silentLog): Governor {
  return createPostgresGovernor({ database: on, log });
}

/** Waits as told until a request is granted, then sends it. */
async function takeAndSend(governor: Governor, rule: BucketRule, send: () => Promise<unknown>): Promise<void> {
  for (;;) {
    const grant = await governor.take([{ rule, key: 'egress' }], 'incremental');
    if (grant.granted) return void (await send());
    await sleep(grant.waitMs, NEVER);
  }
}

test('20 takers in real time: the receiving side never sees more than burst and rate allow', async () => {
  const arrivals: number[] = [];
  const server = createServer((_, response) => {
    arrivals.push(performance.now());
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const rule = ruleOf({ requests: 100, perMs: 1_000, burst: 10 });
  const workers = [database, postgres.open('tidemark_worker', 10)].map((pool) => governorOn(pool));
  const startedAt = performance.now();
  const requests = Array.from({ length: 300 }, (_, index) => index);
  await mapBounded(requests, 20, (n) => takeAndSend(workers[n % 2]!, rule, () => fetch(origin)));
  const elapsedMs = performance.now() - startedAt;
  server.close();
  expect(arrivals).toHaveLength(300);
  // A grant reaches the server later than it was given, by a delay that varies: windows may be squeezed by that much.
  const delayMs = 100;
  expect(fullestWindow(arrivals, 1_000)).toBeLessThanOrEqual(maxInWindow(rule, 1_000 + delayMs));
  expect(arrivals.length).toBeGreaterThanOrEqual(0.9 * ((elapsedMs / 1_000) * rule.requests));
});

test('a crowd at one instant gets exactly the burst, even when the bucket is new to everybody', async () => {
  const clock = new TurnedClock();
  const rule = ruleOf({ burst: 7 });
  const other = postgres.open('tidemark_worker', 10);
  const governors = [database, other].map((on) =>
    createPostgresGovernor({ database: on, log: silentLog, now: clock.now }),
  );
  const takes = Array.from({ length: 40 }, (_, n) => governors[n % 2]!.take([{ rule, key: 'new' }], 'incremental'));
  const grants = (await Promise.all(takes)).filter((grant) => grant.granted);
  expect(grants).toHaveLength(7);
});

test('requests that name the same buckets in opposite orders do not deadlock', async () => {
  const governor = governorOn();
  const [a, b] = [ruleOf({ burst: 1_000 }), ruleOf({ burst: 1_000 })].map((rule) => ({ rule, key: 'x' }));
  const takes = Array.from({ length: 200 }, (_, n) => governor.take(n % 2 === 0 ? [a!, b!] : [b!, a!], 'incremental'));
  const grants = await Promise.all(takes);
  expect(grants.every((grant) => grant.granted)).toBe(true);
});

test('an answer that teaches nothing writes nothing', async () => {
  const governor = governorOn();
  const rule = ruleOf({ burst: 10 });
  await governor.take([{ rule, key: 'a' }], 'incremental');
  const read = (): Promise<unknown[]> =>
    postgres.asSuperuser('select xmin::text, tat_ms from rate_buckets where rule_id = $1', [rule.id]);
  const before = await read();
  await governor.learn({ rule, key: 'a', outcome: 'ok', remaining: 9 });
  await governor.learn({ rule, key: 'a', outcome: 'ok' });
  expect(await read()).toEqual(before);
});

test('parking is told once for a crowd of refusals, the breaker once when it opens', async () => {
  const events: string[] = [];
  const log: EventLog = { emit: (event) => void events.push(event), with: () => log };
  const governor = governorOn(database, log);
  const bucket = { rule: ruleOf({ breaker: { failures: 2, openMs: 60_000 } }), key: 'a' };
  await governor.take([bucket], 'incremental');
  const refusals = Array.from({ length: 5 }, () => governor.learn({ ...bucket, outcome: 'rate_limited' }));
  await Promise.all(refusals);
  for (let n = 0; n < 4; n++) await governor.learn({ ...bucket, outcome: 'failed' });
  expect(events).toEqual(['limits.parked', 'limits.breaker_opened']);
});

test('roles: the scheduler may charge, the api may only look', async () => {
  const bucket = { rule: ruleOf(), key: 'a' };
  expect((await governorOn(postgres.open('tidemark_scheduler', 1)).take([bucket], 'interactive')).granted).toBe(true);
  const api = postgres.open('tidemark_api', 1);
  const { rows } = await api.query('select key from rate_buckets where rule_id = $1', [bucket.rule.id]);
  expect(rows).toEqual([{ key: 'a' }]);
  await expect(governorOn(api).take([bucket], 'interactive')).rejects.toMatchObject({ code: 'db.forbidden' });
});
