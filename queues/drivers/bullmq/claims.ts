// Taking jobs in hand, by BullMQ's own script. One look says how many are due, so that an idle poll costs one command and no
// queue is asked in vain.

import { randomUUID } from 'node:crypto';
import type { ClaimRequest, EngineClaim } from '../../driver.ts';
import type { Doubts } from './doubts.ts';
import type { Link } from './engine.ts';
import { baseOf, decodeData, keysOf } from './layout.ts';

interface Fetched {
  readonly name?: string;
  readonly data: string;
}

function toClaim(answer: unknown, queue: string, token: string): EngineClaim | null {
  const [job, id] = (answer ?? []) as readonly [Fetched?, string?];
  // Without a job the answer carries zeros and times in these places.
  if (typeof job !== 'object' || job === null || id === undefined) return null;
  const { payload, meta } = decodeData(job.data);
  return { id, queue, token, kind: job.name ?? '', payload, meta };
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
        return toClaim(await link.backend(queue).moveToActive(token, request.workerId), queue, token);
      } catch (error) {
        doubts.add({ queue, token });
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

/** A claim as our scripts answer it. */
export type ClaimRow = readonly [id: string, token: string, kind: string, data: string];

export function claimOfRow([id, token, kind, data]: ClaimRow, queue: string): EngineClaim {
  return { id, queue, token, kind, ...decodeData(data) };
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
    (rows as readonly ClaimRow[]).map((row) => claimOfRow(row, queues[index]!)),
  );
  return claims.slice(0, limit);
}
