// Reports over a real replica: read there while it is less than five seconds behind, else from the primary, whatever the replica
// thinks of itself.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReplicaReads, type ReplicaReads } from '../../src/app/reads.ts';
import { SECOND_MS } from '../../src/core/duration.ts';
import { Secret } from '../../src/core/secret.ts';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { readLogPosition } from '../../src/db/replica-lag.ts';
import { bearer, issueToken, startApi } from '../support/api.ts';
import { prepareCluster, urlOf } from '../support/cluster.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startReplica, type Replica } from '../support/replica.ts';
import { createTestClock, type TestClock } from '../support/scheduling.ts';
import { embeddedPostgres, startPrivateCluster, type PrivateCluster } from '../support/system-postgres.ts';
import { eventRecorder, waitFor, type EventRecorder } from '../support/wait.ts';

let primary: PrivateCluster;
let replica: Replica;
let database: TestDatabase;
let api: Database;

beforeAll(async () => {
  const programs = await embeddedPostgres();
  primary = await startPrivateCluster(programs);
  await prepareCluster(primary.superuserUrl);
  replica = await startReplica(programs, primary.superuserUrl);
  database = await createTestDatabase(primary.superuserUrl.reveal());
  api = database.open('tidemark_api');
  await caughtUp();
});

const opened: Database[] = [];
afterAll(async () => {
  await Promise.all(opened.map((pool) => pool.close()));
  await replica.stop();
  await primary.stop();
});

function onReplica(url = replica.superuserUrl): Database {
  const pool = openDatabase({
    url: new Secret(urlOf(url, 'tidemark_readonly', database.name)),
    role: 'tidemark_readonly',
    poolSize: 2,
  });
  opened.push(pool);
  return pool;
}

async function caughtUp(): Promise<void> {
  await waitFor(
    async () => {
      const [ahead, behind] = [await readLogPosition(api), await readLogPosition(onReplicaOnce())];
      return behind.position >= ahead.position;
    },
    { what: 'the replica to catch up' },
  );
}

let once: Database | undefined;
const onReplicaOnce = (): Database => (once ??= onReplica());

interface World {
  readonly reads: ReplicaReads;
  readonly clock: TestClock;
  readonly log: EventRecorder;
  /** Where a report is read now. */
  readonly place: () => Promise<string>;
}

/** The clock of the choice stands still unless it is turned; looks are made all the time. */
async function watch(replicaDb: Database = onReplicaOnce()): Promise<World> {
  const clock = createTestClock('2026-01-01T00:00:00Z');
  const log = eventRecorder();
  const reads = createReplicaReads({ primary: api, replica: replicaDb, clock, log, everyMs: 10 });
  await reads.service.start();
  const place = async (): Promise<string> =>
    await reads.tx({ kind: 'none' }, async (tx) => {
      const { rows } = await tx.query<{ place: string }>(
        `select case when pg_is_in_recovery() then 'replica' else 'primary' end as place`,
      );
      return rows[0]!.place;
    });
  return { reads, clock, log, place };
}

test('reads from the replica as soon as it is known to be up to date, and from the primary when it is five seconds behind', async () => {
  const { reads, clock, log, place } = await watch();
  expect(await place()).toBe('primary');
  await waitFor(() => reads.usesReplica(), { what: 'the replica to be used' });
  expect(await place()).toBe('replica');
  await replica.pause();
  // Something happens that the replica does not know.
  await database.asSuperuser('create table happened (id integer)');
  const ahead = await readLogPosition(api);
  expect(ahead.position).toBeGreaterThan((await readLogPosition(onReplicaOnce())).position);
  clock.advance(5 * SECOND_MS - 1);
  expect(await place()).toBe('replica');
  clock.advance(1);
  expect(await place()).toBe('primary');
  await log.waitFor('reads.replica_left');
  expect(reads.service.health?.()).toMatchObject({ status: 'degraded' });
  await replica.resume();
  await waitFor(() => reads.usesReplica(), { what: 'the replica to be used again' });
  expect(await place()).toBe('replica');
  expect(log.of('reads.replica_taken')).toHaveLength(2);
  expect(reads.service.health?.()).toEqual({ status: 'ok' });
  await reads.service.stop();
});

test('an idle primary leaves its replica as fresh as the last look', async () => {
  const { reads, clock } = await watch();
  await waitFor(() => reads.usesReplica(), { what: 'the replica to be used' });
  for (let minutes = 0; minutes < 3; minutes++) {
    clock.advance(60 * SECOND_MS);
    await waitFor(() => reads.usesReplica(), { what: 'the next look' });
  }
  await reads.service.stop();
});

test('a replica that nobody can look at any more is left when its last look is five seconds old', async () => {
  const away = onReplica();
  const { reads, clock, place } = await watch(away);
  await waitFor(() => reads.usesReplica(), { what: 'the replica to be used' });
  await reads.service.stop();
  clock.advance(5 * SECOND_MS);
  expect(await place()).toBe('primary');
});

test('a replica that goes away between two looks costs nobody his report', async () => {
  const gone = openDatabase({
    url: new Secret('postgres://tidemark_readonly:x@127.0.0.1:1/none'),
    role: 'tidemark_readonly',
    poolSize: 1,
  });
  opened.push(gone);
  // Looked at as long as it lasted: a query goes to the one that is there, a report to the one that is not.
  const flaky: Database = {
    role: gone.role,
    tx: gone.tx.bind(gone),
    close: () => gone.close(),
    query: (...q) => onReplicaOnce().query(...q),
  };
  const { reads, place } = await watch(flaky);
  await waitFor(() => reads.usesReplica(), { what: 'the replica to be used' });
  expect(await place()).toBe('primary');
  await reads.service.stop();
});

test('another address of the primary itself is always up to date', async () => {
  const { reads, place } = await watch(onReplica(primary.superuserUrl.reveal()));
  await waitFor(() => reads.usesReplica(), { what: 'the other address to be used' });
  expect(await place()).toBe('primary');
  await reads.service.stop();
});

test('another cluster is never read, however new it looks', async () => {
  const stranger = (await createTestDatabase()).open('tidemark_readonly', 1);
  let looks = 0;
  const counted: Database = {
    role: stranger.role,
    tx: stranger.tx.bind(stranger),
    close: () => stranger.close(),
    query: async (text, values) => {
      const answer = await stranger.query<never>(text, values);
      looks += 1;
      return answer;
    },
  };
  const { reads, log } = await watch(counted);
  await waitFor(() => looks > 3, { what: 'some looks' });
  expect(reads.usesReplica()).toBe(false);
  expect(log.of('reads.replica_taken')).toEqual([]);
  await reads.service.stop();
});

test('series of the API come from the replica under the same row level security', async () => {
  const { reads } = await watch();
  const token = await issueToken(api, ['read']);
  const [user] = await database.asSuperuser<{ id: string }>(
    `insert into users (email, name) values ('ada@example.com', 'Ada') returning id`,
  );
  await database.asSuperuser(
    `insert into user_metrics (user_id, date, timezone, currency, computed_at, orders) values ($1, '2026-01-01', 'UTC', 'USD', now(), 7)`,
    [user!.id],
  );
  await caughtUp();
  await waitFor(() => reads.usesReplica(), { what: 'the replica to be used' });
  const scopes: string[] = [];
  const counted: Pick<Database, 'tx'> = {
    tx: (scope, work) => {
      scopes.push(reads.usesReplica() ? `replica ${scope.kind}` : `primary ${scope.kind}`);
      return reads.tx(scope, work);
    },
  };
  const { address } = await startApi(api, { deps: { reads: counted } });
  const ask = async (path: string): Promise<unknown> =>
    await (await fetch(`${address}${path}`, { headers: bearer(token) })).json();
  expect(await ask(`/v1/users/${user!.id}/metrics?from=2026-01-01&to=2026-01-01&metrics=orders`)).toMatchObject({
    total: { values: { orders: 7 } },
  });
  expect(await ask('/v1/platform-metrics?from=2026-01-01&to=2026-01-01')).toMatchObject({
    items: [{ total: { sum: 0 } }],
  });
  expect(await ask('/v1/platform-metrics/live')).toEqual({ items: [] });
  expect(scopes).toEqual(['replica ops', 'replica ops', 'replica ops']);
  await reads.service.stop();
});

test('a replica that was promoted went its own way and is not read', async () => {
  const { reads, log, place } = await watch();
  await waitFor(() => reads.usesReplica(), { what: 'the replica to be used' });
  await replica.promote();
  await log.waitFor('reads.replica_left');
  expect(reads.usesReplica()).toBe(false);
  expect(await place()).toBe('primary');
  await reads.service.stop();
});
