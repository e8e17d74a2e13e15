// Where the queue of the demo lives: in its own PostgreSQL, or in a Redis of its own.

import { toAppError } from '../../src/core/errors.ts';
import type { QueueEngine } from '../../src/core/queue-engines.ts';
import { Secret } from '../../src/core/secret.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { QUEUES } from '../../queues/catalog.ts';
import { createBullMqDriver } from '../../queues/drivers/bullmq/driver.ts';
import { hasRedisServer, startRedis } from '../support/redis.ts';

export interface EngineStore {
  /** What chooses the engine. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const MISSING =
  'expected redis-server on the PATH (Debian: apt-get install redis-server), or REDIS_URL of a Redis 7 or ' +
  'later that holds no job of Tidemark';

/** Why this Redis will not do; null when it will. A real installation's workers would take the demo's jobs, and the demo theirs. */
async function objectionTo(url: Secret): Promise<string | null> {
  const driver = createBullMqDriver({ url, log: silentLog });
  try {
    await driver.start();
    for (const queue of QUEUES) {
      const { waiting, delayed, active } = await driver.counts(queue);
      if (waiting + delayed + active > 0) return `the Redis of REDIS_URL holds jobs of Tidemark (${queue})`;
    }
    return null;
  } catch (error) {
    return toAppError(error).message;
  } finally {
    await driver.stop();
  }
}

/** A developer's own REDIS_URL only where there is no server to start: its queue would get the demo's jobs. */
export async function openEngineStore(engine: QueueEngine): Promise<EngineStore | { readonly missing: string }> {
  if (engine === 'pgboss') return { env: {}, stop: () => Promise.resolve() };
  if (hasRedisServer()) {
    const { url, stop } = await startRedis();
    return { env: { REDIS_URL: url.reveal() }, stop };
  }
  const given = process.env['REDIS_URL'] ?? '';
  if (given === '') return { missing: `--engine bullmq: ${MISSING}; found neither` };
  const objection = await objectionTo(new Secret(given));
  if (objection !== null) return { missing: `--engine bullmq: ${objection}; ${MISSING}` };
  return { env: { REDIS_URL: given }, stop: () => Promise.resolve() };
}
