// The engine on Postgres: every verb joins the caller's transaction, so ledger and engine never disagree.

import type { ConstructorOptions, PgBoss } from 'pg-boss';
import { isUuid } from '../../../src/core/ids.ts';
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
  type ForgetFilter,
  type RecordFilter,
  type WakeReason,
} from '../../driver.ts';
import { createHints, wakeText } from '../../hints.ts';
import { createPgBoss, startPgBoss } from './engine.ts';
import { addKeyed, type Batch, type BatchRow } from './keyed.ts';
import { countRecords, getRecord, isImplied, listRecords, oldestDue, toClaim, type ClaimRow } from './records.ts';
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
  readonly #hints = createHints();
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
      onPooled: () => log.emit('db.listen_pooled'),
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
    this.#hints.close();
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
    const batch: Batch = (text, of) => this.#batch(text, of, options);
    const holders = await addKeyed(rows.filter(isKeyed), batch);
    await this.#announce(
      jobs.flatMap(({ runAt }) => runAt ?? []),
      options,
    );
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
    if (items.length === 0) return;
    await this.#announce(
      items.map(({ runAt }) => runAt),
      options,
    );
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

  async forget({ queue, states, before, ids, limit }: ForgetFilter): Promise<readonly string[]> {
    const values = [queue, states, before, ids?.filter(isUuid) ?? null, limit];
    return (await this.#db.query<EngineRef>(statements.FORGET, values)).rows.map(({ id }) => id);
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

  oldestDue(queue: string): Promise<Date | null> {
    return oldestDue(this.#db, queue);
  }

  list(filter: RecordFilter): Promise<readonly EngineRecord[]> {
    return listRecords(this.#db, filter);
  }

  get(id: string): Promise<EngineRecord | null> {
    return getRecord(this.#db, id);
  }

  onWake(listener: (reason: WakeReason) => void): () => void {
    return this.#hints.onWake(listener);
  }

  async wake(reason: WakeReason, options?: EngineOptions): Promise<void> {
    await this.#send(wakeText(reason), options);
  }

  /** pg-boss maintains itself where it supervises. */
  maintain(): Promise<void> {
    return Promise.resolve();
  }

  /** The pool replaces broken connections by itself; only the subscription can be renewed. */
  async rebuild(): Promise<void> {
    this.#listener?.reconnect();
  }

  /** After a reconnect nobody knows what was missed. */
  #hear(payload: string): void {
    if (!this.#hints.hear(payload)) for (const reason of WAKE_REASONS) this.#hints.give(reason);
  }

  /** There are jobs now, or at these times. */
  async #announce(dueAt: readonly Date[], options: EngineOptions | undefined): Promise<void> {
    await this.#send(wakeText('jobs', dueAt), options);
  }

  async #send(text: string, options: EngineOptions | undefined): Promise<void> {
    await this.#on(options).query(WAKE, [text]);
    // Without LISTEN this process can at least wake itself; a transaction that has not committed is found by polling.
    if (!this.capabilities.wakes) this.#hints.hear(text);
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
