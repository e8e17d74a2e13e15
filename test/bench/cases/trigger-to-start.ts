// From a person's click to the first line of the handler on an idle worker, beside bare pg-boss woken by NOTIFY.

import { PgBoss } from 'pg-boss';
import { createConsumer } from '../../../queues/consumer.ts';
import { createPgBossDriver } from '../../../queues/drivers/pgboss/driver.ts';
import { createJobQueue } from '../../../queues/job-queue.ts';
import { completed } from '../../../queues/outcome.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import { Secret } from '../../../src/core/secret.ts';
import { triggerSync } from '../../../src/scheduler/trigger.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import type { BenchCase, Figure } from '../bench-case.ts';
import { addDueStreams } from '../due-streams.ts';
import { quantile } from '../measure.ts';
import type { BenchDatabase } from '../world.ts';

/** Sends the trigger for stream `n`; resolves with the milliseconds until its handler began. */
type Trial = (n: number) => Promise<number>;

interface Side {
  readonly trial: Trial;
  close(): Promise<void>;
}

async function openOurs(database: BenchDatabase, integrations: readonly string[]): Promise<Side> {
  const db = database.open('tidemark_worker', 5);
  const api = database.open('tidemark_api', 3);
  const directUrl = new Secret(database.urlOf('tidemark_worker'));
  const shared = {
    db,
    driver: createPgBossDriver({ db, directUrl, log: silentLog }),
    clock: systemClock,
    log: silentLog,
  };
  let onStart: () => void = () => undefined;
  const begin = (): Promise<ReturnType<typeof completed>> => {
    onStart();
    return Promise.resolve(completed());
  };
  const consumer = createConsumer({
    ...shared,
    workerId: uuidv7(),
    queues: ['sync-upwork'],
    concurrency: 50,
    handlers: { 'sync.run': begin, 'credential.refresh': begin, 'metrics.rollup': begin },
  });
  await shared.driver.start();
  await consumer.start();
  const deps = { db: api, queue: createJobQueue({ ...shared, db: api }), clock: systemClock };
  return {
    async trial(n) {
      const started = Promise.withResolvers<void>();
      onStart = started.resolve;
      const from = performance.now();
      const scope = { kind: 'ops' } as const;
      await triggerSync(deps, { scope, integrationId: integrations[n]!, stream: 'jobs', trigger: 'manual' });
      await started.promise;
      return performance.now() - from;
    },
    async close() {
      await consumer.stop();
      await shared.driver.stop();
    },
  };
}

async function openBare(database: BenchDatabase): Promise<Side> {
  const boss = new PgBoss({
    connectionString: database.superuserUrl,
    schema: 'bare',
    supervise: false,
    schedule: false,
    useListenNotify: true,
  });
  boss.on('error', () => undefined);
  await boss.start();
  await boss.createQueue('bare', { retryLimit: 0, notify: true });
  let onStart: () => void = () => undefined;
  await boss.work('bare', { batchSize: 1, notifyPollingIntervalSeconds: 30 }, async () => {
    onStart();
    return Promise.resolve();
  });
  return {
    async trial(n) {
      const started = Promise.withResolvers<void>();
      onStart = started.resolve;
      const from = performance.now();
      await boss.send('bare', { n });
      await started.promise;
      return performance.now() - from;
    },
    close: () => boss.stop({ graceful: false }),
  };
}

export const triggerToStart: BenchCase = {
  name: 'trigger-to-start',
  async run(world, { quick }) {
    const database = await world.createDatabase();
    try {
      const trials = quick ? 100 : 200;
      const warmUp = 10;
      await addDueStreams(database.superuserUrl, 1, trials + warmUp);
      const rows = await database.asSuperuser<{ id: string }>('select id from integrations order by id');
      const sides = [
        await openOurs(
          database,
          rows.map(({ id }) => id),
        ),
        await openBare(database),
      ] as const;
      const [mine, bare]: [number[], number[]] = [[], []];
      for (let n = 0; n < trials + warmUp; n++) {
        const times = [await sides[0].trial(n), await sides[1].trial(n)] as const;
        if (n < warmUp) continue;
        mine.push(times[0]);
        bare.push(times[1]);
      }
      for (const side of sides) await side.close();
      const figure = (q: number, atMost: number | null): Figure => ({
        name: `trigger to start, p${100 * q}`,
        unit: 'ms',
        ours: quantile(mine, q),
        reference: quantile(bare, q),
        ratio: quantile(bare, q) / quantile(mine, q),
        target: atMost === null ? null : { of: 'ours', atMost },
        details: { trials, reference: 'bare pg-boss send to handler, woken by NOTIFY', max: Math.max(...mine) },
      });
      return [figure(0.5, null), figure(0.95, 50)];
    } finally {
      await database.drop();
    }
  },
};
