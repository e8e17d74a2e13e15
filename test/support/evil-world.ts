// A wrong connector beside an honest tenant: each attack runs through the real runner, store and http client, and after each
// test the honest tenant's rows are compared and his stream is synced.

import type { LookupFunction } from 'node:net';
import { afterEach, beforeAll, expect } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { reportOf, type ErrorCode } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { createHttpClient } from '../../src/http/client.ts';
import { createEgressPolicy } from '../../src/http/egress.ts';
import type { HttpRequest } from '../../src/http/http-client.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import type { SyncRunDeps } from '../../src/sync/runner.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import type { JobContext } from '../../queues/port.ts';
import type { Outcome } from '../../queues/outcome.ts';
import { OPEN_RULE } from './http.ts';
import { serve, type Answer } from './loopback.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';
import { createSyncWorld, listed, pageOf, type Read, type SyncWorld } from './sync-world.ts';

/** The credential that no attack may carry away. */
export const TOKEN = 'canary-t0ken-0123456789';

export interface Ran {
  readonly status: unknown;
  /** What the run keeps in `sync_logs.errors`. */
  readonly errors: readonly { readonly code: string; readonly message: string }[];
  /** `sync_logs.error_message` */
  readonly errorMessage: unknown;
  /** Null when the handler threw; then the consumer decides by the error. */
  readonly outcome: Outcome | null;
  /** All that the run and its error say. */
  readonly text: string;
}

export interface EvilWorld {
  readonly database: TestDatabase;
  readonly honest: SyncWorld;
  /** The tenant of the last attack. */
  readonly evil: SyncWorld;
  /** A run of the honest tenant that must succeed; also done after each test, once his rows were compared. */
  syncHonest(): Promise<void>;
  /** One run of a new tenant with this connector. */
  attack(read: Read, deps?: Partial<SyncRunDeps>, job?: Partial<JobContext<'sync.run'>>): Promise<Ran>;
}

/** What every object inherits, before anybody touched it. */
const PROTOTYPE = Object.getOwnPropertyNames(Object.prototype);
const HONEST_RECORDS = [[{ id: 'a', text: 'mine' }, { id: 'b' }]];

/** The run ended or waits for its next attempt because of `code`, and says so in its row. */
export function expectStopped({ status, errors, errorMessage }: Ran, code: ErrorCode): void {
  expect(status).not.toBe('running');
  expect(errors.map((error) => error.code)).toEqual([code]);
  expect(errorMessage).toEqual(expect.any(String));
}

/** To be called at the top of a test file: its hooks belong to the file. */
export function createEvilWorld(): EvilWorld {
  let database: TestDatabase;
  let honest: SyncWorld;
  let evil: SyncWorld;
  let allRows: string;
  let before: string;

  const rowsOfHonest = async (): Promise<string> =>
    JSON.stringify(await database.asSuperuser(allRows, [honest.userId]));

  beforeAll(async () => {
    database = await createTestDatabase();
    honest = await createSyncWorld(database, { worker: database.open('tidemark_worker', 8) });
    await honest.sync(listed(HONEST_RECORDS));
    allRows = await queryOfAllRows(database);
    before = await rowsOfHonest();
    expect(before).toContain('mine');
  });

  const syncHonest = async (): Promise<void> => {
    expect(await rowsOfHonest()).toBe(before);
    const { runId } = await honest.sync(listed(HONEST_RECORDS));
    expect(await honest.run(runId)).toMatchObject({ status: 'success', errors: [] });
    expect((await honest.proposals()).map((row) => row['cover_letter'])).toEqual(['mine', null]);
    before = await rowsOfHonest();
  };

  afterEach(async () => {
    await syncHonest();
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(PROTOTYPE);
  });

  return {
    get database() {
      return database;
    },
    get honest() {
      return honest;
    },
    get evil() {
      return evil;
    },
    syncHonest,
    async attack(read, deps = {}, job = {}) {
      evil = await createSyncWorld(database, { worker: honest.worker });
      const runId = await evil.addRun();
      const context = await evil.claim(runId, job);
      let outcome: Outcome | null = null;
      const thrown = await evil
        .handler(
          read,
          deps,
        )(context)
        .then((settled) => {
          outcome = settled;
          return null;
        }, reportOf);
      const run = await evil.run(runId);
      return {
        status: run['status'],
        errors: run['errors'] as Ran['errors'],
        errorMessage: run['error_message'],
        outcome,
        text: JSON.stringify([run, thrown]),
      };
    },
  };
}

/** All that a tenant ($1) has, whichever table holds it. */
async function queryOfAllRows(database: TestDatabase): Promise<string> {
  const tables = await database.asSuperuser<{ name: string; key: string }>(
    `select c.table_name as name, c.column_name as key
     from information_schema.columns c
     join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'public' and t.table_type = 'BASE TABLE'
       and (c.column_name = 'user_id' or (c.table_name = 'users' and c.column_name = 'id'))
     order by 1`,
  );
  const rows = tables.map(
    ({ name, key }) => `select '${name}' as "table", to_jsonb(t) as row from ${name} t where ${key} = $1`,
  );
  return `${rows.join(' union all ')} order by 1, 2`;
}

/** The real client; `origin` stands in for `platform.test`, or its name is looked up. */
export function over(origin: string | undefined, lookup?: LookupFunction): Partial<SyncRunDeps> {
  const client = createHttpClient({
    governor: createMemoryGovernor({ clock: systemClock }),
    egress: createEgressPolicy(lookup === undefined ? {} : { lookup }),
    clock: systemClock,
    log: silentLog,
    baseUrls: origin === undefined ? {} : { small: origin },
    userAgent: 'tidemark-test',
    random: () => 0,
  });
  return { httpFor: (scope) => client({ ...scope, platform: 'small' }) };
}

export async function platformAnswers(answer: Answer): Promise<Partial<SyncRunDeps>> {
  return over((await serve(answer)).origin);
}

/** Sends one request with the credential and yields what came as a page. */
export function asking(request: Partial<HttpRequest> = {}): Read {
  return async function* (_, { http, signal }) {
    const headers = { authorization: new Secret(`Bearer ${TOKEN}`) };
    const charges = [{ rule: OPEN_RULE, key: 'evil' }];
    const url = 'https://platform.test/items';
    const { text } = await http.request({ method: 'GET', url, headers, charges, attempts: 1, ...request }, signal);
    yield pageOf(JSON.parse(text) as unknown[], 1);
  };
}
