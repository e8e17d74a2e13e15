// One integration of the real Upwork connector over a simulated Upwork and a real database, whose workers a test may stop
// at any step: the runner as a worker uses it, without queue and scheduler.

import { uuidv7 } from '../../src/core/ids.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Database } from '../../src/db/database.ts';
import { upwork } from '../../src/connectors/upwork/index.ts';
import { createSyncRunHandler, type SyncRunDeps } from '../../src/sync/runner.ts';
import type { OnStep } from '../../src/sync/steps.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import type { AddedAccount } from '../simulators/upwork/accounts.ts';
import type { UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { addWorker, claimRun } from './claim-run.ts';
import type { TestDatabase } from './postgres.ts';
import { contextOf, upworkHttp } from './upwork.ts';
import { UPWORK_STREAMS, type UpworkStream } from './upwork-streams.ts';

export interface UpworkWorld {
  readonly userId: string;
  readonly integrationId: string;
  readonly added: AddedAccount;
  /** A queued run of the stream. */
  addRun(stream: UpworkStream): Promise<string>;
  /** One slice of a run by a worker of its own; `onStep` may never come back, as a worker that was stopped. */
  work(runId: string, onStep?: OnStep): Promise<unknown>;
  /** As the scheduler does when a worker says nothing more: his leases and open transactions end. */
  declareDead(): Promise<void>;
  statusOf(runId: string): Promise<string>;
  /** Rows of the user, asked past every policy. */
  rowsOf<R>(sql: string): Promise<readonly R[]>;
}

export interface UpworkWorldOptions {
  readonly database: TestDatabase;
  readonly worker: Database;
  readonly sim: UpworkSimulator;
  readonly clock: Clock;
  readonly settings?: object;
  /** Default: one that counts no quota. */
  readonly httpFor?: SyncRunDeps['httpFor'];
}

/** Removes exactly the open transactions of clients that are gone; here they are told to end. */
const END_IDLE = `
  select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and state like 'idle in transaction%'`;

export async function createUpworkWorld(options: UpworkWorldOptions): Promise<UpworkWorld> {
  const { database, worker, sim, clock } = options;
  const { asSuperuser } = database;
  const [userId, integrationId] = [uuidv7(), uuidv7()];
  const added = sim.addAccount();
  const settings = { organization_id: added.organizationId, ...options.settings };
  const context = { ...contextOf(sim, added, options.settings), clock };
  const open = upworkHttp(sim);
  const httpFor = options.httpFor ?? (() => open);
  await asSuperuser(`insert into users (id, email, name) values ($1, $2, 'Ada')`, [userId, `${userId}@example.test`]);
  await asSuperuser(
    `insert into integrations (id, user_id, platform_id, status, settings) values ($1, $2, 'upwork', 'connected', $3)`,
    [integrationId, userId, JSON.stringify(settings)],
  );
  await asSuperuser(
    'insert into integration_streams (integration_id, user_id, stream) select $1, $2, stream from unnest($3::text[]) stream',
    [integrationId, userId, UPWORK_STREAMS],
  );
  let workerId = '';

  return {
    userId,
    integrationId,
    added,
    async addRun(stream) {
      const runId = uuidv7();
      await asSuperuser(
        `insert into sync_logs (id, user_id, integration_id, stream, sync_type, status, trigger, created_at)
         values ($1, $2, $3, $4, 'incremental', 'queued', 'schedule', now())`,
        [runId, userId, integrationId, stream],
      );
      return runId;
    },
    async work(runId, onStep) {
      const handle = createSyncRunHandler({
        db: worker,
        queue: { enqueue: () => Promise.resolve({ jobId: uuidv7(), created: true }) },
        connectors: new Map([['upwork', upwork]]),
        httpFor,
        credentials: () => context.credential,
        sealer: {
          seal: () => ({ ciphertext: Buffer.from('sealed'), wrappedKey: Buffer.from('key'), keyId: 'test-key' }),
        },
        clock,
        log: silentLog,
        config: { sliceMs: 60_000, egressId: 'test' },
        ...(onStep === undefined ? {} : { onStep }),
      });
      workerId = await addWorker(asSuperuser);
      return await handle(await claimRun(asSuperuser, { runId, userId, workerId }));
    },
    async declareDead() {
      await asSuperuser(`update workers set status = 'dead' where id = $1`, [workerId]);
      await asSuperuser('select revoke_leases($1)', [workerId]);
      await asSuperuser(END_IDLE);
    },
    async statusOf(runId) {
      const [run] = await asSuperuser<{ status: string }>('select status from sync_logs where id = $1', [runId]);
      return run!.status;
    },
    rowsOf: (text) => asSuperuser(`${text} and user_id = $1`, [userId]),
  };
}
