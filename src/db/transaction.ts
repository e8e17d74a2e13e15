// An open transaction: statements, savepoints, and effects that wait for the commit.

import type { PoolClient } from 'pg';
import { AppError } from '../core/errors.ts';
import { toDatabaseError } from './errors.ts';
import { ident } from './sql.ts';

export interface QueryResult<R> {
  readonly rows: R[];
  readonly rowCount: number | null;
}

export interface Queryable {
  /** Runs one statement. Throws AppError `db.*`; the driver's error is the cause. */
  query<R = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<QueryResult<R>>;
}

/** An open transaction. */
export interface Tx extends Queryable {
  /** Runs `work` under a savepoint: when it throws, what it wrote is undone and the transaction stays usable. */
  savepoint<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Runs `work` once this transaction has committed, before `tx` answers; never when it rolls back. For effects outside of
   * Postgres that somebody makes up for when they are lost: `work` handles its own failures.
   */
  afterCommit(work: () => Promise<void>): void;
}

type PgResult = Pick<QueryResult<unknown>, 'rows' | 'rowCount'>;

/** One statement on one connection; every failure leaves as AppError. */
export async function send<R>(client: PoolClient, text: string, values?: readonly unknown[]): Promise<QueryResult<R>> {
  try {
    const result: PgResult | readonly PgResult[] = await client.query(text, values as unknown[] | undefined);
    // Several statements in one text (pg-boss's maintenance) answer several results.
    if (!Array.isArray(result)) return result as QueryResult<R>;
    return { rows: (result as readonly PgResult[]).flatMap(({ rows }) => rows as R[]), rowCount: null };
  } catch (error) {
    throw toDatabaseError(error);
  }
}

/** Postgres answers the commit of a failed transaction with a rollback, and no error. */
export async function commit(client: PoolClient): Promise<void> {
  const { command } = (await send(client, 'commit')) as QueryResult<unknown> & { readonly command?: string };
  if (command === 'ROLLBACK')
    throw new AppError('db.query_failed', 'expected a commit, got a rollback: a statement had failed before it');
}

export type Deferred = () => Promise<void>;

/** `deferred` collects what is to happen after the commit, in order. */
export function transactionOn(client: PoolClient, deferred: Deferred[]): Tx {
  let savepoints = 0;
  return {
    query: (text, values) => send(client, text, values),
    afterCommit: (work) => void deferred.push(work),
    async savepoint(work) {
      const name = ident(`s${++savepoints}`);
      const before = deferred.length;
      await send(client, `savepoint ${name}`);
      try {
        const result = await work();
        await send(client, `release savepoint ${name}`);
        return result;
      } catch (error) {
        deferred.length = before;
        await send(client, `rollback to savepoint ${name}; release savepoint ${name}`);
        throw error;
      }
    },
  };
}
