// Every kind of job: its payload, its queue and its policy. Nothing is enqueued that is not listed here, and a payload
// that does not fit its schema never reaches a handler.

import { z } from 'zod';
import { MINUTE_MS, SECOND_MS } from '../src/core/duration.ts';
import { AppError } from '../src/core/errors.ts';
import { DEFAULT_RETRY, type RetryPolicy } from '../src/core/retry.ts';
import { PLATFORM_IDS, type PlatformId } from '../src/core/platforms.ts';

export const QUEUES = [
  'sync-upwork',
  'sync-marketplace',
  'sync-messaging',
  'sync-profiles',
  'send-messages',
  'webhooks',
  'metrics',
  'maintenance',
] as const;

export type QueueName = (typeof QUEUES)[number];

/** The queue of this name. Throws `usage.invalid`. */
export function requireQueue(name: string): QueueName {
  const found = QUEUES.find((queue) => queue === name);
  if (found === undefined)
    throw new AppError('usage.invalid', `expected a queue of ${QUEUES.join(', ')}, got ${JSON.stringify(name)}`);
  return found;
}

const DEAD_SUFFIX = '-dead';

/** Name of a queue's dead letter. */
export function deadLetterOf<Q extends string>(queue: Q): `${Q}${typeof DEAD_SUFFIX}` {
  return `${queue}${DEAD_SUFFIX}`;
}

/** The queue whose dead letter has this name; null when it is no dead letter's. */
export function queueOfDeadLetter(name: string): string | null {
  return name.endsWith(DEAD_SUFFIX) ? name.slice(0, -DEAD_SUFFIX.length) : null;
}

const SYNC_QUEUES: Readonly<Record<PlatformId, QueueName>> = {
  upwork: 'sync-upwork',
  wildberries: 'sync-marketplace',
  ozon: 'sync-marketplace',
  telegram: 'sync-messaging',
  whatsapp: 'sync-messaging',
  github: 'sync-profiles',
};

export function syncQueueOf(platform: PlatformId): QueueName {
  return SYNC_QUEUES[platform];
}

/** The platforms whose runs go to this queue; none for queues of other work. */
export function platformsOf(queue: string): readonly PlatformId[] {
  return PLATFORM_IDS.filter((platform) => SYNC_QUEUES[platform] === queue);
}

interface KindSpec<Payload> {
  readonly payload: z.ZodType<Payload>;
  /** The queues this kind may go to, the usual one first. */
  readonly queues: readonly [QueueName, ...QueueName[]];
  readonly retry: RetryPolicy;
  /** A handler that takes longer is aborted and its job retried, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * The rows of another table say which jobs of this kind there must be, and somebody derives them again and again. Such
   * a job enters the ledger only when it takes long or goes wrong. All kinds of a queue are derived, or none.
   */
  readonly derived: boolean;
  /**
   * Handlers take milliseconds: such jobs have slots of their own, are claimed ahead and settled in large groups. All kinds
   * of a queue are short, or none.
   */
  readonly short: boolean;
  /** After this many takeovers from dead workers in a row the job is poison and goes to the dead letter. */
  readonly maxTakeovers: number;
}

const id = z.uuid();
const day = z.iso.date();

function kind<Payload>(
  spec: Pick<KindSpec<Payload>, 'payload' | 'queues'> & Partial<KindSpec<Payload>>,
): KindSpec<Payload> {
  return {
    retry: DEFAULT_RETRY,
    timeoutMs: 5 * MINUTE_MS + 30 * SECOND_MS,
    derived: false,
    short: false,
    maxTakeovers: 5,
    ...spec,
  };
}

export const KINDS = {
  'sync.run': kind({
    payload: z.strictObject({ runId: id }),
    queues: ['sync-upwork', 'sync-marketplace', 'sync-messaging', 'sync-profiles'],
    retry: { ...DEFAULT_RETRY, maxAttempts: 8 },
  }),
  'credential.refresh': kind({ payload: z.strictObject({ integrationId: id }), queues: ['maintenance'] }),
  'credential.test': kind({
    payload: z.strictObject({ integrationId: id }),
    queues: ['maintenance'],
    timeoutMs: MINUTE_MS,
  }),
  'maintenance.retention': kind({ payload: z.strictObject({ userId: id }), queues: ['maintenance'] }),
  'oauth.exchange': kind({
    payload: z.strictObject({ exchangeId: id }),
    queues: ['maintenance'],
    timeoutMs: 3 * MINUTE_MS,
  }),
  'webhook.process': kind({
    payload: z.strictObject({ inboxId: id }),
    queues: ['webhooks'],
    timeoutMs: MINUTE_MS,
    derived: true,
    short: true,
  }),
  'message.send': kind({
    payload: z.strictObject({ messageId: id }),
    queues: ['send-messages'],
    retry: { ...DEFAULT_RETRY, maxAttempts: 8 },
    timeoutMs: 2 * MINUTE_MS,
  }),
  'metrics.rollup': kind({
    payload: z.strictObject({ userId: id, day }),
    queues: ['metrics'],
    timeoutMs: MINUTE_MS,
    derived: true,
    short: true,
  }),
} as const;

export type JobKind = keyof typeof KINDS;
export type JobPayload<K extends JobKind> = z.output<(typeof KINDS)[K]['payload']>;

export function isJobKind(name: string): name is JobKind {
  return Object.hasOwn(KINDS, name);
}

function queuesWhere(is: (spec: KindSpec<unknown>) => boolean): ReadonlySet<string> {
  return new Set(Object.values<KindSpec<unknown>>(KINDS).flatMap((spec) => (is(spec) ? spec.queues : [])));
}

const DERIVED_QUEUES = queuesWhere(({ derived }) => derived);
const SHORT_QUEUES = queuesWhere(({ short }) => short);

/** Whether the jobs of this queue are known to the engine first, and to the ledger only when something is up. */
export function isDerivedQueue(queue: string): boolean {
  return DERIVED_QUEUES.has(queue);
}

/** Whether the jobs of this queue take milliseconds. */
export function isShortQueue(queue: string): boolean {
  return SHORT_QUEUES.has(queue);
}
