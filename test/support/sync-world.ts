// A user with one integration of a small connector whose pages a test writes down, and the runner over a real database.

import { AppError } from '../../src/core/errors.ts';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import type { ProposalRecord } from '../../src/core/records.ts';
import { Secret } from '../../src/core/secret.ts';
import { z } from 'zod';
import { defineConnector, defineStream, type AnyConnector } from '../../src/connectors/contract/connector.ts';
import type { Page, Plan, ReadContext } from '../../src/connectors/contract/stream.ts';
import type { Database } from '../../src/db/database.ts';
import type { HttpCall } from '../../src/http/http-client.ts';
import { createSyncRunHandler, type SyncRunDeps } from '../../src/sync/runner.ts';
import type { Sealer } from '../../src/vault/sealer.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import type { JobContext, JobRequest } from '../../queues/port.ts';
import type { Outcome } from '../../queues/outcome.ts';
import { addWorker, claimRun } from './claim-run.ts';
import type { TestDatabase } from './postgres.ts';
import { NO_STREAM } from './http.ts';

/** A proposal as the small platform sends it. */
export interface RawProposal {
  readonly id: string;
  readonly text?: string;
  readonly amount?: string;
  readonly status?: ProposalRecord['status'];
  readonly postingId?: string;
  readonly sentAt?: string;
  readonly viewedAt?: string;
  readonly hiredAt?: string;
  readonly updatedAt?: string;
}

const dateOf = (text: string | undefined): Date | null => (text === undefined ? null : new Date(text));

export function parseProposal(raw: unknown): ProposalRecord {
  if (raw === null || typeof raw !== 'object' || !('id' in raw) || typeof raw.id !== 'string') {
    throw new AppError('record.invalid', 'id: expected a text', { details: { path: 'id' } });
  }
  const { id, text, amount, status, postingId, sentAt, viewedAt, hiredAt, updatedAt } = raw as RawProposal;
  return {
    upworkProposalId: id,
    upworkJobId: postingId ?? null,
    coverLetter: text ?? null,
    bidAmount: amount ?? null,
    bidCurrency: amount === undefined ? null : 'USD',
    bidType: null,
    deliveryTime: null,
    status: status ?? 'submitted',
    platformStatus: status ?? 'submitted',
    submittedAt: dateOf(sentAt),
    viewedAt: dateOf(viewedAt),
    interviewedAt: null,
    hiredAt: dateOf(hiredAt),
    rejectedAt: null,
    rejectionReason: null,
    sourceUpdatedAt: dateOf(updatedAt),
  };
}

export interface Cursor {
  readonly n: number;
}
export type TestPage = Page<Cursor>;
export type Read = (
  plan: Plan<Cursor>,
  context: ReadContext<unknown, unknown>,
  onCall: (call: HttpCall) => void,
) => AsyncIterable<TestPage>;

/** A page of upserts; `n` is its checkpoint. */
export function pageOf(records: readonly unknown[], n?: number): TestPage {
  return { records, mode: { kind: 'upsert' }, ...(n === undefined ? {} : { checkpoint: { n } }) };
}

/** Pages 1, 2, 3 … of a list, from the plan's cursor on. */
export function listed(pages: readonly (readonly unknown[])[]): Read {
  return async function* read(plan) {
    for (let n = plan.cursor?.n ?? 0; n < pages.length; n++) yield pageOf(pages[n]!, n + 1);
  };
}

/** Stands where the vault's sealer stands in tests that do not look at sealing. */
const plainSealer: Sealer = {
  seal: (plaintext) => ({
    ciphertext: Buffer.from(plaintext.reveal()),
    wrappedKey: Buffer.from('key'),
    keyId: 'test-key',
  }),
};

export interface WorldOptions {
  readonly timezone?: string;
  readonly clock?: Clock;
  readonly readAhead?: boolean;
  /** A pool to share between worlds; default: one of its own. */
  readonly worker?: Database;
}

export interface RunOptions {
  readonly type?: string;
  readonly status?: string;
  readonly trigger?: string;
  /** Of a backfill. */
  readonly from?: Date;
  readonly to?: Date;
}

export interface SyncWorld {
  readonly userId: string;
  readonly integrationId: string;
  readonly worker: Database;
  readonly enqueued: JobRequest[];
  /** A queued run of the stream. */
  addRun(options?: RunOptions): Promise<string>;
  addWorker(): Promise<string>;
  /** Claims a job for the run in the ledger, as the consumer does; returns its context. */
  claim(runId: string, options?: Partial<JobContext<'sync.run'>>): Promise<JobContext<'sync.run'>>;
  /** The handler over `read`. */
  handler(read: Read, deps?: Partial<SyncRunDeps>): (job: JobContext<'sync.run'>) => Promise<Outcome>;
  /** One new run, to its end of a slice. */
  sync(read: Read, deps?: Partial<SyncRunDeps>): Promise<{ readonly runId: string; readonly outcome: Outcome }>;
  run(runId: string): Promise<Record<string, unknown>>;
  stream(): Promise<Record<string, unknown>>;
  proposals(): Promise<Record<string, unknown>[]>;
}

function connectorOf(
  read: Read,
  readAhead: boolean,
): { connector: AnyConnector; readonly bind: (call: (c: HttpCall) => void) => void } {
  let onCall: (call: HttpCall) => void = () => undefined;
  const stream = defineStream<unknown, unknown, 'proposal', Cursor>({
    name: 'proposals',
    kind: 'proposal',
    owner: 'user',
    defaultIntervalMinutes: 30,
    fullEveryMs: null,
    lookbackMs: 60_000,
    readAhead,
    typicalCost: 1,
    cursor: { version: 1, schema: z.object({ n: z.int() }) },
    highWaterMark: () => null,
    read: (plan, context) => read(plan, context, (call) => onCall(call)),
    parse: parseProposal,
    keyOf: (raw) =>
      raw !== null && typeof raw === 'object' && 'id' in raw && typeof raw.id === 'string' ? raw.id : null,
  });
  const connector = defineConnector<unknown, unknown>({
    platform: 'upwork',
    displayName: 'Small',
    allowedHosts: ['platform.test'],
    credential: z.unknown(),
    settings: z.unknown(),
    auth: { kind: 'static' },
    limits: [],
    streams: [stream],
    test: () => Promise.resolve({ externalAccountId: '1', displayName: 'one' }),
  });
  return { connector, bind: (call) => void (onCall = call) };
}

export async function createSyncWorld(database: TestDatabase, options: WorldOptions = {}): Promise<SyncWorld> {
  const { timezone = 'UTC', clock = systemClock, readAhead = true } = options;
  const worker = options.worker ?? database.open('tidemark_worker');
  const userId = uuidv7();
  const integrationId = uuidv7();
  const enqueued: JobRequest[] = [];
  await database.asSuperuser('insert into users (id, email, name, timezone) values ($1, $2, $3, $4)', [
    userId,
    `${userId}@example.test`,
    'Test',
    timezone,
  ]);
  await database.asSuperuser(
    `insert into integrations (id, user_id, platform_id, status) values ($1, $2, 'upwork', 'pending')`,
    [integrationId, userId],
  );
  await database.asSuperuser(
    `insert into integration_streams (integration_id, user_id, stream) values ($1, $2, 'proposals')`,
    [integrationId, userId],
  );
  const one = async (text: string, values: readonly unknown[]): Promise<Record<string, unknown>> =>
    (await database.asSuperuser(text, values))[0]!;

  const world: SyncWorld = {
    userId,
    integrationId,
    worker,
    enqueued,
    async addRun({ from, to, type = from ? 'backfill' : 'incremental', status = 'queued', trigger = 'schedule' } = {}) {
      const runId = uuidv7();
      await database.asSuperuser(
        `insert into sync_logs (id, user_id, integration_id, stream, sync_type, status, trigger, backfill_from, backfill_to,
           created_at)
         values ($1, $2, $3, 'proposals', $4, $5, $6, $7, $8, now())`,
        [runId, userId, integrationId, type, status, trigger, from ?? null, to ?? null],
      );
      return runId;
    },
    addWorker: () => addWorker(database.asSuperuser),
    async claim(runId, given = {}) {
      const workerId = given.workerId ?? (await world.addWorker());
      return await claimRun(database.asSuperuser, { ...given, runId, userId, workerId });
    },
    handler(read, deps = {}) {
      const { connector, bind } = connectorOf(read, readAhead);
      return createSyncRunHandler({
        db: worker,
        queue: {
          enqueue: (request) => {
            enqueued.push(request);
            return Promise.resolve({ jobId: uuidv7(), created: true });
          },
        },
        connectors: new Map([['upwork', connector]]),
        httpFor: ({ onCall }) => {
          bind((call) => onCall?.(call));
          return {
            ...NO_STREAM,
            request: () => Promise.reject(new AppError('http.egress_denied', 'this platform is a list')),
          };
        },
        credentials: () => ({
          current: () => Promise.resolve(new Secret<unknown>({})),
          renew: () => Promise.resolve(new Secret<unknown>({})),
        }),
        sealer: plainSealer,
        clock,
        log: silentLog,
        config: { sliceMs: 60_000, egressId: 'test' },
        ...deps,
      });
    },
    async sync(read, deps) {
      const runId = await world.addRun();
      return { runId, outcome: await world.handler(read, deps)(await world.claim(runId)) };
    },
    run: (runId) => one('select * from sync_logs where id = $1', [runId]),
    stream: () => one('select * from integration_streams where integration_id = $1', [integrationId]),
    proposals: () =>
      database.asSuperuser('select * from proposals where integration_id = $1 order by upwork_proposal_id', [
        integrationId,
      ]),
  };
  return world;
}
