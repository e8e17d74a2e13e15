// The governor that every worker shares: buckets are rows of `rate_buckets`, each change is one statement, and time is
// the database's. It never keeps bucket state in the process, so any number of workers agree.

import { AppError } from '../core/errors.ts';
import type { WorkClass } from '../core/work-class.ts';
import type { Queryable } from '../db/database.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { hintsOf, parkMsOf, toDemands, type Demand } from './bucket.ts';
import * as sql from './bucket-sql.ts';
import { dayLimit, intervalMs, slackMs, toleranceMs } from './gcra.ts';
import { type BucketCharge, type Governor, type Grant, type Lesson } from './governor.ts';

export interface PostgresGovernorDeps {
  readonly database: Queryable;
  readonly log: EventLog;
  /** Replaces the database's clock; for tests that turn the clock themselves. */
  readonly now?: () => Date;
}

type Bucket = Pick<BucketCharge, 'rule' | 'key'>;

interface TakeRow {
  readonly missing: string;
  readonly wait_ms: number | null;
  readonly reason: Extract<Grant, { granted: false }>['reason'] | null;
}

/** Throws `db.*` when the database does not answer; a full bucket is an answer, not an error. */
export function createPostgresGovernor(deps: PostgresGovernorDeps): Governor {
  return new PostgresGovernor(deps);
}

class PostgresGovernor implements Governor {
  readonly #deps: PostgresGovernorDeps;

  constructor(deps: PostgresGovernorDeps) {
    this.#deps = deps;
  }

  async take(charges: readonly BucketCharge[], workClass: WorkClass): Promise<Grant> {
    const demands = toDemands(charges);
    if (demands.length === 0) return { granted: true, waitMs: 0 };
    const first = await this.#takeOnce(demands, workClass);
    if (first !== 'missing') return first;
    await this.#insert(demands);
    const second = await this.#takeOnce(demands, workClass);
    if (second === 'missing') throw new AppError('internal', 'expected the buckets just inserted, found fewer');
    return second;
  }

  async settle(charge: BucketCharge, actual: number): Promise<void> {
    const { rule, key, cost = 1 } = charge;
    const extra = actual - cost;
    if (extra === 0) return;
    await this.#change(charge, sql.SETTLE, [rule.id, key, extra, extra * intervalMs(rule), this.#nowMs()]);
  }

  async learn(lesson: Lesson): Promise<void> {
    switch (lesson.outcome) {
      case 'ok':
        return await this.#learnOk(lesson);
      case 'rate_limited':
        return await this.#learnRateLimited(lesson);
      case 'failed':
        return await this.#learnFailed(lesson);
    }
  }

  async park(charge: Bucket, until: Date): Promise<void> {
    await this.#change(charge, sql.PARK, [charge.rule.id, charge.key, until.getTime()]);
    this.#deps.log.emit('limits.parked', { rule: charge.rule.id, key: charge.key, until: until.toISOString() });
  }

  async #takeOnce(demands: readonly Demand[], workClass: WorkClass): Promise<Grant | 'missing'> {
    const { rows } = await this.#deps.database.query<TakeRow>(sql.TAKE, [
      demands.map(({ rule }) => rule.id),
      demands.map(({ key }) => key),
      demands.map(({ cost }) => cost),
      demands.map(({ rule, cost }) => cost * intervalMs(rule)),
      demands.map(({ rule, cost }) => slackMs(rule, cost, workClass)),
      demands.map(({ rule }) => dayLimit(rule, workClass)),
      this.#nowMs(),
    ]);
    const { missing, wait_ms: waitMs, reason } = rows[0]!;
    if (Number(missing) > 0 || waitMs === null || reason === null) return 'missing';
    return waitMs <= 0 ? { granted: true, waitMs: 0 } : { granted: false, waitMs: Math.ceil(waitMs), reason };
  }

  async #learnOk(lesson: Lesson): Promise<void> {
    const { aheadMs, parkMs, correction } = hintsOf(lesson);
    // No row to teach: then the bucket is full anyway, unless the platform said otherwise.
    const values = [
      lesson.rule.id,
      lesson.key,
      aheadMs,
      toleranceMs(lesson.rule),
      parkMs,
      correction.times,
      correction.haste,
      correction.plus,
      correction.most,
      intervalMs(lesson.rule),
      this.#nowMs(),
    ];
    await this.#deps.database.query(sql.LEARN_OK, values);
  }

  async #learnRateLimited(lesson: Lesson): Promise<void> {
    const { rule, key, retryAfterMs = parkMsOf(rule) } = lesson;
    const values = [rule.id, key, retryAfterMs, intervalMs(rule), rule.burst, this.#nowMs()];
    const row = await this.#change<{ was_parked: boolean; rate_factor: number }>(
      lesson,
      sql.LEARN_RATE_LIMITED,
      values,
    );
    if (row?.was_parked !== false) return;
    this.#deps.log.emit('limits.parked', { rule: rule.id, key, waitMs: retryAfterMs, rateFactor: row.rate_factor });
  }

  async #learnFailed({ rule, key }: Lesson): Promise<void> {
    if (rule.breaker === undefined) return;
    const { rows } = await this.#deps.database.query<{ opened: boolean; breaker_until: Date | null }>(
      sql.LEARN_FAILED,
      [rule.id, key, rule.breaker.failures, rule.breaker.openMs, this.#nowMs()],
    );
    if (rows[0]?.opened !== true) return;
    this.#deps.log.emit('limits.breaker_opened', { rule: rule.id, key, until: rows[0].breaker_until });
  }

  /** Runs a statement that changes one bucket; where there is none yet, makes it and runs the statement again. */
  async #change<R>(bucket: Bucket, text: string, values: readonly unknown[]): Promise<R | undefined> {
    const first = await this.#deps.database.query<R>(text, values);
    if (first.rowCount !== 0) return first.rows[0];
    await this.#insert([bucket]);
    return (await this.#deps.database.query<R>(text, values)).rows[0];
  }

  async #insert(buckets: readonly Bucket[]): Promise<void> {
    const ids = buckets.map(({ rule }) => rule.id);
    await this.#deps.database.query(sql.INSERT_BUCKETS, [ids, buckets.map(({ key }) => key)]);
  }

  #nowMs(): number | null {
    return this.#deps.now?.().getTime() ?? null;
  }
}
