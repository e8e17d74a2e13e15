// From a person's click to the first line of the handler on an idle worker, and from the due time of a retry to its second
// start: on both engines, beside bare pg-boss woken by NOTIFY and a bare BullMQ worker.

import { Queue, Worker } from 'bullmq';
import { PgBoss } from 'pg-boss';
import { createConsumer } from '../../../queues/consumer.ts';
import { createJobQueue } from '../../../queues/job-queue.ts';
import { completed, type Outcome } from '../../../queues/outcome.ts';
import type { JobContext } from '../../../queues/port.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { AppError } from '../../../src/core/errors.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import { DEFAULT_RETRY } from '../../../src/core/retry.ts';
import { triggerSync } from '../../../src/scheduler/trigger.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import type { BenchCase, BenchOptions, Figure } from '../bench-case.ts';
import { addDueStreams } from '../due-streams.ts';
import { onEachEngine, type BenchEngine } from '../engines.ts';
import { quantile } from '../measure.ts';
import { bullMqConnection } from '../sides/bare-bullmq.ts';
import { handlersOf } from '../sides/ours.ts';

/** Sends number `n`; resolves with the milliseconds that count. */
type Trial = (n: number) => Promise<number>;

interface Side {
  readonly trigger: Trial;
  close(): Promise<void>;
}

interface OurSide extends Side {
  readonly retry: Trial;
}

/** Full jitter of the first retry with this draw: 20 ms. */
const RETRY_MS = 20;
const DRAW = RETRY_MS / DEFAULT_RETRY.backoff.baseMs;
const WARM_UP = 10;

async function openOurs(engine: BenchEngine, integrations: readonly string[]): Promise<OurSide> {
  const { database } = engine;
  const db = database.open('tidemark_worker', 5);
  const api = database.open('tidemark_api', 3);
  const shared = { db, driver: engine.driver(db), clock: systemClock, log: silentLog };
  let onStart: (job: JobContext) => void = () => undefined;
  const handle = (job: JobContext): Promise<Outcome> => {
    onStart(job);
    if (job.kind === 'credential.refresh' && job.attempt === 1)
      return Promise.reject(new AppError('db.timeout', 'expected to be retried'));
    return Promise.resolve(completed());
  };
  const consumer = createConsumer({
    ...shared,
    workerId: uuidv7(),
    queues: ['sync-upwork', 'maintenance'],
    concurrency: 50,
    handlers: handlersOf(handle),
    random: () => DRAW,
  });
  await shared.driver.start();
  await consumer.start();
  const queue = createJobQueue({ ...shared, db: api });
  const deps = { db: api, queue, clock: systemClock };
  return {
    async trigger(n) {
      const started = Promise.withResolvers<void>();
      onStart = () => started.resolve();
      const from = performance.now();
      const scope = { kind: 'ops' } as const;
      await triggerSync(deps, { scope, integrationId: integrations[n]!, stream: 'jobs', trigger: 'manual' });
      await started.promise;
      return performance.now() - from;
    },
    async retry() {
      const again = Promise.withResolvers<void>();
      let failedAt = 0;
      onStart = ({ attempt }) => {
        if (attempt === 1) failedAt = performance.now();
        else again.resolve();
      };
      await queue.enqueue({ kind: 'credential.refresh', payload: { integrationId: uuidv7() }, userId: null });
      await again.promise;
      // Due so long after its end was judged, which is a little after it failed: what counts is never too short.
      return performance.now() - failedAt - RETRY_MS;
    },
    async close() {
      await consumer.stop();
      await shared.driver.stop();
    },
  };
}

async function openBarePgBoss({ database }: BenchEngine): Promise<Side> {
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
  await boss.work('bare', { batchSize: 1, notifyPollingIntervalSeconds: 30 }, () => Promise.resolve(onStart()));
  return {
    async trigger(n) {
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

async function openBareBullMq({ redisUrl }: BenchEngine): Promise<Side> {
  const options = { connection: bullMqConnection(redisUrl!), prefix: '{bare}' };
  const queue = new Queue('bare', options);
  let onStart: () => void = () => undefined;
  const worker = new Worker('bare', () => Promise.resolve(onStart()), { ...options, concurrency: 50 });
  worker.on('error', () => undefined);
  await worker.waitUntilReady();
  return {
    async trigger(n) {
      const started = Promise.withResolvers<void>();
      onStart = started.resolve;
      const from = performance.now();
      await queue.add('bare', { n });
      await started.promise;
      return performance.now() - from;
    },
    async close() {
      await worker.close();
      await queue.close();
    },
  };
}

async function measure(engine: BenchEngine, { quick }: BenchOptions): Promise<readonly Figure[]> {
  const trials = quick ? 100 : 300;
  await addDueStreams(engine.database.superuserUrl, 1, trials + WARM_UP);
  const rows = await engine.database.asSuperuser<{ id: string }>('select id from integrations order by id');
  const ours = await openOurs(
    engine,
    rows.map(({ id }) => id),
  );
  const bare = await (engine.engine === 'pgboss' ? openBarePgBoss(engine) : openBareBullMq(engine));
  const times = { trigger: [] as number[], bare: [] as number[], retry: [] as number[] };
  for (let n = 0; n < trials + WARM_UP; n++) {
    const [trigger, reference, retry] = [await ours.trigger(n), await bare.trigger(n), await ours.retry(n)];
    if (n < WARM_UP) continue;
    times.trigger.push(trigger);
    times.bare.push(reference);
    times.retry.push(retry);
  }
  for (const side of [ours, bare]) await side.close();
  const figure = (what: 'trigger' | 'retry', q: number, atMost: number | null): Figure => {
    const mine = quantile(times[what], q);
    const reference = what === 'trigger' ? quantile(times.bare, q) : null;
    return {
      name: `${engine.engine}, ${what === 'trigger' ? 'trigger to start' : 'retry due to start'}, p${100 * q}`,
      unit: 'ms',
      ours: mine,
      reference,
      ratio: reference === null ? null : reference / mine,
      target: atMost === null ? null : { of: 'ours', atMost },
      details: { trials, reference: 'bare library, send to handler', max: Math.max(...times[what]) },
    };
  };
  return (['trigger', 'retry'] as const).flatMap((what) => [figure(what, 0.5, null), figure(what, 0.95, 50)]);
}

export const triggerToStart: BenchCase = {
  name: 'trigger-to-start',
  run: (world, options) => onEachEngine(world, options, (engine) => measure(engine, options)),
};
