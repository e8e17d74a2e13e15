// A producer process of the chaos test: `node chaos-producer.ts <user ids as JSON>`. For each number on its standard input it
// enqueues so many jobs, whatever happens to the servers, in every way there is, and tells in JSON lines which were accepted.

import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { createDatabaseService } from '../../src/app/database-service.ts';
import { openEngine } from '../../src/app/engine.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import type { JobRequest } from '../../queues/port.ts';

/** What a producer tells of a group of jobs: an enqueue that was not answered may have happened all the same. */
export type ProducerReport =
  | { readonly accepted: readonly string[] }
  /** Unique keys of jobs that may be there or not. */
  | { readonly inDoubt: readonly string[] }
  | { readonly done: number };

const users = JSON.parse(process.argv[2]!) as readonly string[];
const config = loadConfig();
const url = config.database.url!;
const log = createLogger({ level: config.logLevel, role: 'api', to: 'stderr' });
const { db } = createDatabaseService({ role: 'tidemark_api', url, poolSize: 4, log });
const { driver, queue } = await openEngine({ config, db, clock: systemClock, log });
await driver.start();

let made = 0;

/** Every tenth is for later, every seventh urgent. */
function request(): JobRequest {
  const number = made++;
  const integrationId = randomUUID();
  return {
    kind: 'credential.refresh',
    payload: { integrationId },
    uniqueKey: integrationId,
    userId: users[number % users.length]!,
    workClass: number % 7 === 0 ? 'interactive' : 'incremental',
    ...(number % 10 === 0 ? { runAt: new Date(Date.now() + 500) } : {}),
  };
}

const ways: readonly ((requests: readonly JobRequest[]) => Promise<readonly { readonly jobId: string }[]>)[] = [
  (requests) => Promise.all(requests.map((one) => queue.enqueue(one))),
  (requests) => queue.enqueueMany(requests),
  (requests) => db.tx({ kind: 'ops' }, (tx) => queue.enqueueMany(requests, { tx })),
];

function tell(report: ProducerReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

const GROUP = 10;
const PAUSE_MS = 20;

async function produce(count: number): Promise<void> {
  for (let accepted = 0, group = 0; accepted < count; group++) {
    const requests = Array.from({ length: Math.min(GROUP, count - accepted) }, request);
    try {
      const enqueued = await ways[group % ways.length]!(requests);
      tell({ accepted: enqueued.map(({ jobId }) => jobId) });
      accepted += requests.length;
    } catch {
      tell({ inDoubt: requests.map(({ uniqueKey }) => uniqueKey!) });
      await delay(PAUSE_MS);
    }
  }
  tell({ done: count });
}

for await (const line of createInterface({ input: process.stdin })) await produce(Number(line));
await driver.stop();
await db.close();
