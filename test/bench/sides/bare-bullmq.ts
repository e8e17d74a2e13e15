// Bare BullMQ: its own worker and its own inserts, with payloads as large as ours and the same history kept.

import { Queue, Worker, type ConnectionOptions, type JobsOptions } from 'bullmq';
import { uuidv7 } from '../../../src/core/ids.ts';
import { countdown, type Side } from './side.ts';

const QUEUE = 'bare';
/** As much history as our driver keeps of jobs that no ledger knows. */
const KEEP = { count: 1_000 };

export interface BareBullMqOptions {
  readonly redisUrl: string;
  readonly concurrency: number;
}

/** What our driver stores beside the payload, so that both sides move as many bytes. */
function dataOf(): object {
  const meta = {
    userId: null,
    class: 1,
    priority: 0,
    maxAttempts: 5,
    createdAt: new Date().toISOString(),
    ledgered: false,
    uniqueKey: null,
  };
  return { userId: uuidv7(), day: '2026-01-01', _tm: meta };
}

/** Where Redis is, as BullMQ takes it. */
export function bullMqConnection(redisUrl: string): ConnectionOptions {
  const { hostname: host, port } = new URL(redisUrl);
  return { host, port: Number(port), maxRetriesPerRequest: null };
}

export async function openBareBullMq({ redisUrl, concurrency }: BareBullMqOptions): Promise<Side> {
  const connection = bullMqConnection(redisUrl);
  const name = `${QUEUE}-${concurrency}`;
  const queue = new Queue(name, { connection, prefix: '{bare}' });
  await queue.waitUntilReady();
  const optsOf = (): JobsOptions => ({ jobId: uuidv7(), attempts: 1, removeOnComplete: KEEP });
  return {
    insert: (count) =>
      queue.addBulk(Array.from({ length: count }, () => ({ name: 'metrics.rollup', data: dataOf(), opts: optsOf() }))),
    send: () => queue.add('metrics.rollup', dataOf(), optsOf()),
    async work(count) {
      const options = { connection, prefix: '{bare}', concurrency };
      const worker = new Worker(name, () => Promise.resolve(null), { ...options, autorun: false });
      worker.on('error', () => undefined);
      const { one, done } = countdown(count);
      worker.on('completed', one);
      await worker.waitUntilReady();
      const from = performance.now();
      void worker.run();
      await done;
      const ms = performance.now() - from;
      await worker.close();
      return ms;
    },
    close: () => queue.close(),
  };
}
