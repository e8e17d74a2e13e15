// Hands ended jobs over to be stored, in groups, until they are. One that cannot be stored is tried again apart, so that it
// holds up nobody else.

import { backoffMs } from '../src/core/backoff.ts';
import { sleep } from '../src/core/async.ts';
import { toAppError } from '../src/core/errors.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { createCollector } from './collector.ts';
import type { ClaimRequest, EngineClaim } from './driver.ts';
import type { ClaimedJob } from './job-run.ts';
import { endsInEngine, settleInEngine, settleInLedger, type SettleDeps, type Settled } from './settle.ts';
import type { Verdict } from './verdict.ts';

export interface SettlerOptions extends SettleDeps {
  readonly log: EventLog;
  /** Ends the retries while a store is away; whatever is not settled then is taken over later. */
  readonly signal: AbortSignal;
  /** What may be claimed in the place of `ended` jobs; null: nothing. */
  readonly next: (ended: number) => ClaimRequest | null;
  readonly onClaims: (claims: readonly EngineClaim[]) => void;
}

export interface Settler {
  /** Resolves when the end is stored, true, or refused because the claim has moved on, false. */
  settle(job: ClaimedJob, verdict: Verdict): Promise<boolean>;
}

interface Waiting extends Settled {
  readonly done: (ours: boolean) => void;
}

const GROUP_SIZE = 500;
const LANES = 2;
const RETRY = { baseMs: 100, capMs: 5_000 };

function halvesOf(group: readonly Waiting[]): readonly (readonly Waiting[])[] {
  const half = Math.ceil(group.length / 2);
  return group.length === 1 ? [group] : [group.slice(0, half), group.slice(half)];
}

export function createSettler(options: SettlerOptions): Settler {
  const { log, signal, next, onClaims } = options;

  async function storeInEngine(group: readonly Waiting[]): Promise<ReadonlySet<string>> {
    const { settled, claims } = await settleInEngine(options, group, signal.aborted ? null : next(group.length));
    if (claims.length > 0) onClaims(claims);
    return settled;
  }

  /** Never rejects. What failed comes again later, by halves unless the store was merely away. */
  async function flush(group: readonly Waiting[], attempt = 1): Promise<void> {
    const inEngine = group[0] !== undefined && endsInEngine(group[0]);
    try {
      const ours = await (inEngine ? storeInEngine(group) : settleInLedger(options, group));
      for (const { job, done } of group) done(ours.has(job.row.id));
    } catch (error) {
      log.emit('loop.failed', { part: 'settle', jobs: group.length, error });
      if (signal.aborted) for (const { done } of group) done(false);
      else void again(toAppError(error).kind === 'transient' ? [group] : halvesOf(group), attempt);
    }
  }

  async function again(groups: readonly (readonly Waiting[])[], attempt: number): Promise<void> {
    await sleep(backoffMs(RETRY, attempt, Math.random()), signal).catch(() => undefined);
    await Promise.all(groups.map((group) => flush(group, attempt + 1)));
  }

  const collect = { maxSize: GROUP_SIZE, lanes: LANES, flush: (group: readonly Waiting[]) => flush(group) };
  const ledger = createCollector<Waiting>(collect);
  const engine = createCollector<Waiting>(collect);
  // Jobs that enter the ledger ask the engine first; what the ledger knows already must not wait for that.
  const entering = createCollector<Waiting>(collect);
  const collectorOf = (entry: Waiting) => {
    if (entry.job.ledgered) return ledger;
    return endsInEngine(entry) ? engine : entering;
  };

  return {
    settle(job, verdict) {
      if (verdict.as === 'lost') return Promise.resolve(false);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const entry = { job, verdict, done: resolve };
      collectorOf(entry).push(entry);
      return promise;
    },
  };
}
