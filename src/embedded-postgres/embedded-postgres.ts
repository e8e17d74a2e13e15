// A real PostgreSQL 18 for machines where nobody set up a database. Started by whoever comes first, shared by all
// processes of the same data folder, stopped by the last one; it outlives a killed parent and is found again.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { systemClock, type Clock } from '../core/clock.ts';
import { AppError, isAbort } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { Health, Service } from '../lifecycle/service.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { attach, type Attachment } from './attachments.ts';
import { findBinaries, findPackage, readPackage } from './binaries.ts';
import { ensureCluster, type Cluster } from './cluster.ts';
import { withFolderLock } from './folder-lock.ts';
import { clusterFolderIn, prepareHome } from './home.ts';
import { inspectServer, isPostmasterOf, type Postmaster } from './pid-file.ts';
import { startPostmaster, stopPostmaster, type StartOptions } from './postmaster.ts';
import { prepareSocketFolder, removeSocketFolder } from './sockets.ts';

export interface EmbeddedPostgresOptions {
  /** Everything of the server is kept below this folder; where its user cannot get there, the folder names the place. */
  readonly dataDir: string;
  readonly log: EventLog;
  readonly clock?: Clock;
  /** Fixed TCP port on 127.0.0.1. Default: a free one, kept from start to start as long as it is free. */
  readonly port?: number;
  /** `fast` gives up durability for speed; for tests only. Default `safe`. */
  readonly durability?: 'safe' | 'fast';
  /** Folder of the npm package with the programs. Default: the one that is installed for this machine. */
  readonly packageFolder?: string;
  /** Where data goes that the server's user cannot reach in `dataDir`. Default `/var/lib/tidemark`. */
  readonly elsewhere?: string;
}

export interface EmbeddedPostgres extends Service {
  /** TCP port on 127.0.0.1, once started. */
  readonly port: number;
  /** Folder of the Unix socket, once started; open to root and to the server's user. */
  readonly socketFolder: string;
  /** For the bootstrap of roles and database only. */
  readonly superuserUrl: Secret;
  urlFor(role: string, password: Secret, database: string): Secret;
}

/** Crash recovery of a big write-ahead log takes its time. */
const START_PATIENCE_MS = 120_000;
const STOP_PATIENCE_MS = 30_000;
const LOCK_PATIENCE_MS = START_PATIENCE_MS + STOP_PATIENCE_MS;
const WATCH_MS = 500;
/** After a recovery that failed for good; each try is an error line for a person. */
const RECOVERY_PAUSE_MS = 10_000;
const NEVER = new AbortController().signal;

/** Statements and row values stay out of the server's log: they may be a tenant's. */
const SETTINGS = {
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
  shared_buffers: '128MB',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_checkpoints: 'off',
};
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

interface Running {
  readonly home: string;
  readonly cluster: Cluster;
  readonly attachment: Attachment;
  readonly startOptions: StartOptions;
  postmaster: Postmaster;
}

function lockOf(home: string, clock: Clock, signal: AbortSignal): Parameters<typeof withFolderLock>[0] {
  return { path: path.join(home, 'lock'), clock, timeoutMs: LOCK_PATIENCE_MS, signal };
}

function readPort(file: string): number | undefined {
  const port = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

/** Installs, initialises, starts or finds the server below `home`, as the holder of its lock. */
async function openHome(
  options: EmbeddedPostgresOptions,
  { folder: home, user, isElsewhere }: Awaited<ReturnType<typeof prepareHome>>,
  signal: AbortSignal,
): Promise<Running> {
  const { log, clock = systemClock, durability, packageFolder } = options;
  const installed = await (packageFolder === undefined ? findPackage() : readPackage(packageFolder));
  const attachment = await attach(home);
  try {
    const bin = await findBinaries(installed, path.join(home, 'runtime'), user);
    const cluster = await ensureCluster({ bin, home, user, sync: durability !== 'fast' });
    const portFile = path.join(home, 'port');
    const startOptions: StartOptions = {
      bin,
      dataFolder: cluster.dataFolder,
      socketFolder: await prepareSocketFolder(home, user),
      logFile: path.join(clusterFolderIn(home), 'postgres.log'),
      user,
      settings: { ...SETTINGS, ...(durability === 'fast' ? FAST : {}) },
      port: options.port ?? readPort(portFile),
      isPortFixed: options.port !== undefined,
      patienceMs: START_PATIENCE_MS,
      clock,
      signal,
    };
    const { how, ...postmaster } = await startPostmaster(startOptions);
    writeFileSync(portFile, `${postmaster.port}\n`);
    log.emit(`embedded_postgres.${how}`, {
      dataDir: options.dataDir,
      serverPid: postmaster.pid,
      port: postmaster.port,
      ...(isElsewhere ? { folder: home } : {}),
    });
    return { home, cluster, attachment, startOptions, postmaster };
  } catch (error) {
    await attachment.leave();
    throw error;
  }
}

class EmbeddedPostgresService implements EmbeddedPostgres {
  readonly name = 'embedded-postgres';
  readonly #options: EmbeddedPostgresOptions;
  readonly #clock: Clock;
  #stopping = new AbortController();
  #starting: Promise<Running> | undefined;
  #running: Running | undefined;
  #watch: NodeJS.Timeout | undefined;
  #recovery: Promise<void> | undefined;
  #pausedUntilMono = 0;

  constructor(options: EmbeddedPostgresOptions) {
    this.#options = { ...options, dataDir: path.resolve(options.dataDir) };
    this.#clock = options.clock ?? systemClock;
  }

  get port(): number {
    return this.#get().postmaster.port;
  }

  get socketFolder(): string {
    return this.#get().postmaster.socketFolder;
  }

  get superuserUrl(): Secret {
    return this.urlFor('postgres', this.#get().cluster.superuserPassword, 'postgres');
  }

  urlFor(role: string, password: Secret, database: string): Secret {
    const login = `${encodeURIComponent(role)}:${encodeURIComponent(password.reveal())}`;
    return new Secret(`postgresql://${login}@127.0.0.1:${this.port}/${encodeURIComponent(database)}`);
  }

  async start(): Promise<void> {
    this.#starting ??= this.#open();
    try {
      this.#running = await this.#starting;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
    // Does not keep a process alive that has nothing else to do.
    this.#watch ??= setInterval(() => this.#look(), WATCH_MS).unref();
  }

  async stop(): Promise<void> {
    const opened = this.#starting;
    if (opened === undefined) return;
    this.#starting = undefined;
    clearInterval(this.#watch);
    this.#watch = undefined;
    this.#stopping.abort();
    await this.#recovery;
    const running = await opened.catch(() => undefined);
    this.#stopping = new AbortController();
    this.#running = undefined;
    if (running === undefined) return;
    const { home, attachment, startOptions } = running;
    await withFolderLock(lockOf(home, this.#clock, NEVER), async () => {
      if (!(await attachment.leave())) return;
      await stopPostmaster(running.postmaster, STOP_PATIENCE_MS, this.#clock);
      await removeSocketFolder(startOptions.socketFolder, home);
      this.#options.log.emit('embedded_postgres.stopped', { dataDir: this.#options.dataDir });
    });
  }

  async health(): Promise<Health> {
    if (this.#running === undefined) return { status: 'down', reason: 'the embedded PostgreSQL is not started' };
    const { state } = await inspectServer(this.#running.cluster.dataFolder);
    return state === 'ready' ? { status: 'ok' } : { status: 'down', reason: `the embedded PostgreSQL is ${state}` };
  }

  #get(): Running {
    if (this.#running === undefined) throw new AppError('internal', 'the embedded PostgreSQL is not started');
    return this.#running;
  }

  async #open(): Promise<Running> {
    const { dataDir, elsewhere } = this.#options;
    const { signal } = this.#stopping;
    const home = await prepareHome(dataDir, elsewhere);
    return await withFolderLock(lockOf(home.folder, this.#clock, signal), () => openHome(this.#options, home, signal));
  }

  /** Whoever sees first that the server died starts it again; on its old port, because that is in everybody's URL. */
  #look(): void {
    const running = this.#running;
    if (running === undefined || this.#recovery !== undefined || this.#clock.mono() < this.#pausedUntilMono) return;
    if (isPostmasterOf(running.postmaster.pid, running.cluster.dataFolder)) return;
    this.#recovery = this.#recover(running).finally(() => (this.#recovery = undefined));
  }

  async #recover(running: Running): Promise<void> {
    const { log, dataDir } = this.#options;
    const { signal } = this.#stopping;
    try {
      await withFolderLock(lockOf(running.home, this.#clock, signal), async () => {
        const again = { ...running.startOptions, port: running.postmaster.port, isPortFixed: true, signal };
        const { how, ...postmaster } = await startPostmaster(again);
        running.postmaster = postmaster;
        if (how !== 'reused')
          log.emit('embedded_postgres.recovered', { dataDir, serverPid: postmaster.pid, port: postmaster.port });
      });
    } catch (error) {
      this.#pausedUntilMono = this.#clock.mono() + RECOVERY_PAUSE_MS;
      if (!isAbort(error)) log.emit('service.failed', { service: this.name, error });
    }
  }
}

/** The server of `dataDir` as a service. Its errors `embedded_postgres.*` say what to do. */
export function createEmbeddedPostgres(options: EmbeddedPostgresOptions): EmbeddedPostgres {
  return new EmbeddedPostgresService(options);
}
