// Claims of this worker that nobody here works on, because the answer to a claim, or to the end of a job, was lost although
// the engine or the ledger did what was asked. Each goes back, as if this worker had died with it.

import type { Clock } from '../src/core/clock.ts';
import type { Database } from '../src/db/database.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { asItIs, type EngineClaim, type EngineDriver } from './driver.ts';
import type { ClaimedJob } from './job-run.ts';
import { engineJobOf } from './ledger.ts';
import { HELD_LIMIT } from './ledger-entry.ts';
import { releaseForgotten, type HeldClaim } from './ledger-claims.ts';

export interface ForgottenOptions {
  readonly db: Database;
  readonly driver: EngineDriver;
  readonly clock: Clock;
  readonly workerId: string;
  readonly log: EventLog;
  /** Claimed ahead, begun, or ended and being stored. */
  readonly inHand: () => readonly ClaimedJob[];
}

export interface Forgotten {
  /** `held`: what the ledger says this worker has. */
  inLedger(held: readonly HeldClaim[]): Promise<void>;
  inEngine(): Promise<void>;
}

/** A claim is in hand within a few milliseconds, and until its end is stored. */
const FORGOTTEN_MS = 5_000;

/** A claim in the engine; tokens alone need not differ between jobs. */
const nameOf = (id: string, token: string): string => `${id} ${token}`;

export function createForgotten({ db, driver, clock, workerId, log, inHand }: ForgottenOptions): Forgotten {
  /** Claims in the engine that were in nobody's hand, and since when; monotonic. */
  let suspects: ReadonlyMap<string, number> = new Map();

  function tell(jobs: readonly { readonly id: string; readonly kind: string }[]): void {
    for (const { id, kind } of jobs) log.emit('job.taken_over', { jobId: id, kind, from: workerId });
  }

  return {
    async inLedger(held) {
      const now = clock.now();
      const known = new Set(inHand().map(({ row }) => row.id));
      const forgotten = held.filter(
        ({ id, startedAt }) => !known.has(id) && now.getTime() - startedAt.getTime() > FORGOTTEN_MS,
      );
      if (forgotten.length === 0) return;
      await db.tx({ kind: 'ops' }, async (tx) => {
        const rows = await releaseForgotten(tx, forgotten, workerId, now);
        const putBacks = rows.map((row) => ({ job: engineJobOf(row), token: null, runAt: now }));
        await driver.putBack(putBacks, { tx });
        tell(rows);
      });
    },

    async inEngine() {
      const held = await driver.heldBy([workerId], HELD_LIMIT);
      const known = new Set(inHand().map(({ row, token }) => nameOf(row.id, token)));
      const now = clock.mono();
      const since = ({ id, token }: EngineClaim): number => suspects.get(nameOf(id, token)) ?? now;
      const unknown = held.filter(({ id, token }) => !known.has(nameOf(id, token)));
      const forgotten = unknown.filter((claim) => now - since(claim) > FORGOTTEN_MS);
      suspects = new Map(unknown.map((claim) => [nameOf(claim.id, claim.token), since(claim)]));
      if (forgotten.length === 0) return;
      const runAt = clock.now();
      await driver.putBack(forgotten.map((claim) => ({ job: asItIs(claim), token: claim.token, runAt })));
      tell(forgotten);
    },
  };
}
