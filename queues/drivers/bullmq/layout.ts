// Where a job is in Redis. Other services may add jobs with BullMQ's own `Queue.add`, so this is an interface:
//
//   prefix        `{tidemark}`, a hash tag: every key of ours lies in one slot of a cluster
//   queue         its name as it is; dead letters in the queue `<name>-dead`
//   job name      the kind; job id the ledger's id (a native job may have any)
//   job data      the fields of the payload, and beside them `_tm`: our `EngineMeta`. Native jobs have no `_tm`.
//   priority      1..2,097,151, lower first; all of our jobs have one. BullMQ takes priority 0 before any other, so a
//                 native job that sets none comes before ours.
//   deduplication `<kind>:<unique key>`, of derived kinds, until the job has ended
//   returnvalue   of completed jobs the `EngineOutput` as JSON; of failed and cancelled ones that is the failedReason
//   cancelled     beside BullMQ's own keys a sorted set of ours: which of `failed` were cancelled
//
// Native jobs are only as durable as Redis. BullMQ's flows, schedulers and retries mean nothing here.

import { isDeeperThan } from '../../../src/core/storable.ts';
import { readMeta } from '../../engine-meta.ts';
import { enginePriority, type EngineMeta, type EngineOutput, type PutBack } from '../../driver.ts';

export const PREFIX = '{tidemark}';
export const WAKE_CHANNEL = `${PREFIX}:wake`;
export const EPOCH_KEY = `${PREFIX}:epoch`;

/** Prefix of a queue's keys; a job is at `<base><id>`. */
export function baseOf(queue: string): string {
  return `${PREFIX}:${queue}:`;
}

/** In the order in which the scripts name them. */
const PARTS = [
  'wait',
  'active',
  'prioritized',
  'delayed',
  'completed',
  'failed',
  'cancelled',
  'events',
  'pc',
  'marker',
  'meta',
  'paused',
] as const;

const keysByQueue = new Map<string, readonly string[]>();

/** The keys of a queue that every script declares. */
export function keysOf(queue: string): readonly string[] {
  const known = keysByQueue.get(queue);
  if (known !== undefined) return known;
  const keys = PARTS.map((part) => baseOf(queue) + part);
  keysByQueue.set(queue, keys);
  return keys;
}

const RANKS = 3;
/** Priorities of one class that stay apart; farther ones are clamped. Three of these fill BullMQ's range. */
const BAND = 699_050;
const HALF = BAND / 2 - 1;
const CLASS_STEP = enginePriority(0, 0) - enginePriority(1, 0);

/** BullMQ's priority for an engine priority: classes strictly in order, inside of one the first 349,524 either way. */
export function toBullPriority(priority: number): number {
  const height = Math.min(RANKS - 1, Math.max(0, Math.round(priority / CLASS_STEP)));
  const own = Math.max(-HALF, Math.min(HALF, priority - height * CLASS_STEP));
  return 1 + (RANKS - 1 - height) * BAND + (HALF - own);
}

/** A job as the scripts take it: numbers as text, because Lua's JSON has only doubles. */
export interface StoredJob {
  readonly id: string;
  readonly name: string;
  readonly data: string;
  readonly opts: string;
  readonly timestamp: string;
  readonly priority: string;
  /** Milliseconds; when absent or past the job is due. */
  readonly runAt: string;
  /** Absent: no unique key for the engine to look after. */
  readonly deid?: string;
}

interface Wrapped {
  readonly _tm: EngineMeta & { readonly payload?: unknown };
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function encodeData(payload: unknown, meta: EngineMeta | null): string {
  if (meta === null) return JSON.stringify(payload ?? null);
  // Only a job that came by the native door can have such a payload; it goes below `_tm` and comes back as it was.
  if (!isPlainObject(payload) || Object.hasOwn(payload, '_tm')) {
    return JSON.stringify({ _tm: { ...meta, payload } } satisfies Wrapped);
  }
  return JSON.stringify({ ...payload, _tm: meta });
}

/** Without meta it is a job of BullMQ's own door, and has none again. */
export function toStored(job: PutBack['job'], runAt?: Date): StoredJob {
  const { id, kind, payload, meta } = job;
  const priority = toBullPriority(job.priority);
  const uniqueKey = meta?.uniqueKey ?? null;
  const deid = uniqueKey === null ? undefined : `${kind}:${uniqueKey}`;
  const opts = { jobId: id, priority, attempts: 1, ...(deid === undefined ? {} : { de: { id: deid } }) };
  return {
    id,
    name: kind,
    data: encodeData(payload, meta),
    opts: JSON.stringify(opts),
    timestamp: String(meta === null ? Date.now() : new Date(meta.createdAt).getTime()),
    priority: String(priority),
    runAt: String(runAt?.getTime() ?? 0),
    ...(deid === undefined ? {} : { deid }),
  };
}

export interface DecodedData {
  readonly payload: unknown;
  /** Null: added by BullMQ's own door. */
  readonly meta: EngineMeta | null;
}

/** What is nested deeper cannot be written as JSON again, which a job in hand may need at any time. */
const MAX_LEVELS = 200;
/** Shorter texts are not looked at: so many levels of them still can be written. */
const SHORT_TEXT = 2_000;

/** What is no JSON, or too deep, stays text. */
function parse(text: string): unknown {
  try {
    const value = JSON.parse(text) as unknown;
    return text.length > SHORT_TEXT && isDeeperThan(value, MAX_LEVELS) ? text : value;
  } catch {
    return text;
  }
}

/** Never throws: a claim that cannot be read must still reach whoever refuses it. */
export function decodeData(text: string): DecodedData {
  const data = parse(text);
  if (!isPlainObject(data)) return { payload: data, meta: null };
  const { _tm, ...payload } = data;
  const meta = readMeta(_tm);
  if (meta === null) return { payload: data, meta: null };
  const wrapped = _tm as Readonly<Record<string, unknown>>;
  return { payload: Object.hasOwn(wrapped, 'payload') ? wrapped['payload'] : payload, meta };
}

/** What we stored, or null for what BullMQ or another service did. */
export function decodeOutput(text: string): EngineOutput | null {
  const output = parse(text);
  return isPlainObject(output) && typeof output['attempts'] === 'number' ? (output as unknown as EngineOutput) : null;
}
