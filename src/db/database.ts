// A pool for one database role, and transactions that know whose data they may see. The tenant of a transaction is set
// with `set local` only, in the same round trip as `begin`, so a pooled connection never carries it over.

import { escapeLiteral, Pool, types as defaultTypes, type CustomTypesConfig, type PoolClient } from 'pg';
import { AppError } from '../core/errors.ts';
import { backoffMs } from '../core/backoff.ts';
import { sleep } from '../core/async.ts';
import { isUuid } from '../core/ids.ts';
import type { Secret } from '../core/secret.ts';
import { isRetryable, toDatabaseError } from './errors.ts';
import { ident } from './sql.ts';
import {
  commit,
  send,
  transactionOn,
  type Deferred,
  type Queryable,
  type QueryResult,
  type Tx,
} from './transaction.ts';

export type { Queryable, QueryResult, Tx } from './transaction.ts';

export type DatabaseRole =
  | 'tidemark_owner'
  | 'tidemark_api'
  | 'tidemark_scheduler'
  | 'tidemark_worker'
  | 'tidemark_readonly'
  | 'tidemark_backup';

/** Who changes something, and why: what triggers write into `audit_logs` beside the role. */
export interface Actor {
  readonly tokenId: string | null;
  /** Of the token, or of the person at a command line. */
  readonly name: string;
  /** `createUser`, `users add`: the operation or command. */
  readonly action: string;
}

/**
 * Whose rows a transaction may see: nobody's (`none`), one user's (`user`), everybody's control-plane rows (`ops`),
 * or those of the user whose job a lease token stands for (`lease`).
 */
export type TxScope =
  | { readonly kind: 'none' }
  | { readonly kind: 'user'; readonly userId: string; readonly actor?: Actor }
  | { readonly kind: 'ops'; readonly actor?: Actor }
  | { readonly kind: 'lease'; readonly token: string; readonly idleTimeoutMs?: number };

export interface Database extends Queryable {
  readonly role: DatabaseRole;
  /** Runs `work` in a transaction; on a deadlock or serialization failure the whole of it again, at most 3 times. */
  tx<T>(scope: TxScope, work: (tx: Tx) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: Secret;
  readonly role: DatabaseRole;
  readonly poolSize: number;
  readonly applicationName?: string;
  /** Who changes something where the scope names nobody. */
  readonly actor?: Actor;
  /** Told of connections that broke while idle; such an error must never end the process. */
  readonly onConnectionLost?: (error: AppError) => void;
}

const DATE_OID = 1082;
const DATE_ARRAY_OID = 1182;
const TX_ATTEMPTS = 3;
/** Also the longest wait for a free connection of the pool. */
const CONNECT_TIMEOUT_MS = 30_000;
/**
 * A process that was stopped in a transaction holds its row locks for as long as it sleeps: the server ends such a
 * transaction, so that others get on. The owner's migrations have no such limit.
 */
const IDLE_TIMEOUT_MS = 3_000;
/** A transaction is retried by whoever opened it; nothing aborts that short wait. */
const NEVER = new AbortController().signal;
const TX_BACKOFF = { baseMs: 20, capMs: 500 };

/** Days stay `YYYY-MM-DD` text: a day belongs to a zone, and a `Date` would move it to this machine's. */
const types: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text') => {
    if (oid === DATE_OID) return (text: string) => text;
    if (oid === DATE_ARRAY_OID) return (text: string) => (text === '{}' ? [] : text.slice(1, -1).split(','));
    return defaultTypes.getTypeParser(oid, format) as (text: string) => unknown;
  }) as typeof defaultTypes.getTypeParser,
};

function setUuid(name: string, value: string): string {
  if (!isUuid(value)) throw new AppError('internal', `expected a UUID for ${name}`);
  return `set local ${name} = '${value}'`;
}

interface Login {
  readonly role: DatabaseRole;
  readonly actor: Actor | undefined;
}

function actorOf(scope: TxScope): Actor | undefined {
  return scope.kind === 'ops' || scope.kind === 'user' ? scope.actor : undefined;
}

function beginText(scope: TxScope, login: Login, assumedRole: DatabaseRole | undefined): string {
  const { role } = login;
  const actor = actorOf(scope) ?? login.actor;
  const statements = ['begin'];
  if (assumedRole !== undefined) statements.push(`set local role ${ident(assumedRole)}`);
  if (scope.kind === 'user') statements.push(setUuid('app.user_id', scope.userId));
  if (scope.kind === 'ops') statements.push(`set local app.scope = 'ops'`);
  if (actor !== undefined) statements.push(`set local app.actor = ${escapeLiteral(JSON.stringify(actor))}`);
  if (scope.kind === 'lease') statements.push(setUuid('app.lease_token', scope.token));
  const idleMs = Math.trunc(scope.kind === 'lease' ? (scope.idleTimeoutMs ?? IDLE_TIMEOUT_MS) : IDLE_TIMEOUT_MS);
  if (role !== 'tidemark_owner') statements.push(`set local idle_in_transaction_session_timeout = ${idleMs}`);
  return statements.join('; ');
}

class PooledDatabase implements Database {
  readonly role: DatabaseRole;
  readonly #pool: Pool;
  readonly #actor: Actor | undefined;
  /** The role to take in each transaction, when the login is another one (one login for everything). */
  #assumedRole: Promise<DatabaseRole | undefined> | undefined;

  constructor({ role, actor }: Login, pool: Pool) {
    this.role = role;
    this.#actor = actor;
    this.#pool = pool;
  }

  async tx<T>(scope: TxScope, work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; attempt < TX_ATTEMPTS; attempt++) {
      try {
        return await this.#txOnce(scope, work);
      } catch (error) {
        if (!isRetryable(error)) throw error;
        await sleep(backoffMs(TX_BACKOFF, attempt, Math.random()), NEVER);
      }
    }
    return await this.#txOnce(scope, work);
  }

  async query<R>(text: string, values?: readonly unknown[]): Promise<QueryResult<R>> {
    const client = await this.#connect();
    try {
      const isPlain = this.#actor === undefined && (await this.#findAssumedRole(client)) === undefined;
      if (isPlain) return await send<R>(client, text, values);
    } finally {
      client.release();
    }
    return await this.tx({ kind: 'none' }, (tx) => tx.query<R>(text, values));
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #txOnce<T>(scope: TxScope, work: (tx: Tx) => Promise<T>): Promise<T> {
    const deferred: Deferred[] = [];
    const result = await this.#commitOnce(scope, work, deferred);
    for (const effect of deferred) await effect();
    return result;
  }

  async #commitOnce<T>(scope: TxScope, work: (tx: Tx) => Promise<T>, deferred: Deferred[]): Promise<T> {
    const client = await this.#connect();
    let broken = false;
    try {
      const login = { role: this.role, actor: this.#actor };
      await send(client, beginText(scope, login, await this.#findAssumedRole(client)));
      const result = await work(transactionOn(client, deferred));
      await commit(client);
      return result;
    } catch (error) {
      // A connection that cannot even roll back is thrown away, not returned to the pool.
      await client.query('rollback').catch(() => (broken = true));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw toDatabaseError(error);
    }
  }

  /** The owner is whoever made the tables, under whatever name; `tidemark_owner` need not exist beside one login. */
  async #findAssumedRole(client: PoolClient): Promise<DatabaseRole | undefined> {
    if (this.role === 'tidemark_owner') return undefined;
    this.#assumedRole ??= send<{ login: string }>(client, 'select session_user::text as login').then(({ rows }) =>
      rows[0]?.login === this.role ? undefined : this.role,
    );
    try {
      return await this.#assumedRole;
    } catch (error) {
      this.#assumedRole = undefined;
      throw error;
    }
  }
}

/** Opens a pool lazily: nothing connects before the first statement. */
export function openDatabase(options: DatabaseOptions): Database {
  const { url, role, poolSize, applicationName, actor, onConnectionLost } = options;
  const pool = new Pool({
    connectionString: url.reveal(),
    max: poolSize,
    application_name: applicationName ?? role,
    // A network that swallows packets must become an error some day.
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    types,
  });
  const lost = (error: Error): void => onConnectionLost?.(toDatabaseError(error));
  pool.on('error', lost);
  // A connection in use has no listener of its own in the driver: without this one its loss would end the process.
  pool.on('connect', (client) => void client.on('error', lost));
  return new PooledDatabase({ role, actor }, pool);
}
