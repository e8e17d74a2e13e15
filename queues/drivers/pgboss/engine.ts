// pg-boss itself, on connections of ours: schema check at start, and, in the one process that supervises, its maintenance.
// Its own workers, schedules and retries are never used.

import { PgBoss, type ConstructorOptions } from 'pg-boss';
import { AppError } from '../../../src/core/errors.ts';
import type { Queryable } from '../../../src/db/database.ts';
import type { EventLog } from '../../../src/telemetry/event-log.ts';

export const PGBOSS_SCHEMA = 'pgboss';

/** Our database as pg-boss wants it. Every statement takes the role of the pool, like any other of ours. */
export function adapt(db: Queryable): NonNullable<ConstructorOptions['db']> {
  return { executeSql: (text, values) => db.query(text, values) };
}

export interface PgBossOptions {
  readonly db: Queryable;
  /** Runs expiry and retention; one process of an installation is enough, two are safe. */
  readonly supervise: boolean;
  readonly log: EventLog;
  /** Told of each failure inside pg-boss, so that health can show it. */
  readonly onError?: (error: unknown) => void;
  /** Overrides for the owner's installation and for tests of maintenance. */
  readonly overrides?: Partial<ConstructorOptions>;
}

export function createPgBoss({ db, supervise, log, onError, overrides }: PgBossOptions): PgBoss {
  const boss = new PgBoss({
    db: adapt(db),
    schema: PGBOSS_SCHEMA,
    migrate: false,
    createSchema: false,
    schedule: false,
    supervise,
    // Rebuilding indexes needs their owner; runtime roles are not.
    reindex: false,
    ...overrides,
  });
  // Before anything else: an `error` event without a listener ends the process.
  boss.on('error', (error: unknown) => {
    onError?.(error);
    log.emit('loop.failed', { part: 'pgboss', error });
  });
  boss.on('warning', ({ message }: { message: string }) => log.emit('engine.warning', { message }));
  return boss;
}

export async function startPgBoss(boss: PgBoss): Promise<void> {
  try {
    await boss.start();
  } catch (error) {
    if (error instanceof AppError && error.kind === 'transient') throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError(
      'migration.pending',
      `expected the queue engine's schema of this release, but ${reason}: run migrate`,
      {
        cause: error,
      },
    );
  }
}
