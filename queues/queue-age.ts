// How old the oldest waiting job of each queue is. What waits for its time or for a paused queue does not count. One look at
// an index per queue, however much waits.

import { MINUTE_MS } from '../src/core/duration.ts';
import type { Clock } from '../src/core/clock.ts';
import type { Database, Queryable } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import { createLoop, type Loop } from '../src/lifecycle/loop.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { isDerivedQueue, QUEUES } from './catalog.ts';
import { readControls } from './controls.ts';
import type { EngineDriver } from './driver.ts';
import { addQueueAges, type QueueAge } from './history-write.ts';

export interface QueueAgeDeps {
  /** Of a role that sees every job. */
  readonly db: Database;
  readonly driver: Pick<EngineDriver, 'oldestDue'>;
  readonly clock: Clock;
  readonly log: EventLog;
}

/** Since when the oldest due job of each queue is due, as the ledger knows; a queue where nothing is due is absent. */
async function oldestInLedger(db: Queryable, queues: readonly string[], now: Date): Promise<ReadonlyMap<string, Date>> {
  const { rows } = await db.query<{ queue: string; since: Date }>(
    sql`
    select q.queue, min(o.run_at) as since
    from unnest($1::text[]) as q (queue)
    cross join (values ('pending'), ('admitted')) as s (state)
    cross join lateral (
      select l.run_at
      from job_ledger l
      where l.queue = q.queue
        and l.state = s.state
        and l.run_at <= $2
      order by l.run_at
      limit 1
    ) o
    group by q.queue`,
    [queues, now],
  );
  return new Map(rows.map(({ queue, since }) => [queue, since]));
}

/** Of the queues that are not paused and where something is due. */
export async function readQueueAges({ db, driver, clock }: Omit<QueueAgeDeps, 'log'>): Promise<readonly QueueAge[]> {
  const controls = await readControls(db);
  const running = QUEUES.filter((queue) => (controls.get(queue)?.pausedAt ?? null) === null);
  const inLedger = await db.tx({ kind: 'ops' }, (tx) => oldestInLedger(tx, running, clock.now()));
  const ages: QueueAge[] = [];
  for (const queue of running) {
    const inEngine = isDerivedQueue(queue) ? await driver.oldestDue(queue) : null;
    const since = [inLedger.get(queue), inEngine].flatMap((at) => at?.getTime() ?? []);
    if (since.length > 0) ages.push({ queue, oldestReadyMs: Math.max(0, clock.now().getTime() - Math.min(...since)) });
  }
  return ages;
}

/** Notes the ages once a minute. One process is enough; of several the worst age is kept, which is the same. */
export function createQueueAgeSampler(deps: QueueAgeDeps): Loop {
  const { db, clock, log } = deps;
  return createLoop({
    name: 'queue-age-sampler',
    everyMs: MINUTE_MS,
    pass: async () => addQueueAges(db, await readQueueAges(deps), clock.now()),
    log,
    clock,
  });
}
