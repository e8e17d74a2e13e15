// LISTEN on a connection of its own, because a pooled one cannot hold a subscription. It reconnects for ever and says so:
// what was announced meanwhile is lost, so a listener treats every notification, and every reconnect, as a hint only. Behind a
// pooler it listens to nothing, and says that once.

import { Client } from 'pg';
import { backoffMs } from '../core/backoff.ts';
import { sleep } from '../core/async.ts';
import type { Secret } from '../core/secret.ts';
import type { AppError } from '../core/errors.ts';
import { toDatabaseError } from './errors.ts';
import { isPooled } from './pooler.ts';
import { ident } from './sql.ts';

export interface ListenerOptions {
  /** A direct connection: LISTEN does not work behind a pooler in transaction mode. */
  readonly url: Secret;
  readonly channel: string;
  /** Called for every notification, and with an empty payload after each (re)connect. */
  readonly onNotify: (payload: string) => void;
  readonly onConnectionLost?: (error: AppError) => void;
  /** The address leads through a pooler, where a subscription would be lost without a word: there will be none. */
  readonly onPooled?: () => void;
}

export interface Listener {
  /** Returns at once; the subscription stands when `listening` says so. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Throws the connection away and makes a new one. */
  reconnect(): void;
  /** True while the subscription stands. */
  readonly listening: boolean;
}

const RECONNECT = { baseMs: 100, capMs: 5_000 };
/** A peer that vanished without a word is noticed by this query at the latest. */
const HEARTBEAT_MS = 10_000;

class PgListener implements Listener {
  readonly #options: ListenerOptions;
  readonly #stopping = new AbortController();
  #client: Client | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  get listening(): boolean {
    return this.#client !== undefined;
  }

  start(): Promise<void> {
    this.#loop ??= this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  reconnect(): void {
    void this.#client?.end().catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { onNotify, onConnectionLost, onPooled } = this.#options;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        this.#client = await this.#subscribe();
        if (this.#client === undefined) return onPooled?.();
        failures = 1;
        onNotify('');
        const error = await this.#untilLost(this.#client);
        if (!signal.aborted) onConnectionLost?.(toDatabaseError(error));
      } catch (error) {
        onConnectionLost?.(toDatabaseError(error));
      } finally {
        await this.#client?.end().catch(() => undefined);
        this.#client = undefined;
      }
      await sleep(backoffMs(RECONNECT, failures, Math.random()), signal).catch(() => undefined);
    }
  }

  /** Undefined behind a pooler: a LISTEN would stay with one of its connections, and reach whoever gets that next. */
  async #subscribe(): Promise<Client | undefined> {
    const { url, channel, onNotify } = this.#options;
    const client = new Client({ connectionString: url.reveal(), keepAlive: true, application_name: 'tidemark_listen' });
    // The loss is seen by whoever waits for it; without a listener it would end the process.
    client.on('error', () => undefined);
    try {
      await client.connect();
      if (await isPooled(client)) {
        await client.end();
        return undefined;
      }
      client.on('notification', ({ payload }) => onNotify(payload ?? ''));
      await client.query(`listen ${ident(channel)}`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    return client;
  }

  /** Resolves when the connection is gone, by error, by end, by a heartbeat that failed, or because we stop. */
  async #untilLost(client: Client): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    client.once('error', resolve);
    client.once('end', () => resolve(new Error('connection ended')));
    const heartbeat = setInterval(() => void client.query('select 1').catch(resolve), HEARTBEAT_MS);
    const onStop = (): void => resolve(undefined);
    this.#stopping.signal.addEventListener('abort', onStop, { once: true });
    if (this.#stopping.signal.aborted) onStop();
    try {
      return await promise;
    } finally {
      clearInterval(heartbeat);
      this.#stopping.signal.removeEventListener('abort', onStop);
    }
  }
}

export function createListener(options: ListenerOptions): Listener {
  return new PgListener(options);
}
