// The engine on Redis: BullMQ's layout, its script for claiming, ours for what it has no verb for. A verb with `tx` waits for
// the commit; when Redis is away then, the reconciler makes up for it. Jobs added by BullMQ's own door are found by polling,
// because no one announces them.

import { randomUUID } from 'node:crypto';
import { AppError } from '../../../src/core/errors.ts';
import type { Secret } from '../../../src/core/secret.ts';
import type { Health } from '../../../src/lifecycle/service.ts';
import type { EventLog } from '../../../src/telemetry/event-log.ts';
import { QUEUES } from '../../catalog.ts';
import type { EngineDriver, EngineOptions } from '../../driver.ts';
import { claimJobs, claimsHeldBy } from './claims.ts';
import { createHints } from '../../hints.ts';
import { createDoubts } from './doubts.ts';
import { Link } from './engine.ts';
import { toEngineError } from './errors.ts';
import { exchangeJobs } from './exchange.ts';
import { baseOf, EPOCH_KEY, keysOf } from './layout.ts';
import { countStates, findRecord, listRecords, oldestDue } from './records.ts';
import { forgetJobs, keepBounds } from './retention.ts';
import { addJobs, buryAll, missingJobs, putBackAll, removeJobs, settleAll } from './settle.ts';

export interface BullMqDriverOptions {
  /** REDIS_URL: redis://, rediss://, redis-cluster://h:p,h:p, redis-sentinel://h:p,h:p/name */
  readonly url: Secret;
  /** Accepts a Redis that may evict keys. Default false. */
  readonly allowEviction?: boolean;
  readonly log: EventLog;
}

type Verb<K extends keyof EngineDriver> = EngineDriver[K] extends (...args: infer A) => unknown ? A : never;

class BullMqDriver implements EngineDriver {
  readonly name = 'bullmq-engine';
  readonly engine = 'bullmq';
  readonly #options: BullMqDriverOptions;
  readonly #hints = createHints();
  readonly #doubts = createDoubts();
  #link: Link | undefined;

  constructor(options: BullMqDriverOptions) {
    this.#options = options;
  }

  get capabilities() {
    return { wakes: this.#link?.subscribed ?? false };
  }

  async start(): Promise<void> {
    const link = this.#openLink();
    this.#link = link;
    try {
      await link.open();
    } catch (error) {
      link.close();
      if (this.#link === link) this.#link = undefined;
      throw error;
    }
  }

  stop(): Promise<void> {
    this.#hints.close();
    this.#link?.close();
    this.#link = undefined;
    return Promise.resolve();
  }

  async rebuild(): Promise<void> {
    const old = this.#link;
    if (old === undefined) return;
    const link = this.#openLink();
    try {
      await link.open();
    } finally {
      // Also when that failed: the new connections go on trying. Unless somebody was faster, or stopped the engine.
      if (this.#link === old) this.#link = link;
      else link.close();
      old.close();
    }
  }

  health(): Health {
    if (this.#link === undefined) return { status: 'down', reason: 'the queue engine is not started' };
    if (!this.#link.connected)
      return { status: 'degraded', reason: 'Redis does not answer; the connection is being made' };
    return { status: 'ok' };
  }

  info(): Promise<string> {
    return this.#on((link) => link.info());
  }

  async add(...[jobs, options]: Verb<'add'>): Promise<readonly string[]> {
    if (options?.tx === undefined) return await this.#on((link) => addJobs(link, jobs));
    this.#afterCommit('add', jobs.length, options, (link) => addJobs(link, jobs));
    return jobs.map(({ id }) => id);
  }

  async claim(...[request]: Verb<'claim'>) {
    return await this.#on(async (link) => {
      await this.#giveBackDoubted(link);
      return await claimJobs(link, request, this.#doubts);
    });
  }

  exchange(...[settlements, next]: Verb<'exchange'>) {
    const workerId = next?.workerId ?? '';
    return this.#on((link) => exchangeJobs({ link, workerId, doubts: this.#doubts }, settlements, next));
  }

  complete(...[settlements, options]: Verb<'complete'>): Promise<void> {
    return this.#settling('complete', settlements.length, options, (link) => settleAll(link, settlements));
  }

  putBack(...[items, options]: Verb<'putBack'>): Promise<void> {
    return this.#settling('putBack', items.length, options, (link) => putBackAll(link, items));
  }

  bury(...[burials, options]: Verb<'bury'>): Promise<void> {
    return this.#settling('bury', burials.length, options, (link) => buryAll(link, burials));
  }

  remove(...[refs]: Verb<'remove'>): Promise<readonly string[]> {
    return this.#on((link) => removeJobs(link, refs));
  }

  forget(...[filter]: Verb<'forget'>): Promise<readonly string[]> {
    return this.#on((link) => forgetJobs(link, filter));
  }

  missing(...[refs]: Verb<'missing'>): Promise<readonly string[]> {
    return this.#on((link) => missingJobs(link, refs));
  }

  heldBy(...[workerIds, limit]: Verb<'heldBy'>) {
    return this.#on((link) => claimsHeldBy(link, QUEUES, workerIds, limit));
  }

  epoch(): Promise<string> {
    return this.#on(async (link) => String(await link.run('epoch', [EPOCH_KEY], [randomUUID()])));
  }

  counts(...[queue]: Verb<'counts'>) {
    return this.#on((link) => countStates(link, queue));
  }

  oldestDue(...[queue]: Verb<'oldestDue'>) {
    return this.#on((link) => oldestDue(link, queue));
  }

  list(...[filter]: Verb<'list'>) {
    return this.#on((link) => listRecords(link, filter));
  }

  get(...[id]: Verb<'get'>) {
    return this.#on((link) => findRecord(link, id));
  }

  onWake(...[listener]: Verb<'onWake'>): () => void {
    return this.#hints.onWake(listener);
  }

  async wake(...[reason, options]: Verb<'wake'>): Promise<void> {
    await this.#settling('wake', 1, options, (link) => link.publish(reason));
    // Without a subscription this process can at least wake itself.
    if (!this.capabilities.wakes) this.#hints.give(reason);
  }

  maintain(...[signal]: Verb<'maintain'>): Promise<void> {
    return this.#on((link) => keepBounds(link, signal));
  }

  #openLink(): Link {
    const { url, allowEviction = false, log } = this.#options;
    return new Link({ url, allowEviction, log, hints: this.#hints });
  }

  async #giveBackDoubted(link: Link): Promise<void> {
    const doubts = this.#doubts.due(Date.now());
    const queues = new Set(doubts.map(({ queue }) => queue));
    for (const queue of queues) {
      const those = doubts.filter((doubt) => doubt.queue === queue);
      const tokens = those.map(({ token }) => token);
      await link.run('release', keysOf(queue), [baseOf(queue), Date.now(), JSON.stringify(tokens)]);
      this.#doubts.lookedAt(those, Date.now());
    }
  }

  async #on<T>(work: (link: Link) => Promise<T>): Promise<T> {
    if (this.#link === undefined) throw new AppError('queue.engine_failed', 'expected a started queue engine');
    try {
      return await work(this.#link);
    } catch (error) {
      throw toEngineError(error);
    }
  }

  async #settling(
    verb: string,
    jobs: number,
    options: EngineOptions | undefined,
    work: (link: Link) => Promise<unknown>,
  ): Promise<void> {
    if (jobs === 0) return;
    if (options?.tx === undefined) await this.#on(work);
    else this.#afterCommit(verb, jobs, options, work);
  }

  #afterCommit(verb: string, jobs: number, { tx }: EngineOptions, work: (link: Link) => Promise<unknown>): void {
    tx?.afterCommit(async () => {
      try {
        await this.#on(work);
      } catch (error) {
        this.#options.log.emit('engine.deferred', { verb, jobs, error });
      }
    });
  }
}

/** The engine `bullmq`. Its `start` throws `config.invalid` for a Redis that will not do, else `queue.engine_failed`. */
export function createBullMqDriver(options: BullMqDriverOptions): EngineDriver {
  return new BullMqDriver(options);
}
