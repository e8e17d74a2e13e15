// The fast path of derived kinds: many short jobs end and their successors are claimed in one script, one call per queue.
// BullMQ's own way to do that takes one script per job, which is what a job of a millisecond mostly costs.

import { randomUUID } from 'node:crypto';
import type { ClaimRequest, EngineClaim, EngineSettlement, Exchanged } from '../../driver.ts';
import { claimOfRow, type ClaimRow } from './claims.ts';
import type { Doubts } from './doubts.ts';
import { LOCK_MS, type Link } from './engine.ts';
import { baseOf, keysOf } from './layout.ts';
import { piecesOf, settleAll, type Piece } from './settle.ts';

/** In-line bound of what derived kinds leave behind; the sweeper looks after the age. */
const KEEP_DERIVED = 1_000;

interface Exchange {
  readonly link: Link;
  readonly workerId: string;
  readonly doubts: Doubts;
}

/** How many each piece may claim: in the place of its own ended jobs, within the limits of the request. */
function allowances(pieces: readonly Piece<EngineSettlement>[], next: ClaimRequest | null): readonly number[] {
  let left = next?.limit ?? 0;
  const rooms = new Map(next?.queues.map(({ name, limit }) => [name, limit]));
  return pieces.map(({ queue, items }) => {
    const share = Math.max(0, Math.min(left, rooms.get(queue) ?? 0, items.length));
    rooms.set(queue, (rooms.get(queue) ?? 0) - share);
    left -= share;
    return share;
  });
}

async function exchangePiece(
  { link, workerId, doubts }: Exchange,
  { queue, items }: Piece<EngineSettlement>,
  share: number,
): Promise<{ readonly settled: readonly string[]; readonly claims: readonly EngineClaim[] }> {
  const endings = items.map(({ job, token, output }) => ({ id: job.id, token, output: JSON.stringify(output) }));
  const tokens = Array.from({ length: share }, () => randomUUID());
  const lists = [JSON.stringify(endings), JSON.stringify(tokens)];
  const args = [baseOf(queue), Date.now(), ...lists, workerId, KEEP_DERIVED, LOCK_MS];
  try {
    const [settled, rows] = (await link.run('exchange', keysOf(queue), args)) as [string[], ClaimRow[]];
    return { settled, claims: rows.map((row) => claimOfRow(row, queue)) };
  } catch (error) {
    for (const token of tokens) doubts.add({ queue, token });
    throw error;
  }
}

/**
 * Throws only when nothing at all came back; the caller then still has every job in hand. Otherwise it takes what was not
 * settled for lost, so jobs of which no answer came are given back.
 */
export async function exchangeJobs(
  exchange: Exchange,
  settlements: readonly EngineSettlement[],
  next: ClaimRequest | null,
): Promise<Exchanged> {
  const isQuick = ({ token, state }: EngineSettlement): boolean => token !== null && state === 'completed';
  const pieces = piecesOf(settlements.filter(isQuick), ({ job }) => job.queue);
  const others = settlements.filter((settlement) => !isQuick(settlement));
  const shares = allowances(pieces, next);
  const [[slow], quick] = await Promise.all([
    Promise.allSettled([settleAll(exchange.link, others)]),
    Promise.allSettled(pieces.map((piece, index) => exchangePiece(exchange, piece, shares[index]!))),
  ]);
  const settled = new Set(slow.status === 'fulfilled' ? slow.value : []);
  const claims: EngineClaim[] = [];
  for (const answer of quick) {
    if (answer.status === 'rejected') continue;
    for (const id of answer.value.settled) settled.add(id);
    claims.push(...answer.value.claims);
  }
  const failure = [slow, ...quick].find((answer) => answer.status === 'rejected');
  if (failure === undefined) return { settled, claims };
  if (settled.size === 0 && claims.length === 0) throw failure.reason;
  const unanswered = slow.status === 'rejected' ? others : [];
  for (const { job, token } of unanswered) if (token !== null) exchange.doubts.add({ queue: job.queue, token });
  for (const [index, { queue, items }] of pieces.entries()) {
    if (quick[index]!.status === 'fulfilled') continue;
    for (const { token } of items) exchange.doubts.add({ queue, token: token! });
  }
  return { settled, claims };
}
