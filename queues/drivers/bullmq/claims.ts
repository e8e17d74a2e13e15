// Taking jobs in hand, by BullMQ's own scripts. One look says how many are due, so that an idle poll costs one command and
// no queue is asked in vain; a short job's end fetches its successor in the same script.

import { randomUUID } from 'node:crypto';
import type { MinimalJob } from 'bullmq';
import type { ClaimRequest, EngineClaim, EngineSettlement, Exchanged } from '../../driver.ts';
import type { Doubts } from './doubts.ts';
import type { Link } from './engine.ts';
import { baseOf, decodeData, keysOf } from './layout.ts';
import { settleAll } from './settle.ts';

/** In-line bound of what derived kinds leave behind; the sweeper looks after the rest. */
const KEEP_DERIVED = { count: 1_000 };

/** What BullMQ's scripts answer when a token is no longer good, or the job no longer there. */
const STALE_CODES = new Set<unknown>([-1, -2, -3, -4, -6, -9]);

interface Fetched {
  readonly id: string;
  readonly name: string;
  readonly data: string;
}

function toClaim(answer: unknown, queue: string, token: string): EngineClaim | null {
  const [job, id] = (answer ?? []) as readonly [Fetched?, string?];
  // Without a job the answer carries zeros and times in these places.
  if (typeof job !== 'object' || job === null || id === undefined) return null;
  const { payload, meta } = decodeData(job.data);
  return { id, queue, token, kind: job.name, payload, meta };
}

const DEPTH_PARTS = ['wait', 'prioritized', 'delayed', 'meta'];

async function countDue(link: Link, queues: readonly string[]): Promise<readonly number[]> {
  const keys = queues.flatMap((queue) => DEPTH_PARTS.map((part) => baseOf(queue) + part));
  return (await link.run('depths', keys, [Date.now()])) as readonly number[];
}

/** How many to take of each queue: in turns, beginning with another queue each time, so that none is last for ever. */
function shareOut(rooms: readonly number[], limit: number, first: number): readonly number[] {
  const shares = rooms.map(() => 0);
  let left = limit;
  for (let isMoving = true; isMoving && left > 0;) {
    isMoving = false;
    for (let step = 0; step < rooms.length && left > 0; step++) {
      const index = (first + step) % rooms.length;
      if (shares[index]! >= rooms[index]!) continue;
      shares[index]! += 1;
      left -= 1;
      isMoving = true;
    }
  }
  return shares;
}

/** Due jobs, at most as many as asked for. What the answer of a claim did not reach is left to `doubts`. */
export async function claimJobs(link: Link, request: ClaimRequest, doubts: Doubts): Promise<readonly EngineClaim[]> {
  const queues = request.queues.filter(({ limit }) => limit > 0);
  if (queues.length === 0 || request.limit <= 0) return [];
  const due = await countDue(
    link,
    queues.map(({ name }) => name),
  );
  const rooms = queues.map(({ limit }, index) => Math.min(limit, due[index] ?? 0));
  const shares = shareOut(rooms, request.limit, Math.floor(Math.random() * queues.length));
  const slots = queues.flatMap(({ name }, index) => Array.from({ length: shares[index]! }, () => name));
  const answers = await Promise.allSettled(
    slots.map(async (queue) => {
      const token = randomUUID();
      try {
        return toClaim(await link.backend(queue, request.workerId).moveToActive(token, request.workerId), queue, token);
      } catch (error) {
        doubts.add({ queue, token, except: '' });
        throw error;
      }
    }),
  );
  const claims = answers.flatMap((answer) => (answer.status === 'fulfilled' && answer.value ? [answer.value] : []));
  const failure = answers.find(({ status }) => status === 'rejected');
  // Claims that arrived are in hand, whatever became of the others.
  if (claims.length === 0 && failure?.status === 'rejected') throw failure.reason;
  return claims;
}

interface Ended {
  readonly isSettled: boolean;
  readonly claim: EngineClaim | null;
}

const STALE: Ended = { isSettled: false, claim: null };

async function finish(link: Link, settlement: EngineSettlement, workerId: string, fetchNext: boolean): Promise<Ended> {
  const { job, output } = settlement;
  const token = settlement.token ?? '';
  // The backend reads nothing else of a job.
  const minimal = { id: job.id, opts: {} } as unknown as MinimalJob;
  try {
    const backend = link.backend(job.queue, workerId);
    const { result } = await backend.moveToCompleted(minimal, output, KEEP_DERIVED, token, fetchNext);
    return { isSettled: true, claim: fetchNext ? toClaim(result, job.queue, token) : null };
  } catch (error) {
    if (STALE_CODES.has((error as { readonly code?: unknown }).code)) return STALE;
    throw error;
  }
}

/** How many more each queue may give within an exchange. */
function allowance(next: ClaimRequest | null): (queue: string) => boolean {
  let left = next?.limit ?? 0;
  const rooms = new Map(next?.queues.map(({ name, limit }) => [name, limit]));
  return (queue) => {
    const room = rooms.get(queue) ?? 0;
    if (room <= 0 || left <= 0) return false;
    rooms.set(queue, room - 1);
    left -= 1;
    return true;
  };
}

/**
 * Ends jobs, each end with a claim in the same script where `next` allows one. A next claim goes on under the token of the
 * job before it: of a token's claims at most one is open at any time, so it still fences. Throws only when nothing at all
 * came back; the caller then still has every job in hand.
 */
export async function exchangeJobs(
  link: Link,
  settlements: readonly EngineSettlement[],
  next: ClaimRequest | null,
  doubts: Doubts,
): Promise<Exchanged> {
  const mayFetch = allowance(next);
  const workerId = next?.workerId ?? '';
  const isQuick = ({ token, state }: EngineSettlement): boolean => token !== null && state === 'completed';
  const quick = settlements.filter(isQuick);
  const others = settlements.filter((settlement) => !isQuick(settlement));
  const ending = quick.map((each) =>
    finish(link, each, workerId, !doubts.has(each.token ?? '') && mayFetch(each.job.queue)),
  );
  const [ends, [slow]] = await Promise.all([Promise.allSettled(ending), Promise.allSettled([settleAll(link, others)])]);
  const failures: unknown[] = slow.status === 'rejected' ? [slow.reason] : [];
  const settled = new Set(slow.status === 'fulfilled' ? slow.value : []);
  const claims: EngineClaim[] = [];
  const unanswered: EngineSettlement[] = [];
  for (const [index, end] of ends.entries()) {
    const settlement = quick[index]!;
    if (end.status === 'rejected') {
      failures.push(end.reason);
      unanswered.push(settlement);
      continue;
    }
    if (end.value.isSettled) settled.add(settlement.job.id);
    if (end.value.claim !== null) claims.push(end.value.claim);
  }
  const isLost = failures.length > 0 && settled.size === 0 && claims.length === 0;
  for (const { job, token } of unanswered) {
    doubts.add({ queue: job.queue, token: token ?? '', except: isLost ? job.id : '' });
  }
  if (isLost) throw failures[0];
  return { settled, claims };
}

/** What these workers have in hand in these queues. */
export async function claimsHeldBy(
  link: Link,
  queues: readonly string[],
  workerIds: readonly string[],
  limit: number,
): Promise<readonly EngineClaim[]> {
  const args = (queue: string) => [baseOf(queue), Date.now(), JSON.stringify(workerIds), limit];
  const found = await Promise.all(queues.map((queue) => link.run('heldBy', keysOf(queue), args(queue))));
  const claims = found.flatMap((rows, index) =>
    (rows as readonly (readonly [string, string, string, string])[]).map(([id, token, kind, data]) => ({
      id,
      queue: queues[index]!,
      token,
      kind,
      ...decodeData(data),
    })),
  );
  return claims.slice(0, limit);
}
