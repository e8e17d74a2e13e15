// The engine on Postgres: every verb joins the caller's transaction, so ledger and engine never disagree.

import type { ConstructorOptions, PgBoss } from 'pg-boss';
import { AppError } from '../../../src/core/errors.ts';
import type { Secret } from '../../../src/core/secret.ts';
import type { Database, Queryable } from '../../../src/db/database.ts';
import { createListener, type Listener } from '../../../src/db/listen.ts';
import type { Health } from '../../../src/lifecycle/service.ts';
import type { EventLog } from '../../../src/telemetry/event-log.ts';
import { QUEUES } from '../../catalog.ts';
import {
  STRANDED_MS,
  WAKE_REASONS,
  type ClaimRequest,
  type EngineClaim,
  type EngineDriver,
  type EngineJob,
  type EngineOptions,
  type EngineRecord,
  type EngineRef,
  type EngineSettlement,
  type EngineState,
  type Exchanged,
  type PutBack,
  type RecordFilter,
  type WakeReason,
} from '../../driver.ts';
import { createPgBoss, startPgBoss } from './engine.ts';
import { countRecords, getRecord, isImplied, listRecords, toClaim, type ClaimRow } from './records.ts';
import * as statements from './sql.ts';

export interface PgBossDriverOptions {
  readonly db: Database;
  /** For LISTEN; without it new jobs are found by polling. */
  readonly directUrl?: Secret;
  /** Runs the engine's maintenance. Default false; true in the scheduler process. */
  readonly supervise?: boolean;
  readonly log: EventLog;
  /** For tests of maintenance only. */
  readonly overrides?: Partial<ConstructorOptions>;
}

const WAKE_CHANNEL = 'tidemark_jobs';
/** One notification a transaction, whatever the number of statements: Postgres folds equal ones. */
const WAKE = `select pg_notify('${WAKE_CHANNEL}', $1)`;
/** A key may be freed and taken between two statements; that often in a row it is something else. */
const KEYED_ATTEMPTS = 5;

type BatchRow = Partial<PutBack['job']> &
  EngineRef & {
    readonly token?: number | null;
    readonly run_at?: Date | undefined;
    readonly state?: string;
    readonly output?: unknown;
  };

const attemptOf = (token: string | null): number | null => (token === null ? null : Number(token));

function toRow({ job, token, state, output }: EngineSettlement): BatchRow {
  return { ...job, token: attemptOf(token), state, output };
}

const isKeyed = ({ meta }: EngineJob): boolean => meta.uniqueKey !== null;

class PgBossDriver implements EngineDriver {
  readonly name = 'pgboss-engine';
  readonly engine = 'pgboss';
  readonly #db: Database;
  readonly #boss: PgBoss;
  readonly #listener: Listener | undefined;
  readonly #listeners = new Set<(reason: WakeReason) => void>();
  #started = false;

  constructor({ db, directUrl, supervise = false, log, overrides }: PgBossDriverOptions) {
    this.#db = db;
    this.#boss = createPgBoss({ db, supervise, log, ...(overrides === undefined ? {} : { overrides }) });
    if (directUrl === undefined) return;
    this.#listener = createListener({
      url: directUrl,
      channel: WAKE_CHANNEL,
      onNotify: (payload) => this.#hear(payload),
      onConnectionLost: (error) => log.emit('db.connection_lost', { part: 'listen', error }),
    });
  }

  get capabilities() {
    return { wakes: this.#listener?.listening ?? false };
  }

  async start(): Promise<void> {
    await startPgBoss(this.#boss);
    await this.#listener?.start();
    this.#started = true;
  }

  async stop(): Promise<void> {
    if (!this.#started) return;
    this.#started = false;
    await this.#listener?.stop();
    await this.#boss.stop({ graceful: false });
  }

  health(): Health {
    if (!this.#started) return { status: 'down', reason: 'the queue engine is not started' };
    return { status: 'ok' };
  }

  async add(
    jobs: readonly (EngineJob & { readonly runAt?: Date })[],
    options?: EngineOptions,
  ): Promise<readonly string[]> {
    if (jobs.length === 0) return [];
    const rows = jobs.map(({ runAt, ...job }) => (runAt === undefined ? job : { ...job, run_at: runAt }));
    const free = rows.filter((row) => !isKeyed(row));
    await this.#batch(statements.ADD, free, options);
    const holders = await this.#addKeyed(rows.filter(isKeyed), options);
    await this.wake('jobs', options);
    return jobs.map(({ id }) => holders.get(id) ?? id);
  }

  async claim({ workerId, queues, limit }: ClaimRequest): Promise<readonly EngineClaim[]> {
    const values = [queues.map(({ name }) => name), queues.map((queue) => queue.limit), limit, workerId];
    const { rows } = await this.#db.query<ClaimRow>(statements.CLAIM, values);
    return rows.map(toClaim);
  }

  async complete(settlements: readonly EngineSettlement[], options?: EngineOptions): Promise<void> {
    await this.#batch(statements.SETTLE, settlements.map(toRow), options);
  }

  /** Claims nothing: the worker's next claim is on its way while this one is written. What is stored is only named. */
  async exchange(settlements: readonly EngineSettlement[]): Promise<Exchanged> {
    const held = settlements.map(({ job: { id, queue }, token, state, output }) => {
      return { id, queue, token: attemptOf(token), state, output: isImplied(output) ? undefined : output };
    });
    const rows = await this.#batch<EngineRef>(statements.SETTLE_HELD, held, undefined);
    return { settled: new Set(rows.map(({ id }) => id)), claims: [] };
  }

  async putBack(items: Parameters<EngineDriver['putBack']>[0], options?: EngineOptions): Promise<void> {
    const rows = items.map(({ job, token, runAt }) => ({ ...job, token: attemptOf(token), run_at: runAt }));
    await this.#batch(statements.PUT_BACK, rows, options);
    if (items.length > 0) await this.wake('jobs', options);
  }

  async bury(burials: Parameters<EngineDriver['bury']>[0], options?: EngineOptions): Promise<void> {
    const rows = burials.map(({ job, token, output }) => ({
      ...job,
      token: attemptOf(token),
      state: 'failed',
      output,
    }));
    await this.#batch(statements.SETTLE, rows, options);
    await this.#batch(statements.COPY_TO_DEAD_LETTER, rows, options);
  }

  async remove(refs: readonly EngineRef[]): Promise<readonly string[]> {
    return (await this.#batch<EngineRef>(statements.REMOVE, refs, undefined)).map(({ id }) => id);
  }

  async missing(refs: readonly EngineRef[], options?: EngineOptions): Promise<readonly string[]> {
    if (refs.length === 0) return [];
    const values = [JSON.stringify(refs.map(({ id, queue }) => ({ id, queue }))), STRANDED_MS];
    return (await this.#on(options).query<EngineRef>(statements.MISSING, values)).rows.map(({ id }) => id);
  }

  async heldBy(workerIds: readonly string[], limit: number): Promise<readonly EngineClaim[]> {
    const { rows } = await this.#db.query<ClaimRow>(statements.HELD_BY, [QUEUES, workerIds, limit]);
    return rows.map(toClaim);
  }

  /** Its jobs lie in the ledger's own database: what one loses, the other loses. */
  epoch(): Promise<string> {
    return Promise.resolve('postgres');
  }

  counts(queue: string): Promise<Readonly<Record<EngineState, number>>> {
    return countRecords(this.#db, queue);
  }

  list(filter: RecordFilter): Promise<readonly EngineRecord[]> {
    return listRecords(this.#db, filter);
  }

  get(id: string): Promise<EngineRecord | null> {
    return getRecord(this.#db, id);
  }

  onWake(listener: (reason: WakeReason) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async wake(reason: WakeReason, options?: EngineOptions): Promise<void> {
    await this.#on(options).query(WAKE, [reason]);
    // Without LISTEN this process can at least wake itself; a transaction that has not committed is found by polling.
    if (!this.capabilities.wakes) this.#hint(reason);
  }

  /** pg-boss maintains itself where it supervises. */
  maintain(): Promise<void> {
    return Promise.resolve();
  }

  /** The pool replaces broken connections by itself; only the subscription can be renewed. */
  async rebuild(): Promise<void> {
    this.#listener?.reconnect();
  }

  /** Adds jobs with unique keys; answers who holds the keys of those that were not added. */
  async #addKeyed(rows: readonly BatchRow[], options: EngineOptions | undefined): Promise<Map<string, string>> {
    const holders = new Map<string, string>();
    let open = rows;
    for (let attempt = 0; open.length > 0 && attempt < KEYED_ATTEMPTS; attempt++) {
      const added = new Set((await this.#batch<EngineRef>(statements.ADD_KEYED, open, options)).map(({ id }) => id));
      open = open.filter(({ id }) => !added.has(id));
      const found = await this.#batch<{ id: string; holder: string }>(statements.HOLDERS, open, options);
      for (const { id, holder } of found) holders.set(id, holder);
      open = open.filter(({ id }) => !holders.has(id));
      await this.#batch(statements.FORGET_FINISHED, open, options);
    }
    if (open.length > 0)
      throw new AppError('queue.engine_failed', 'unique keys stay taken by jobs that cannot be seen');
    return holders;
  }

  /** After a reconnect nobody knows what was missed. */
  #hear(payload: string): void {
    const told = WAKE_REASONS.filter((reason) => reason === payload);
    for (const reason of told.length > 0 ? told : WAKE_REASONS) this.#hint(reason);
  }

  #hint(reason: WakeReason): void {
    for (const listener of this.#listeners) listener(reason);
  }

  #on(options: EngineOptions | undefined): Queryable {
    return options?.tx ?? this.#db;
  }

  async #batch<R>(text: string, rows: readonly BatchRow[], options: EngineOptions | undefined): Promise<R[]> {
    if (rows.length === 0) return [];
    return (await this.#on(options).query<R>(text, [JSON.stringify(rows)])).rows;
  }
}

/** The engine `pgboss`. Its `start` throws `migration.pending` when the schema is missing or of another release. */
export function createPgBossDriver(options: PgBossDriverOptions): EngineDriver {
  return new PgBossDriver(options);
}
