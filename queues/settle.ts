// Ends of jobs, in groups: whatever ended while the last group was being written is the next one. Ledger first, and only
// what the ledger says is still ours reaches the engine.

import { backoffMs } from '../src/core/backoff.ts';
import { sleep } from '../src/core/async.ts';
import type { Clock } from '../src/core/clock.ts';
import type { ErrorReport } from '../src/core/errors.ts';
import { storableJson, storableText } from '../src/core/storable.ts';
import type { Database, Tx } from '../src/db/database.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import type { EngineDriver, EngineOutput } from './driver.ts';
import type { ClaimedJob } from './job-run.ts';
import { engineJobOf } from './ledger.ts';
import { buryClaimed, deleteClaimed, releaseClaimed } from './ledger-claims.ts';
import type { Verdict } from './verdict.ts';

export interface SettleDeps {
  readonly db: Database;
  readonly driver: EngineDriver;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly workerId: string;
}

export interface Settled {
  readonly job: ClaimedJob;
  readonly verdict: Verdict;
}

export interface Settler {
  /** Resolves when the end is stored, true, or refused because the claim has moved on, false. */
  settle(job: ClaimedJob, verdict: Verdict): Promise<boolean>;
}

type OfVerdict<A extends Verdict['as']> = Settled & { readonly verdict: Extract<Verdict, { as: A }> };

const GROUP_SIZE = 500;
const MAX_RESULT_CHARS = 16_384;
const RETRY = { baseMs: 100, capMs: 5_000 };

/** As Postgres can store it: no NUL, no half character, no cycles, bounded; a result is for people, not for transport. */
function storable<T>(value: T): T | string | undefined {
  try {
    const text = storableJson(value);
    if (text === undefined) return undefined;
    return text.length > MAX_RESULT_CHARS
      ? `${storableText(text.slice(0, MAX_RESULT_CHARS))}…`
      : (JSON.parse(text) as T);
  } catch {
    return 'not representable as JSON';
  }
}

function storableError(error: ErrorReport): ErrorReport {
  const stored = storable(error);
  return typeof stored === 'object' ? stored : { code: error.code, kind: error.kind, message: 'too long to be stored' };
}

const pick = <A extends Verdict['as']>(group: readonly Settled[], ...kinds: readonly A[]): readonly OfVerdict<A>[] =>
  group.filter((entry): entry is OfVerdict<A> => (kinds as readonly string[]).includes(entry.verdict.as));

const refOf = ({ job }: Settled) => ({ id: job.row.id, claim: job.row.claim });

function outputOf({ job, verdict }: Settled, workerId: string): EngineOutput {
  const { attempts, takeovers } = job.row;
  const output = { attempts, takeovers, workerId };
  if (verdict.as === 'completed') return { ...output, result: storable(verdict.result) };
  if (verdict.as === 'discarded') return { ...output, result: { discarded: storable(verdict.reason) } };
  if (verdict.as === 'dead') return { ...output, error: storableError(verdict.error) };
  return output;
}

async function settleEnded({ driver, workerId }: SettleDeps, tx: Tx, group: readonly Settled[]): Promise<Set<string>> {
  const ended = pick(group, 'completed', 'discarded', 'cancelled');
  if (ended.length === 0) return new Set();
  const ours = await deleteClaimed(tx, ended.map(refOf), workerId);
  const settlements = ended
    .filter(({ job }) => ours.has(job.row.id))
    .map((entry) => ({
      job: engineJobOf(entry.job.row),
      token: entry.job.token,
      state: entry.verdict.as === 'cancelled' ? ('cancelled' as const) : ('completed' as const),
      output: outputOf(entry, workerId),
    }));
  await driver.complete(settlements, { tx });
  return ours;
}

async function settleAgain(
  { driver, clock, workerId }: SettleDeps,
  tx: Tx,
  group: readonly Settled[],
): Promise<Set<string>> {
  const again = pick(group, 'retried', 'snoozed');
  if (again.length === 0) return new Set();
  const now = clock.now();
  const items = again.map((entry) => ({
    ...refOf(entry),
    runAt: new Date(now.getTime() + entry.verdict.delayMs),
    spent: entry.verdict.spent,
    error: entry.verdict.error === null ? null : storableError(entry.verdict.error),
  }));
  const ours = await releaseClaimed(tx, items, workerId, now);
  const putBacks = again.map(({ job }, index) => ({
    job: engineJobOf(job.row),
    token: job.token,
    runAt: items[index]!.runAt,
  }));
  await driver.putBack(
    putBacks.filter(({ job }) => ours.has(job.id)),
    { tx },
  );
  return ours;
}

async function settleDead(
  { driver, clock, workerId }: SettleDeps,
  tx: Tx,
  group: readonly Settled[],
): Promise<Set<string>> {
  const dead = pick(group, 'dead');
  if (dead.length === 0) return new Set();
  const items = dead.map((entry) => ({ ...refOf(entry), error: storableError(entry.verdict.error) }));
  const ours = await buryClaimed(tx, items, workerId, clock.now());
  const burials = dead
    .filter(({ job }) => ours.has(job.row.id))
    .map((entry) => ({ job: engineJobOf(entry.job.row), token: entry.job.token, output: outputOf(entry, workerId) }));
  await driver.bury(burials, { tx });
  return ours;
}

/** Settles a group; answers the ids that were still ours. */
async function settleGroup(deps: SettleDeps, group: readonly Settled[]): Promise<ReadonlySet<string>> {
  return await deps.db.tx({ kind: 'ops' }, async (tx) => {
    const ended = await settleEnded(deps, tx, group);
    const again = await settleAgain(deps, tx, group);
    const dead = await settleDead(deps, tx, group);
    return new Set([...ended, ...again, ...dead]);
  });
}

/** `signal` ends the retries while the database is away; whatever is not settled then is taken over later. */
export function createSettler(deps: SettleDeps, signal: AbortSignal): Settler {
  let queue: (Settled & { readonly done: (ours: boolean) => void })[] = [];
  let flushing = false;

  async function settleUntilStored(group: readonly Settled[]): Promise<ReadonlySet<string>> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await settleGroup(deps, group);
      } catch (error) {
        deps.log.emit('loop.failed', { part: 'settle', jobs: group.length, error });
        if (signal.aborted) return new Set();
        await sleep(backoffMs(RETRY, attempt, Math.random()), signal).catch(() => undefined);
      }
    }
  }

  async function flush(): Promise<void> {
    if (flushing) return;
    flushing = true;
    while (queue.length > 0) {
      const group = queue.slice(0, GROUP_SIZE);
      queue = queue.slice(GROUP_SIZE);
      const ours = await settleUntilStored(group);
      for (const { job, done } of group) done(ours.has(job.row.id));
    }
    flushing = false;
  }

  return {
    settle(job, verdict) {
      if (verdict.as === 'lost') return Promise.resolve(false);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      queue.push({ job, verdict, done: resolve });
      // After the current turn, so that everything that ends in it is one group.
      setImmediate(() => void flush());
      return promise;
    },
  };
}
