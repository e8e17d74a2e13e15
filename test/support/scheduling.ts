// Arrangements for tests of scheduling: a clock to turn, a queue that only keeps the ledger, integrations to be due.

import type { Enqueued, JobQueue, JobRequest } from '../../queues/port.ts';
import type { Clock } from '../../src/core/clock.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { workClassRank } from '../../src/core/work-class.ts';
import type { Database } from '../../src/db/database.ts';
import { addIntegration, type Integration, type NewIntegration } from '../../src/store/integrations.ts';
import { addUser } from '../../src/store/users.ts';
import type { EventFields, EventLog } from '../../src/telemetry/event-log.ts';
import type { EventName } from '../../src/telemetry/events.ts';

export interface TestClock extends Clock {
  /** Time passes. */
  advance(ms: number): void;
  /** Somebody sets the wall clock; elapsed time does not notice. */
  step(ms: number): void;
}

export function createTestClock(start: string): TestClock {
  let wall = Date.parse(start);
  let mono = 0;
  return {
    now: () => new Date(wall),
    mono: () => mono,
    advance(ms) {
      wall += ms;
      mono += ms;
    },
    step: (ms) => void (wall += ms),
  };
}

/** Writes the ledger as the real queue does, and has no engine behind it. */
export function createLedgerQueue(db: Database, clock: Clock): Pick<JobQueue, 'enqueueMany'> & { count: number } {
  const queue = {
    count: 0,
    async enqueueMany(requests: readonly JobRequest[], options: Parameters<JobQueue['enqueueMany']>[1] = {}) {
      const ids = requests.map(() => uuidv7());
      const { rows } = await (options.tx ?? db).query<{ id: string }>(
        `insert into job_ledger (id, kind, queue, payload, unique_key, user_id, class, run_at, max_attempts, created_at)
         select n.id, n.kind, n.queue, n.payload, n.unique_key, n.user_id, n.class, $8, 8, $8
         from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::text[], $6::uuid[], $7::smallint[])
           as n (id, kind, queue, payload, unique_key, user_id, class)
         on conflict (kind, unique_key) where unique_key is not null and state <> 'dead' do nothing
         returning id`,
        [
          ids,
          requests.map(({ kind }) => kind),
          requests.map(({ queue }) => queue ?? 'maintenance'),
          requests.map(({ payload }) => JSON.stringify(payload)),
          requests.map(({ uniqueKey }) => uniqueKey ?? null),
          requests.map(({ userId }) => userId),
          requests.map(({ workClass }) => workClassRank(workClass ?? 'incremental')),
          clock.now(),
        ],
      );
      queue.count += rows.length;
      const created = new Set(rows.map(({ id }) => id));
      return ids.map((jobId): Enqueued => ({ jobId, created: created.has(jobId) }));
    },
  };
  return queue;
}

export interface RecordingLog extends EventLog {
  readonly events: readonly { readonly event: EventName; readonly fields: EventFields }[];
}

export function createRecordingLog(): RecordingLog {
  const events: { event: EventName; fields: EventFields }[] = [];
  const log: RecordingLog = {
    events,
    emit: (event, fields = {}) => void events.push({ event, fields }),
    with: () => log,
  };
  return log;
}

let emails = 0;

/** A connected Upwork integration of a new user, with one stream `jobs` every hour unless told otherwise. */
export async function arrangeIntegration(
  api: Database,
  { now, ...rest }: Partial<NewIntegration> & { readonly now: Date },
): Promise<Integration> {
  return await api.tx({ kind: 'ops' }, async (tx) => {
    const user = await addUser(tx, { email: `user-${++emails}@example.com`, name: 'Test' });
    return await addIntegration(tx, {
      userId: user.id,
      platformId: 'upwork',
      settings: {},
      status: 'connected',
      streams: [{ name: 'jobs', intervalMinutes: 60 }],
      now,
      ...rest,
    });
  });
}
