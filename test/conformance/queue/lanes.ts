// The two lives that a job can have: in the ledger from the start, or in the engine alone until something is up. Nobody
// above the port can tell which it is, so every area runs for both.

import { randomUUID } from 'node:crypto';
import type { JobKind, QueueName } from '../../../queues/catalog.ts';
import type { JobRequest } from '../../../queues/port.ts';

export interface JobLane {
  readonly title: string;
  readonly kind: JobKind;
  readonly queue: QueueName;
  /** One that does not take this kind. */
  readonly otherQueue: QueueName;
  /** A kind that never goes to this queue. */
  readonly otherKind: JobKind;
  /** A job that is like no other. */
  request(): JobRequest;
  /** Does not fit the kind. */
  readonly unfit: unknown;
}

export const LEDGERED: JobLane = {
  title: 'ledgered jobs',
  kind: 'credential.refresh',
  queue: 'maintenance',
  otherQueue: 'metrics',
  otherKind: 'sync.run',
  request: () => ({ kind: 'credential.refresh', payload: { integrationId: randomUUID() }, userId: null }),
  unfit: { integrationId: 'no' },
};

const DAY = '2026-05-04';

export const DERIVED: JobLane = {
  title: 'derived jobs',
  kind: 'metrics.rollup',
  queue: 'metrics',
  otherQueue: 'maintenance',
  otherKind: 'sync.run',
  request() {
    const userId = randomUUID();
    return { kind: 'metrics.rollup', payload: { userId, day: DAY }, uniqueKey: `${userId}:${DAY}`, userId };
  },
  unfit: { userId: 'no', day: DAY },
};
