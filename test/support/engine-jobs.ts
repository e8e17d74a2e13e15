// Jobs as an engine holds them, for tests that talk to a driver past everything above it.

import { randomUUID } from 'node:crypto';
import { enginePriority, type EngineJob, type EngineMeta, type EngineOutput } from '../../queues/driver.ts';

export const TEST_QUEUE = 'maintenance';
export const TEST_OUTPUT: EngineOutput = { attempts: 1, takeovers: 0, workerId: 'worker-1' };

type Fields = Partial<Omit<EngineJob, 'meta'>> & { readonly meta?: Partial<EngineMeta> };

/** A durable job of `maintenance`, unless said otherwise. */
export function engineJob({ meta: own, ...fields }: Fields = {}): EngineJob {
  const meta: EngineMeta = {
    userId: null,
    class: 1,
    priority: 0,
    maxAttempts: 5,
    createdAt: new Date().toISOString(),
    ledgered: true,
    uniqueKey: null,
    ...own,
  };
  return {
    id: randomUUID(),
    queue: TEST_QUEUE,
    kind: 'credential.refresh',
    payload: { integrationId: 'i' },
    priority: enginePriority(meta.class, meta.priority),
    ...fields,
    meta,
  };
}

/** A job that only the engine knows. */
export function derivedJob(uniqueKey: string, id: string = randomUUID()): EngineJob {
  return engineJob({ id, queue: 'metrics', kind: 'metrics.rollup', meta: { ledgered: false, uniqueKey } });
}
