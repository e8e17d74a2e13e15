// The queue engines that an installation can run on; exactly one at a time.

export const QUEUE_ENGINES = ['pgboss', 'bullmq'] as const;

export type QueueEngine = (typeof QUEUE_ENGINES)[number];

export function isQueueEngine(name: string): name is QueueEngine {
  return (QUEUE_ENGINES as readonly string[]).includes(name);
}

/** The one that this is not. */
export function otherEngine(engine: QueueEngine): QueueEngine {
  return engine === 'pgboss' ? 'bullmq' : 'pgboss';
}
