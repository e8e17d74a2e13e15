// A user with one connected integration whose stream `jobs` reads what a bench hands it, and the real runner over it.

import { z } from 'zod';
import type { JobContext } from '../../queues/port.ts';
import { AppError } from '../../src/core/errors.ts';
import { systemClock } from '../../src/core/clock.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { Secret } from '../../src/core/secret.ts';
import { defineConnector, defineStream } from '../../src/connectors/contract/connector.ts';
import type { Page, ReadContext } from '../../src/connectors/contract/stream.ts';
import { parsePosting } from '../../src/connectors/upwork/schemas/postings.ts';
import type { Database } from '../../src/db/database.ts';
import { acquireLease } from '../../src/store/stream-leases.ts';
import { planTaken, takeRun } from '../../src/sync/open-run.ts';
import type { PlannedRun, SyncRunDeps } from '../../src/sync/run-state.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { NO_STREAM } from '../support/http.ts';

export type PostingsPage = Page<{ readonly n: number }>;
export type ReadPostings = (context: ReadContext<unknown, unknown>) => AsyncIterable<PostingsPage>;
type Ask = <R = Record<string, unknown>>(text: string, values?: readonly unknown[]) => Promise<R[]>;

export const HOST = 'api.upwork.com';

function connectorOf(read: ReadPostings) {
  const stream = defineStream<unknown, unknown, 'posting', { n: number }>({
    name: 'jobs',
    kind: 'posting',
    owner: 'user',
    defaultIntervalMinutes: 30,
    fullEveryMs: null,
    lookbackMs: 0,
    readAhead: true,
    typicalCost: 1,
    cursor: { version: 1, schema: z.object({ n: z.int() }) },
    highWaterMark: () => null,
    read: (_plan, context) => read(context),
    parse: parsePosting,
    keyOf: (raw) => (raw as { id: string }).id,
  });
  return defineConnector<unknown, unknown>({
    platform: 'upwork',
    displayName: 'Static pages',
    allowedHosts: [HOST],
    credential: z.unknown(),
    settings: z.unknown(),
    auth: { kind: 'static' },
    limits: [],
    streams: [stream],
    test: () => Promise.resolve({ externalAccountId: '1', displayName: 'one' }),
  });
}

/** The runner's dependencies with everything around the page path as cheap as it can be. */
export function runnerOver(db: Database, read: ReadPostings, over: Partial<SyncRunDeps> = {}): SyncRunDeps {
  return {
    db,
    queue: { enqueue: () => Promise.resolve({ jobId: uuidv7(), created: true }) },
    connectors: new Map([['upwork', connectorOf(read)]]),
    httpFor: () => ({
      ...NO_STREAM,
      request: () => Promise.reject(new AppError('http.egress_denied', 'this rig has no network')),
    }),
    credentials: () => ({
      current: () => Promise.resolve(new Secret<unknown>({})),
      renew: () => Promise.resolve(new Secret<unknown>({})),
    }),
    sealer: {
      seal: (plaintext) => ({
        ciphertext: Buffer.from(plaintext.reveal()),
        wrappedKey: Buffer.from('key'),
        keyId: 'bench',
      }),
    },
    clock: systemClock,
    log: silentLog,
    config: { sliceMs: 3_600_000, egressId: 'bench' },
    ...over,
  };
}

export interface BenchStream {
  readonly platform: string;
  readonly stream: string;
}

/** A new user, integration and queued run, claimed by a new worker; as superuser. */
export async function claimRun(
  ask: Ask,
  { platform, stream }: BenchStream = { platform: 'upwork', stream: 'jobs' },
): Promise<JobContext<'sync.run'>> {
  const [userId, integrationId, runId, workerId, jobId] = [uuidv7(), uuidv7(), uuidv7(), uuidv7(), uuidv7()];
  await ask('insert into users (id, email, name) values ($1, $2, $3)', [userId, `${userId}@example.test`, 'Bench']);
  await ask(`insert into integrations (id, user_id, platform_id, status) values ($1, $2, $3, 'connected')`, [
    integrationId,
    userId,
    platform,
  ]);
  await ask(`insert into integration_streams (integration_id, user_id, stream) values ($1, $2, $3)`, [
    integrationId,
    userId,
    stream,
  ]);
  await ask(
    `insert into sync_logs (id, user_id, integration_id, stream, sync_type, status, trigger, created_at)
     values ($1, $2, $3, $4, 'full', 'queued', 'schedule', now())`,
    [runId, userId, integrationId, stream],
  );
  await ask(`insert into workers (id, hostname, pid, concurrency) values ($1, 'bench', 1, 1)`, [workerId]);
  await ask(
    `insert into job_ledger (id, kind, queue, payload, user_id, run_at, state, worker_id, max_attempts, created_at)
     values ($1, 'sync.run', 'sync-upwork', $2, $3, now(), 'active', $4, 8, now())`,
    [jobId, JSON.stringify({ runId }), userId, workerId],
  );
  return {
    jobId,
    kind: 'sync.run',
    queue: 'sync-upwork',
    payload: { runId },
    userId,
    workClass: 'incremental',
    attempt: 1,
    takeovers: 0,
    workerId,
    signal: new AbortController().signal,
    draining: new AbortController().signal,
    log: silentLog,
    progress: () => undefined,
  };
}

/** A run that holds its stream and has its plan: what the page path begins with. */
export async function openRun(deps: SyncRunDeps, job: JobContext<'sync.run'>): Promise<PlannedRun> {
  const token = await acquireLease(deps.db, job.jobId, job.workerId);
  if (token === null) throw new AppError('internal', 'expected a lease for the job of the rig, got none');
  const taken = await takeRun(deps, job, token);
  if (taken.kind === 'settled') throw new AppError('internal', 'expected a run to open, it was settled');
  return await planTaken(deps, job, taken);
}
