// From engine to hand: claims a batch and marks what the ledger knows as ours. What cannot be worked on ends at once; what
// came in by the engine's own door is enqueued as if it had come by ours.
//
//   claim ──► by the engine's own door ──► enqueued (native.ts)
//     ├─────► known to the engine alone ──► in hand, without a trace in the ledger
//     └─────► in the ledger: admitted ──► active, in hand
//                            anything else ──► dropped: somebody else has it, or nobody wants it any more

import { MINUTE_MS, SECOND_MS } from '../src/core/duration.ts';
import { toAppError } from '../src/core/errors.ts';
import { acceptLedgered, acceptUnledgered } from './accept.ts';
import type { ClaimDeps } from './claim-deps.ts';
import { reserveStarts, spendStarts } from './controls.ts';
import { asItIs, type ClaimRequest, type EngineClaim } from './driver.ts';
import { isNative } from './engine-meta.ts';
import type { ClaimedJob } from './job-run.ts';
import { adoptNative, adoptTogether } from './native.ts';

/** A claim that cannot be accepted for what it is comes back after this, so that it does not stand before all others. */
const SPOILED_MS = MINUTE_MS;

/** Whether the engine alone answers for this job. */
const isUnledgered = ({ meta }: EngineClaim): boolean => meta !== null && !meta.ledgered;

type Accept = (deps: ClaimDeps, claims: readonly EngineClaim[]) => Promise<readonly ClaimedJob[]>;

interface Accepted {
  readonly jobs: readonly ClaimedJob[];
  readonly failure?: unknown;
}

/** One part of a batch; what goes wrong in it concerns no other. */
async function attempt(deps: ClaimDeps, claims: readonly EngineClaim[], accept: Accept): Promise<Accepted> {
  if (claims.length === 0) return { jobs: [] };
  try {
    return { jobs: await accept(deps, claims) };
  } catch (failure) {
    await giveBack(deps, claims);
    return { jobs: [], failure };
  }
}

/** Ours by name: marked, in the engine's order. Throws when something failed and nothing came in, so that the caller pauses. */
async function acceptOwn(deps: ClaimDeps, claims: readonly EngineClaim[]): Promise<readonly ClaimedJob[]> {
  const own = claims.filter((claim) => !isNative(claim));
  const ledgered = own.filter((claim) => !isUnledgered(claim));
  const parts = [
    await attempt(deps, own.filter(isUnledgered), acceptUnledgered),
    await attempt(deps, ledgered, acceptLedgered),
  ];
  const jobs = parts.flatMap((part) => part.jobs);
  for (const { failure } of parts.filter((part) => 'failure' in part)) {
    if (jobs.length === 0) throw failure;
    deps.log.emit('loop.failed', { part: 'claim', error: failure });
  }
  // Priority, then age.
  const order = new Map(claims.map(({ id }, index) => [id, index]));
  return jobs.sort((a, b) => order.get(a.row.id)! - order.get(b.row.id)!);
}

/**
 * Together, because other services send many at once, and theirs come before ours. Where that fails each alone: one that
 * spoils something spoils it for itself, and does not stand before all others for long.
 */
async function adoptAll(deps: ClaimDeps, claims: readonly EngineClaim[]): Promise<void> {
  const native = claims.filter(isNative);
  if (native.length === 0) return;
  const isDone = await adoptTogether(deps, native).then(
    () => true,
    () => false,
  );
  if (isDone) return;
  for (const [index, claim] of native.entries()) {
    try {
      await adoptNative(deps, claim);
    } catch (error) {
      deps.log.emit('loop.failed', { part: 'native', error });
      // A database that is away is away for the rest of them.
      const isAway = toAppError(error).kind === 'transient';
      await giveBack(deps, isAway ? native.slice(index) : [claim], isAway ? SECOND_MS : SPOILED_MS);
      if (isAway) return;
    }
  }
}

/** Makes claims ours. A failure puts them back, and what that misses the reconciler finds. */
export async function acceptClaims(deps: ClaimDeps, claims: readonly EngineClaim[]): Promise<readonly ClaimedJob[]> {
  if (claims.length === 0) return [];
  await adoptAll(deps, claims);
  return await acceptOwn(deps, claims);
}

/** Claims that nobody will work on go back; one that came by the engine's own door too. */
export async function giveBack(
  { driver, clock }: ClaimDeps,
  claims: readonly EngineClaim[],
  delayMs = 0,
): Promise<void> {
  const runAt = new Date(clock.now().getTime() + delayMs);
  const putBacks = claims.map((claim) => ({ job: asItIs(claim), token: claim.token, runAt }));
  await driver.putBack(putBacks).catch(() => undefined);
}

export interface Claimed {
  /** Given by the engine, those included that came to nothing. */
  readonly claimed: number;
  readonly jobs: readonly ClaimedJob[];
}

/** At most as many jobs as the request says, marked as ours. */
export async function claimJobs(deps: ClaimDeps, request: ClaimRequest): Promise<Claimed> {
  const claims = await deps.driver.claim(request);
  return { claimed: claims.length, jobs: await acceptClaims(deps, claims) };
}

function countByQueue(claims: readonly EngineClaim[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { queue } of claims) counts.set(queue, (counts.get(queue) ?? 0) + 1);
  return counts;
}

/**
 * The same under what operators set. The transaction holds the limits of these queues until the claims are marked, on a
 * connection of their own; `againInMs` says when a rate lets the next job start.
 */
export async function claimControlled(
  deps: ClaimDeps,
  { workerId, queues, limit }: ClaimRequest,
): Promise<Claimed & { readonly againInMs: number | null }> {
  const { db, driver, clock } = deps;
  const { claims, jobs, againInMs } = await db.tx({ kind: 'ops' }, async (tx) => {
    const now = clock.now();
    const names = queues.map(({ name }) => name);
    const reserved = await reserveStarts(tx, { driver, queues: names, free: limit, now });
    const open = names.flatMap((name) => {
      const most = reserved.allowances.get(name) ?? 0;
      return most > 0 ? [{ name, limit: most }] : [];
    });
    const given = open.length === 0 ? [] : await driver.claim({ workerId, queues: open, limit });
    await spendStarts(tx, countByQueue(given), now);
    return { claims: given, jobs: await acceptOwn(deps, given), againInMs: reserved.againInMs };
  });
  // Afterwards, because it may take long, and the server ends a transaction that says nothing for long.
  await adoptAll(deps, claims);
  return { claimed: claims.length, jobs, againInMs };
}
