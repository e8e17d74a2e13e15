// Jobs that came in by the engine's own door (BullMQ's `Queue.add` with our prefix): an order to enqueue, as durable as the
// engine until it is taken here. One that fits no kind becomes a dead letter with the reason.

import { createHash } from 'node:crypto';
import { reportOf, toAppError } from '../src/core/errors.ts';
import { uuidv7 } from '../src/core/ids.ts';
import { storableText } from '../src/core/storable.ts';
import type { AdmissionDeps } from './admission.ts';
import type { QueueName } from './catalog.ts';
import type { EngineClaim } from './driver.ts';
import { bareMeta } from './engine-meta.ts';
import { createEnqueue } from './enqueue.ts';
import { countEnds } from './history-write.ts';
import { engineJobOf } from './ledger.ts';
import { enterLedger } from './ledger-entry.ts';
import { parsePayload } from './payload.ts';
import type { JobRequest } from './port.ts';
import { storable, storableError } from './storable.ts';

/** Of the name of a kind that does not exist. */
const MAX_KIND_CHARS = 200;

export type NativeJob = Pick<EngineClaim, 'id' | 'queue' | 'kind' | 'payload'> & { readonly runAt?: Date };

/** `workerId` null: nobody has it in hand, an operator moves it. */
export type NativeDeps = AdmissionDeps & { readonly workerId: string | null };

/** Ids up to this length are readable in the unique key. */
const MAX_ID_CHARS = 200;

/** A text for an id of any form: too long for an index, or with characters that Postgres does not keep. */
function nameOf(id: string): string {
  if (id.length <= MAX_ID_CHARS && storableText(id) === id) return id;
  return `sha256-${createHash('sha256').update(id).digest('hex')}`;
}

/** Its id is the unique key: taken twice, because a worker died in between, it is enqueued once. */
function requestOf({ id, queue, kind, payload, runAt }: NativeJob): JobRequest {
  const request = {
    ...parsePayload(kind, payload),
    queue: queue as QueueName,
    uniqueKey: `native:${queue}:${nameOf(id)}`,
    userId: null,
  };
  return runAt === undefined ? request : { ...request, runAt };
}

async function refuse(deps: NativeDeps, claim: NativeJob, thrown: unknown): Promise<string> {
  const { db, driver, clock, workerId, log } = deps;
  const now = clock.now();
  const error = storableError(reportOf(thrown));
  const { queue } = claim;
  const kind = storableText(claim.kind).slice(0, MAX_KIND_CHARS);
  const job = {
    id: uuidv7(now.getTime()),
    queue,
    kind,
    payload: storable(claim.payload) ?? null,
    uniqueKey: null,
    userId: null,
    class: 1,
    priority: 0,
    maxAttempts: 1,
    createdAt: now,
  };
  const entry = { job, state: 'dead', attempts: 0, takeovers: 0, runAt: now, workerId: null, startedAt: null } as const;
  await db.tx({ kind: 'ops' }, async (tx) => {
    await enterLedger(tx, [{ ...entry, error }], now);
    const output = { attempts: 0, takeovers: 0, workerId, error };
    await driver.bury([{ job: engineJobOf(job), token: null, output }], { tx });
    await countEnds(tx, 'failed', [job], now);
  });
  log.emit('job.dead', { jobId: job.id, kind, code: error.code });
  return job.id;
}

/** Enqueues what it asks for; the id of the job that stands for it, which is a dead letter when it fits no kind. */
export async function enqueueNative(deps: NativeDeps, job: NativeJob): Promise<string> {
  try {
    const [enqueued] = await createEnqueue(deps)([requestOf(job)]);
    return enqueued!.jobId;
  } catch (error) {
    if (toAppError(error).kind === 'transient') throw error;
    return await refuse(deps, job, error);
  }
}

/** Completes these orders; the result of each names the job that stands for it. */
async function fulfil(
  { driver, clock, workerId }: NativeDeps,
  orders: readonly { readonly claim: EngineClaim; readonly jobId: string }[],
): Promise<void> {
  const meta = bareMeta(clock.now());
  const settlements = orders.map(({ claim: { id, queue, kind, payload, token }, jobId }) => ({
    // The job that stands for it has the payload; what stays here is for people, and bounded.
    job: { id, queue, kind, payload: storable(payload) ?? null, priority: 0, meta },
    token,
    state: 'completed' as const,
    output: { attempts: 1, takeovers: 0, workerId, result: { enqueuedAs: jobId } },
  }));
  await driver.complete(settlements);
}

/** Enqueues what this job asks for and completes it. */
export async function adoptNative(deps: NativeDeps, claim: EngineClaim): Promise<void> {
  await fulfil(deps, [{ claim, jobId: await enqueueNative(deps, claim) }]);
}

/** All of them in one step. Throws when one of them does not fit; then each may be taken alone. */
export async function adoptTogether(deps: NativeDeps, claims: readonly EngineClaim[]): Promise<void> {
  const enqueued = await createEnqueue(deps)(claims.map(requestOf));
  await fulfil(
    deps,
    claims.map((claim, index) => ({ claim, jobId: enqueued[index]!.jobId })),
  );
}
