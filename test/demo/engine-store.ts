// Where the queue of the demo lives: in its own PostgreSQL, or in a Redis of its own.

import type { QueueEngine } from '../../src/core/queue-engines.ts';
import { hasRedisServer, startRedis } from '../support/redis.ts';

export interface EngineStore {
  /** What chooses the engine. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const MISSING =
  '--engine bullmq: expected redis-server on the PATH (Debian: apt-get install redis-server), or REDIS_URL of a Redis 7 or ' +
  'later that holds no queue of Tidemark yet; found neither';

/** A developer's own REDIS_URL only where there is no server to start: its queue would get the demo's jobs. */
export async function openEngineStore(engine: QueueEngine): Promise<EngineStore | { readonly missing: string }> {
  if (engine === 'pgboss') return { env: {}, stop: () => Promise.resolve() };
  if (hasRedisServer()) {
    const { url, stop } = await startRedis();
    return { env: { REDIS_URL: url.reveal() }, stop };
  }
  const given = process.env['REDIS_URL'] ?? '';
  if (given === '') return { missing: MISSING };
  return { env: { REDIS_URL: given }, stop: () => Promise.resolve() };
}
