// A server for tests of metrics: two users with an account each, a token of the installation and one of the second user.

import type { Clock } from '../../src/core/clock.ts';
import type { Database } from '../../src/db/database.ts';
import { insertApiToken } from '../../src/store/api-tokens.ts';
import { createToken, hashToken } from '../../src/vault/token.ts';
import { bearer, issueToken, startApi } from './api.ts';
import { addMetricAccount, type MetricAccount } from './metrics.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, never> & { readonly items: readonly Record<string, unknown>[] };
}

export interface MetricApi {
  readonly database: TestDatabase;
  readonly scheduler: Database;
  /** In Berlin, on Upwork. */
  readonly ada: MetricAccount;
  /** In UTC, on Ozon. */
  readonly bob: MetricAccount;
  readonly ofBob: string;
  ask(
    path: string,
    as?: string,
  ): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }>;
  get(path: string, as?: string, at?: Clock): Promise<Answer>;
}

async function tenantToken(db: Database, userId: string): Promise<string> {
  const text = createToken().reveal();
  await insertApiToken(db, { name: 'tenant', tokenHash: hashToken(text), scopes: ['read'], expiresAt: null, userId });
  return text;
}

export async function createMetricApi(clock: Clock): Promise<MetricApi> {
  const database = await createTestDatabase();
  const db = database.open('tidemark_api');
  const worker = database.open('tidemark_worker');
  const ada = await addMetricAccount(database, worker, { timezone: 'Europe/Berlin' });
  const bob = await addMetricAccount(database, worker, { platformId: 'ozon' });
  const token = await issueToken(db, ['read']);
  const fetchFrom = async (path: string, as = token, at = clock) => {
    const { address } = await startApi(db, { deps: { clock: at } });
    const response = await fetch(`${address}${path}`, { headers: bearer(as) });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return {
    database,
    scheduler: database.open('tidemark_scheduler'),
    ada,
    bob,
    ofBob: await tenantToken(db, bob.userId),
    ask: (path, as) => fetchFrom(path, as),
    async get(path, as, at) {
      const { status, text } = await fetchFrom(path, as, at);
      return { status, body: JSON.parse(text) as Answer['body'] };
    },
  };
}
