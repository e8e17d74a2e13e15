// Users with cached postings of any age and with affairs of their own, and the pass over them as a worker runs it.

import { randomUUID } from 'node:crypto';
import { upwork } from '../../src/connectors/upwork/index.ts';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import type { RetentionLimits } from '../../src/core/retention.ts';
import type { Tx } from '../../src/db/database.ts';
import { ident } from '../../src/db/sql.ts';
import { acquireLease } from '../../src/store/stream-leases.ts';
import { silentLog, type EventLog } from '../../src/telemetry/event-log.ts';
import type { Outcome } from '../../queues/outcome.ts';
import { createRetentionHandler } from '../../workers/retention.ts';
import { userColumnOf, readTables } from './matrix.ts';
import type { TestDatabase } from './postgres.ts';

export const LIMITS: RetentionLimits = { upwork: DAY_MS };
export const NOW = new Date('2026-10-06T12:00:00Z');
export const atNow: Clock = { ...systemClock, now: () => NOW };

export const hoursAgo = (hours: number): Date => new Date(NOW.getTime() - hours * HOUR_MS);

export interface CachedPosting {
  readonly key: string;
  readonly ageHours: number;
  readonly seenHoursAgo?: number;
  readonly isFavorite?: boolean;
  readonly isRemoved?: boolean;
}

export interface PassOptions {
  readonly limits?: RetentionLimits;
  readonly clock?: Clock;
  readonly log?: EventLog;
  readonly signal?: AbortSignal;
  readonly draining?: AbortSignal;
}

export type Naming = 'proposals' | 'offers' | 'contracts';

const NATURAL_KEYS = {
  proposals: 'upwork_proposal_id',
  offers: 'upwork_offer_id',
  contracts: 'upwork_contract_id',
} as const;
const OTHERS = { proposals: 'submitted', offers: 'pending', contracts: 'active' } as const;

export type RetentionWorld = Awaited<ReturnType<typeof createRetentionWorld>>;

async function addAccount({ asSuperuser }: TestDatabase) {
  const [userId, integrationId] = [uuidv7(), uuidv7()];
  await asSuperuser('insert into users (id, email, name) values ($1, $2, $3)', [userId, `${userId}@example.test`, 'T']);
  await asSuperuser(`insert into integrations (id, user_id, platform_id, paused_at) values ($1, $2, 'upwork', now())`, [
    integrationId,
    userId,
  ]);
  await asSuperuser(
    `insert into integration_streams (integration_id, user_id, stream) values ($1, $2, 'jobs'), ($1, $2, 'proposals')`,
    [integrationId, userId],
  );
  return { userId, integrationId };
}

/** A user with one account that is paused: copies grow old there too. */
export async function createRetentionWorld(database: TestDatabase) {
  const { asSuperuser } = database;
  const { userId, integrationId } = await addAccount(database);
  const worker = database.open('tidemark_worker');
  /** A job in hand of a living worker. */
  async function takeJob(): Promise<{ readonly jobId: string; readonly workerId: string }> {
    const [jobId, workerId] = [uuidv7(), uuidv7()];
    await asSuperuser(`insert into workers (id, hostname, pid, concurrency) values ($1, 'test', 1, 1)`, [workerId]);
    await asSuperuser(
      `insert into job_ledger (id, kind, queue, user_id, run_at, state, worker_id, max_attempts, created_at)
       values ($1, 'maintenance.retention', 'maintenance', $2, now(), 'active', $3, 5, now())`,
      [jobId, userId, workerId],
    );
    return { jobId, workerId };
  }
  return {
    userId,
    integrationId,
    worker,
    async addPosting({ key, ageHours, seenHoursAgo, isFavorite = false, isRemoved = false }: CachedPosting) {
      const seenAt = seenHoursAgo === undefined ? null : hoursAgo(seenHoursAgo);
      const [row] = await asSuperuser<{ id: string }>(
        `insert into jobs (user_id, integration_id, upwork_job_id, title, is_favorite, content_hash, deleted_at, created_at,
           updated_at, seen_at)
         values ($1, $2, $3, 'T', $4, '\\x00', $5, $6, $6, $7) returning id`,
        [userId, integrationId, key, isFavorite, isRemoved ? hoursAgo(ageHours) : null, hoursAgo(ageHours), seenAt],
      );
      return row!.id;
    },
    /** Something of the user's own that names a posting by our id or by the platform's. */
    async addNaming(table: Naming, by: { readonly jobId?: string; readonly key?: string }) {
      const title = table === 'offers' ? [', title', `, 'T'`] : ['', ''];
      await asSuperuser(
        `insert into ${ident(table)} (user_id, integration_id, ${NATURAL_KEYS[table]}, job_id, upwork_job_id, status,
           platform_status, content_hash, updated_at${title[0]})
         values ($1, $2, $3, $4, $5, $6, 'x', '\\x00', $7${title[1]})`,
        [userId, integrationId, randomUUID(), by.jobId ?? null, by.key ?? null, OTHERS[table], hoursAgo(9_999)],
      );
    },
    async addRaw(stream: string, ageHours: number) {
      await asSuperuser(
        `insert into sync_quarantine (user_id, integration_id, stream, record_key, reason_code, reason, ciphertext, wrapped_key,
           key_id, version, created_at)
         values ($1, $2, $3, $4, 'record.invalid', 'x', '\\x00', '\\x00', 'k', 1, $5)`,
        [userId, integrationId, stream, `${stream} ${ageHours}`, hoursAgo(ageHours)],
      );
    },
    async postings(): Promise<readonly string[]> {
      const rows = await asSuperuser<{ key: string }>(
        'select upwork_job_id as key from jobs where user_id = $1 order by upwork_job_id',
        [userId],
      );
      return rows.map(({ key }) => key);
    },
    async raw(): Promise<readonly string[]> {
      const rows = await asSuperuser<{ key: string }>(
        'select record_key as key from sync_quarantine where user_id = $1 order by record_key',
        [userId],
      );
      return rows.map(({ key }) => key);
    },
    /** `work` under a lease of this user. */
    async leased<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
      const { jobId, workerId } = await takeJob();
      const token = (await acquireLease(worker, jobId, workerId))!;
      return await worker.tx({ kind: 'lease', token }, work);
    },
    /** One job of this user, as the consumer hands it to the handler. `ofUser`: what its payload says. */
    async pass(options: PassOptions = {}, ofUser = userId): Promise<Outcome> {
      const { limits = LIMITS, clock = atNow, log = silentLog, signal = new AbortController().signal } = options;
      const { jobId, workerId } = await takeJob();
      const connectors = new Map([['upwork', upwork]]);
      const handler = createRetentionHandler({ db: worker, clock, connectors, config: { retention: limits } });
      return await handler({
        jobId,
        workerId,
        kind: 'maintenance.retention',
        queue: 'maintenance',
        payload: { userId: ofUser },
        userId,
        workClass: 'incremental',
        attempt: 1,
        takeovers: 0,
        signal,
        draining: options.draining ?? new AbortController().signal,
        log,
        progress: () => undefined,
      });
    },
  };
}

/** Every row of every tenant's table but those that a pass may touch, as text. */
export async function ownRows(database: TestDatabase): Promise<Readonly<Record<string, readonly string[]>>> {
  const cached = new Set(['jobs', 'sync_quarantine', 'retention_passes', 'job_ledger', 'job_logs']);
  const tables = (await readTables(database)).filter(
    (table) => userColumnOf(table) !== null && !cached.has(table.name),
  );
  const rows: Record<string, readonly string[]> = {};
  for (const { name } of tables) {
    const found = await database.asSuperuser<{ row: string }>(`select t::text as row from ${ident(name)} t order by 1`);
    rows[name] = found.map(({ row }) => row);
  }
  return rows;
}
