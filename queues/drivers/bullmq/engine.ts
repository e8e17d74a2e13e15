// Connections to Redis, in two profiles, and what they must find there. Commands fail fast, so that a producer never hangs
// on a Redis that is away, and none is sent twice. The subscriber waits for as long as it takes.

import { RedisConnection, RedisQueueBackend, QueueKeys } from 'bullmq';
import { Cluster, Redis, type CommonRedisOptions } from 'ioredis';
import { abortable } from '../../../src/core/async.ts';
import { DAY_MS } from '../../../src/core/duration.ts';
import type { Secret } from '../../../src/core/secret.ts';
import type { EventLog } from '../../../src/telemetry/event-log.ts';
import { WAKE_REASONS, type WakeReason } from '../../driver.ts';
import type { Hints } from '../../hints.ts';
import { toConnectError, toEngineError } from './errors.ts';
import { PREFIX, WAKE_CHANNEL } from './layout.ts';
import { LOOKS } from './looks.ts';
import { checkServer } from './preflight.ts';
import { parseRedisUrl, type RedisTarget } from './redis-url.ts';
import { SCRIPTS } from './scripts.ts';

type Client = Redis | Cluster;
type ScriptName = keyof typeof SCRIPTS | keyof typeof LOOKS;
type Scripted = Readonly<Record<string, (...args: (string | number)[]) => Promise<unknown>>>;

/** A claim is fenced by its token for this long; takeovers are decided by the ledger long before. */
export const LOCK_MS = DAY_MS;
const CONNECT_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 3_000;
/** A server that stands still accepts connections and never answers. */
const OPEN_TIMEOUT_MS = 8_000;
const RETRY_CAP_MS = 2_000;

const retryDelayMs = (attempt: number): number =>
  Math.min(RETRY_CAP_MS, 50 * 2 ** Math.min(attempt, 10)) + Math.random() * 100;

const COMMON: CommonRedisOptions = {
  lazyConnect: true,
  connectTimeout: CONNECT_TIMEOUT_MS,
  retryStrategy: retryDelayMs,
};
const PROFILES = {
  /**
   * Fails at once without a connection. A command that was on its way when the connection broke may have been executed: it
   * fails too, and is never sent again.
   */
  commands: {
    ...COMMON,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
  },
  subscriber: { ...COMMON, maxRetriesPerRequest: null },
} as const satisfies Record<string, CommonRedisOptions>;

export function openClient(target: RedisTarget, profile: keyof typeof PROFILES): Client {
  const { username, password } = target;
  const login = { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) };
  const options = { ...PROFILES[profile], ...login, connectionName: `tidemark-${profile}` };
  if (target.kind === 'cluster') {
    return new Cluster([...target.nodes], {
      lazyConnect: true,
      enableOfflineQueue: profile === 'subscriber',
      // A command to a node that went away may have been executed there.
      retryDelayOnFailover: 0,
      clusterRetryStrategy: retryDelayMs,
      redisOptions: options,
    });
  }
  if (target.kind === 'sentinel') {
    return new Redis({ ...options, sentinels: [...target.nodes], name: target.master, db: target.db });
  }
  return new Redis({ ...options, ...target.node, db: target.db, ...(target.tls ? { tls: {} } : {}) });
}

/** Connects all of these, or gives up after a while. */
export async function connectAll(clients: readonly Client[]): Promise<void> {
  const connecting = Promise.all(clients.map((client) => client.connect()));
  try {
    await abortable(connecting, AbortSignal.timeout(OPEN_TIMEOUT_MS));
  } catch (error) {
    connecting.catch(() => undefined);
    throw error;
  }
}

/** The servers that keep something, each to be asked for itself. */
export function mastersOf(client: Client): readonly Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client];
}

export interface LinkOptions {
  readonly url: Secret;
  readonly allowEviction: boolean;
  readonly log: EventLog;
  /** Told of what comes in. */
  readonly hints: Hints;
}

/** One set of connections; `rebuild` throws it away for a new one. */
export class Link {
  readonly #commands: Client;
  readonly #subscriber: Client;
  readonly #engine: RedisConnection;
  readonly #options: LinkOptions;
  readonly #backends = new Map<string, RedisQueueBackend>();
  #subscribed = false;
  /** The newest error of a connection: the client itself only tells that it gave up. */
  #lastError: unknown;

  constructor(options: LinkOptions) {
    this.#options = options;
    const target = parseRedisUrl(options.url);
    this.#commands = this.#observe(openClient(target, 'commands'));
    this.#subscriber = this.#observe(openClient(target, 'subscriber'));
    for (const [name, lua] of Object.entries({ ...SCRIPTS, ...LOOKS })) {
      this.#commands.defineCommand(`tidemark:${name}`, { lua });
    }
    // Neither waits nor asks: `open` has done both.
    const quiet = { shared: true, blocking: false, skipVersionCheck: true, skipWaitingForReady: true };
    this.#engine = new RedisConnection(this.#commands, quiet);
    this.#engine.on('error', () => undefined);
    this.#listen();
  }

  get subscribed(): boolean {
    return this.#subscribed;
  }

  get connected(): boolean {
    return this.#commands.status === 'ready';
  }

  /** Connects and looks whether this Redis will do. Throws `config.invalid` or `queue.engine_failed`. */
  async open(): Promise<void> {
    try {
      await connectAll([this.#commands, this.#subscriber]);
    } catch (error) {
      throw toConnectError(this.#lastError ?? error);
    }
    for (const facts of await this.#inspect()) checkServer(facts, this.#options.allowEviction);
  }

  close(): void {
    this.#subscribed = false;
    this.#commands.disconnect();
    this.#subscriber.disconnect();
  }

  /** One of our scripts, in one step on the server. */
  run(script: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const scripted = this.#commands as unknown as Scripted;
    return scripted[`tidemark:${script}`]!(keys.length, ...keys, ...args);
  }

  /** Of the first master. */
  async info(): Promise<string> {
    const [master] = mastersOf(this.#commands);
    return (await master?.info()) ?? '';
  }

  async publish(reason: WakeReason): Promise<void> {
    await this.#commands.publish(WAKE_CHANNEL, reason);
  }

  /** BullMQ's own verbs for one queue. */
  backend(queue: string): RedisQueueBackend {
    const known = this.#backends.get(queue);
    if (known !== undefined) return known;
    const keys = new QueueKeys(PREFIX);
    const options = { connection: this.#commands, prefix: PREFIX, lockDuration: LOCK_MS };
    const toKey = (type: string): string => keys.toKey(queue, type);
    const backend = new RedisQueueBackend(this.#engine, queue, keys.getKeys(queue), toKey, options, undefined, false);
    this.#backends.set(queue, backend);
    return backend;
  }

  /** An error event that nobody hears ends the process; one line tells of an outage, not one per attempt. */
  #observe(client: Client): Client {
    let isLost = false;
    client.on('error', (error: unknown) => {
      this.#lastError = error;
      if (isLost) return;
      isLost = true;
      this.#options.log.emit('engine.connection_lost', { error: toEngineError(error) });
    });
    client.on('ready', () => (isLost = false));
    return client;
  }

  /** Hints again after every subscription: what was said in between was not heard. */
  #listen(): void {
    const { hints } = this.#options;
    const client = this.#subscriber;
    const subscribe = async (): Promise<void> => {
      await client.subscribe(WAKE_CHANNEL);
      this.#subscribed = true;
      for (const reason of WAKE_REASONS) hints.give(reason);
    };
    // A subscription that fails ends with its connection, and the next one subscribes anew.
    client.on('ready', () => void subscribe().catch((error: unknown) => (this.#lastError = error)));
    client.on('close', () => (this.#subscribed = false));
    client.on('message', (_channel: string, text: string) => void hints.hear(text));
  }

  async #inspect(): Promise<readonly string[]> {
    try {
      return await Promise.all(mastersOf(this.#commands).map((node) => node.info()));
    } catch (error) {
      throw toConnectError(error);
    }
  }
}
