// The engine on Postgres: every verb joins the caller's transaction, so ledger and engine never disagree.

import type { ConstructorOptions, PgBoss } from 'pg-boss';
import type { Secret } from '../../../src/core/secret.ts';
import type { Database, Queryable } from '../../../src/db/database.ts';
import { createListener, type Listener } from '../../../src/db/listen.ts';
import type { Health } from '../../../src/lifecycle/service.ts';
import type { EventLog } from '../../../src/telemetry/event-log.ts';
import { deadLetterOf, QUEUES } from '../../catalog.ts';
import type {
  EngineClaim,
  EngineDriver,
  EngineJob,
  EngineOptions,
  EngineOutput,
  EngineRecord,
  EngineRef,
  HistoryState,
} from '../../driver.ts';
import { createPgBoss, startPgBoss } from './engine.ts';
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
const WAKE = `select pg_notify('${WAKE_CHANNEL}', '')`;

interface StoredData {
  readonly kind?: string;
  readonly payload?: unknown;
  readonly _tm?: EngineJob['meta'];
}

interface RecordRow {
  readonly id: string;
  readonly queue: string;
  readonly state: HistoryState;
  readonly data: StoredData | null;
  readonly output: EngineOutput | null;
  readonly created_on: Date;
  readonly started_on: Date | null;
  readonly completed_on: Date | null;
}

type BatchRow = Partial<EngineJob> &
  EngineRef & {
    readonly token?: number | null;
    readonly run_at?: Date;
    readonly state?: string;
    readonly output?: unknown;
  };

const attemptOf = (token: string | null): number | null => (token === null ? null : Number(token));

function toRecord(row: RecordRow): EngineRecord {
  const { id, queue, state, data, output, created_on, started_on, completed_on } = row;
  const meta = data?._tm ?? {
    userId: null,
    class: 1,
    priority: 0,
    maxAttempts: 1,
    createdAt: created_on.toISOString(),
  };
  return {
    id,
    queue,
    state,
    kind: data?.kind ?? 'unknown',
    payload: data?.payload,
    priority: meta.priority,
    meta,
    output,
    startedAt: started_on,
    finishedAt: completed_on,
  };
}

class PgBossDriver implements EngineDriver {
  readonly name = 'pgboss-engine';
  readonly #db: Database;
  readonly #boss: PgBoss;
  readonly #listener: Listener | undefined;
  readonly #listeners = new Set<() => void>();
  #started = false;

  constructor({ db, directUrl, supervise = false, log, overrides }: PgBossDriverOptions) {
    this.#db = db;
    this.#boss = createPgBoss({ db, supervise, log, ...(overrides === undefined ? {} : { overrides }) });
    if (directUrl === undefined) return;
    this.#listener = createListener({
      url: directUrl,
      channel: WAKE_CHANNEL,
      onNotify: () => this.#hint(),
      onConnectionLost: (error) => log.emit('db.connection_lost', { part: 'listen', error }),
    });
  }

  get capabilities() {
    return { transactional: true, wakes: this.#listener?.listening ?? false };
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

  async add(jobs: readonly EngineJob[], options?: EngineOptions): Promise<void> {
    await this.#batch(statements.ADD, jobs, options);
    if (jobs.length > 0) await this.wake(options);
  }

  async claim(queues: readonly string[], limit: number, options?: EngineOptions): Promise<readonly EngineClaim[]> {
    const { rows } = await this.#on(options).query<EngineRef & { token: string; data: StoredData | null }>(
      statements.CLAIM,
      [queues, limit],
    );
    return rows.map(({ id, queue, token, data }) => ({
      id,
      queue,
      token,
      kind: data?.kind ?? '',
      payload: data?.payload,
    }));
  }

  async complete(settlements: Parameters<EngineDriver['complete']>[0], options?: EngineOptions): Promise<void> {
    const rows = settlements.map(({ job, token, state, output }) => ({
      ...job,
      token: attemptOf(token),
      state,
      output,
    }));
    await this.#batch(statements.SETTLE, rows, options);
  }

  async putBack(items: Parameters<EngineDriver['putBack']>[0], options?: EngineOptions): Promise<void> {
    const rows = items.map(({ job, token, runAt }) => ({ ...job, token: attemptOf(token), run_at: runAt }));
    await this.#batch(statements.PUT_BACK, rows, options);
    if (items.length > 0) await this.wake(options);
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

  async remove(refs: readonly EngineRef[], options?: EngineOptions): Promise<readonly string[]> {
    return (await this.#batch<EngineRef>(statements.REMOVE, refs, options)).map(({ id }) => id);
  }

  async missing(refs: readonly EngineRef[], options?: EngineOptions): Promise<readonly string[]> {
    return (await this.#batch<EngineRef>(statements.MISSING, refs, options)).map(({ id }) => id);
  }

  async counts(queue: string): Promise<Readonly<Record<HistoryState, number>>> {
    const { rows } = await this.#db.query<Record<HistoryState, number>>(statements.COUNTS, [queue]);
    return rows[0] ?? { completed: 0, cancelled: 0, failed: 0 };
  }

  async list({
    queues,
    states,
    kind,
    userId,
    limit,
  }: Parameters<EngineDriver['list']>[0]): Promise<readonly EngineRecord[]> {
    const values = [queues ?? QUEUES, states, kind ?? null, userId ?? null, limit];
    return (await this.#db.query<RecordRow>(statements.LIST, values)).rows.map(toRecord);
  }

  async get(id: string): Promise<EngineRecord | null> {
    const names = [...QUEUES, ...QUEUES.map(deadLetterOf)];
    const { rows } = await this.#db.query<RecordRow>(statements.GET, [names, id]);
    return rows[0] === undefined ? null : toRecord(rows[0]);
  }

  onWake(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async wake(options?: EngineOptions): Promise<void> {
    await this.#on(options).query(WAKE);
    // Without LISTEN this process can at least wake itself; a transaction that has not committed is found by polling.
    if (!this.capabilities.wakes) this.#hint();
  }

  #hint(): void {
    for (const listener of this.#listeners) listener();
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
