// One line of work inside a consumer: some queues, slots of its own, a loop that claims what fits. Long and short jobs have
// a lane each, so that a rollup never waits behind fifty syncs. A slot is free as soon as its handler ends; what is being
// stored is bounded too. Lanes of short queues claim a few jobs ahead.

import { backoffMs } from '../src/core/backoff.ts';
import { SECOND_MS } from '../src/core/duration.ts';
import { createAlarm, type Alarm } from './alarm.ts';
import { acceptClaims, giveBack } from './claim.ts';
import { createGate, type Gate } from './gate.ts';
import type { ControlsCache } from './controls.ts';
import type { ClaimRequest, EngineClaim } from './driver.ts';
import { unledgeredJobOf } from './ledger.ts';
import { createHands, type Hands, type HandsOptions } from './hands.ts';
import type { ClaimedJob } from './job-run.ts';
import { createPace, type Pace } from './pace.ts';
import { createSettler, type Settler } from './settler.ts';
import type { Verdict } from './verdict.ts';

export interface LaneOptions extends Omit<HandsOptions, 'settler' | 'onFree'> {
  readonly queues: readonly string[];
  /** Jobs claimed beyond the free hands: at any pace, and when they take next to no time. */
  readonly ahead: { readonly min: number; readonly max: number };
  readonly givenUp: AbortSignal;
  readonly controls: ControlsCache;
}

export interface Lane {
  /** Claimed ahead, not begun. */
  readonly ready: readonly ClaimedJob[];
  readonly queues: readonly string[];
  /** Number of times in a row that claiming failed. */
  readonly failures: number;
  /** Milliseconds since it last got a job, or had no hand free. */
  readonly idleMs: number;
  wake(): void;
  wakeIn(ms: number): void;
  /** Claims until draining begins; resolves then, with what was claimed ahead given back. */
  run(): Promise<void>;
  /** Resolves when every handler has ended and its end is stored. */
  finished(): Promise<void>;
  close(): void;
}

const FIRST_POLL_MS = 50;
const ERROR_BACKOFF = { baseMs: 200, capMs: 5_000 };
/** Every so many groups their slots go back to the loop, which asks all queues. */
const EXCHANGES_IN_A_ROW = 8;

class ClaimingLane implements Lane {
  readonly #options: LaneOptions;
  readonly #alarm: Alarm = createAlarm();
  readonly #gate: Gate;
  readonly #settler: Settler;
  readonly #hands: Hands;
  readonly #pace: Pace;
  /** Claims that came in exchange and are being marked. */
  readonly #accepting = new Set<Promise<void>>();
  #ready: ClaimedJob[] = [];
  #failures = 0;
  #busyAt: number;
  #exchanges = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#busyAt = options.clock.mono();
    this.#pace = createPace({ clock: options.clock, ...options.ahead });
    this.#gate = createGate({
      deps: options,
      controls: options.controls,
      onAgain: (ms) => this.#alarm.ringIn(ms),
    });
    this.#settler = createSettler({
      ...options,
      signal: options.givenUp,
      next: (ended) => this.#nextAfter(ended),
      onClaims: (claims) => this.#onExchanged(claims),
    });
    this.#hands = createHands({
      ...options,
      settler: this.#settler,
      onFree: () => this.#onFree(),
      onEnded: (run, verdict, durationMs) => {
        this.#pace.count();
        options.onEnded(run, verdict, durationMs);
        if (this.#gate.isShared(run.job.row.queue)) this.#tellOthers();
      },
    });
  }

  get ready(): readonly ClaimedJob[] {
    return this.#ready;
  }

  get queues(): readonly string[] {
    return this.#options.queues;
  }

  get idleMs(): number {
    return this.#options.clock.mono() - this.#busyAt;
  }

  get failures(): number {
    return this.#failures;
  }

  wake(): void {
    this.#alarm.ring();
  }

  wakeIn(ms: number): void {
    this.#alarm.ringIn(ms);
  }

  async run(): Promise<void> {
    const { firstPollMs = FIRST_POLL_MS, pollMs = SECOND_MS, draining } = this.#options;
    let idleMs = firstPollMs;
    while (!draining.aborted) {
      const seen = this.#alarm.seen();
      const wanted = this.#wanted();
      const claimed = wanted > 0 ? await this.#claim(wanted) : 0;
      if (wanted === 0 || (claimed ?? 0) > 0) this.#busyAt = this.#options.clock.mono();
      if (claimed === undefined) {
        await this.#alarm.wait(backoffMs(ERROR_BACKOFF, this.#failures, this.#random()), { ignoreRings: true });
        continue;
      }
      // A full batch means that there is probably more.
      if (wanted > 0 && claimed === wanted) continue;
      idleMs = claimed > 0 ? firstPollMs : Math.min(pollMs, idleMs * 2);
      if (await this.#alarm.wait(wanted > 0 ? idleMs : pollMs, { since: seen })) idleMs = firstPollMs;
    }
    await this.#putAside();
  }

  finished(): Promise<void> {
    return this.#hands.finished();
  }

  close(): void {
    this.#alarm.close();
  }

  get #free(): number {
    const { concurrency } = this.#options;
    const stored = 2 * (concurrency + this.#pace.ahead) - this.#hands.unsettled;
    return Math.min(concurrency - this.#hands.running, stored);
  }

  #wanted(): number {
    const { ahead } = this.#pace;
    // Half of what may lie ready is claimed at once, not one by one.
    if (this.#ready.length > ahead / 2) return 0;
    return Math.max(0, this.#free) + ahead - this.#ready.length;
  }

  #request(limit: number): ClaimRequest {
    const { workerId, queues } = this.#options;
    return { workerId, queues: queues.map((name) => ({ name, limit })), limit };
  }

  /** The slots of `ended` jobs were free since their handlers ended: only what was not claimed meanwhile. */
  #nextAfter(ended: number): ClaimRequest | null {
    if (this.#options.draining.aborted || this.#gate.isControlled || ++this.#exchanges % EXCHANGES_IN_A_ROW === 0)
      return null;
    const limit = Math.min(ended, this.#wanted());
    return limit > 0 ? this.#request(limit) : null;
  }

  /** Number of jobs claimed; undefined when it failed. */
  async #claim(limit: number): Promise<number | undefined> {
    try {
      const { claimed, jobs } = await this.#gate.claim(this.#request(limit));
      this.#failures = 0;
      this.#take(jobs);
      return claimed;
    } catch (error) {
      this.#failures += 1;
      this.#options.log.emit('loop.failed', { part: 'claim', error });
      return undefined;
    }
  }

  /** A hand has come free that another worker may be waiting for; a hint that is lost costs it one poll. */
  #tellOthers(): void {
    void this.#options.driver.wake('jobs').catch(() => undefined);
  }

  #onExchanged(claims: readonly EngineClaim[]): void {
    const accepting = this.#accept(claims).finally(() => this.#accepting.delete(accepting));
    this.#accepting.add(accepting);
  }

  /** What came in exchange for ended jobs. */
  async #accept(claims: readonly EngineClaim[]): Promise<void> {
    try {
      if (this.#options.draining.aborted) await giveBack(this.#options, claims);
      else this.#take(await acceptClaims(this.#options, claims));
    } catch (error) {
      this.#options.log.emit('loop.failed', { part: 'claim', error });
    }
  }

  #take(jobs: readonly ClaimedJob[]): void {
    this.#ready.push(...jobs);
    this.#startReady();
  }

  #startReady(): void {
    const free = this.#options.draining.aborted ? 0 : this.#options.concurrency - this.#hands.running;
    for (const job of this.#ready.splice(0, Math.max(0, free))) this.#hands.begin(job);
  }

  #onFree(): void {
    this.#startReady();
    if (this.#wanted() > 0) this.#alarm.ring();
  }

  /** What was claimed ahead and not begun goes back to where it was. */
  async #putAside(): Promise<void> {
    await Promise.all(this.#accepting);
    const ready = this.#ready.splice(0);
    const asleep: Verdict = { as: 'snoozed', delayMs: 0, spent: false, error: null };
    const inLedger = ready.filter(({ ledgered }) => ledgered);
    await Promise.all(inLedger.map((job) => this.#settler.settle(job, asleep)));
    const { driver, clock } = this.#options;
    const runAt = clock.now();
    const putBacks = ready
      .filter(({ ledgered }) => !ledgered)
      .map(({ row, token }) => ({ job: unledgeredJobOf(row), token, runAt }));
    // What this misses is found with the worker that held it.
    await driver.putBack(putBacks).catch(() => undefined);
  }

  #random(): number {
    return (this.#options.random ?? Math.random)();
  }
}

export function createLane(options: LaneOptions): Lane {
  return new ClaimingLane(options);
}
