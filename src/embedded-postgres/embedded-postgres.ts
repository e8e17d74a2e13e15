// A real PostgreSQL 18 for machines where nobody set up a database. Started by whoever comes first, shared by all
// processes of the same data folder, stopped by the last one; it outlives a killed parent and is found again.

import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AppError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { Service } from '../lifecycle/service.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { attach, type Attachment } from './attachments.ts';
import { findBinaries } from './binaries.ts';
import { ensureCluster, type Cluster } from './cluster.ts';
import { findPostmaster, startPostmaster, stopPostmaster, type Postmaster } from './postmaster.ts';
import { findServerUser, serverEnvironment, type ServerUser } from './server-user.ts';

export interface EmbeddedPostgresOptions {
  /** Everything of the server is kept below this folder. */
  readonly dataDir: string;
  readonly log: EventLog;
  /** `fast` gives up durability for speed; for tests only. Default `safe`. */
  readonly durability?: 'safe' | 'fast';
}

export interface EmbeddedPostgres extends Service {
  /** TCP port on 127.0.0.1, once started. */
  readonly port: number;
  /** For the bootstrap of roles and database only. */
  readonly superuserUrl: Secret;
  urlFor(role: string, password: Secret, database: string): Secret;
}

const START_PATIENCE_MS = 60_000;
const STOP_PATIENCE_MS = 30_000;
/** A socket's path must fit in 107 bytes, `/.s.PGSQL.65535.lock` included. */
const SOCKET_FOLDER_LIMIT = 86;

const SETTINGS = { max_connections: '200', timezone: 'UTC', log_timezone: 'UTC', shared_buffers: '128MB' };
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

async function prepareFolder(dataDir: string, user: ServerUser): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  if (user.uid === undefined) return;
  await chmod(dataDir, 0o755);
  const { status } = spawnSync('test', ['-x', dataDir], { ...user, env: serverEnvironment() });
  if (status === 0) return;
  throw new AppError(
    'embedded_postgres.start_failed',
    `${dataDir} cannot be reached by uid ${user.uid}, as which PostgreSQL runs when started by root: set TIDEMARK_DATA_DIR to a folder below one that everybody may enter, or run as another user`,
  );
}

async function prepareSockets(dataDir: string, user: ServerUser): Promise<string> {
  const own = path.join(dataDir, 'run');
  const folder =
    Buffer.byteLength(own) <= SOCKET_FOLDER_LIMIT
      ? own
      : path.join(tmpdir(), `tidemark-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`);
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
  return folder;
}

interface Running {
  readonly cluster: Cluster;
  readonly postmaster: Postmaster;
  readonly attachment: Attachment;
}

async function open({ dataDir, log, durability }: EmbeddedPostgresOptions): Promise<Running> {
  const user = findServerUser();
  await prepareFolder(dataDir, user);
  const attachment = await attach(dataDir);
  try {
    const bin = await findBinaries(path.join(dataDir, 'runtime'), user);
    const cluster = await ensureCluster(bin, dataDir, user);
    const present = await findPostmaster(cluster.dataFolder);
    const postmaster = await startPostmaster({
      bin,
      dataFolder: cluster.dataFolder,
      socketFolder: await prepareSockets(dataDir, user),
      logFile: path.join(dataDir, 'postgres-18', 'postgres.log'),
      user,
      settings: { ...SETTINGS, ...(durability === 'fast' ? FAST : {}) },
      patienceMs: START_PATIENCE_MS,
    });
    log.emit(present === null ? 'embedded_postgres.started' : 'embedded_postgres.reused', { dataDir, ...postmaster });
    return { cluster, postmaster, attachment };
  } catch (error) {
    await attachment.leave();
    throw error;
  }
}

export function createEmbeddedPostgres(options: EmbeddedPostgresOptions): EmbeddedPostgres {
  const { log } = options;
  const dataDir = path.resolve(options.dataDir);
  let running: Running | undefined;
  const get = (): Running => {
    if (running === undefined) throw new AppError('internal', 'the embedded PostgreSQL is not started');
    return running;
  };
  const urlFor = (role: string, password: Secret, database: string): Secret =>
    new Secret(`postgresql://${role}:${password.reveal()}@127.0.0.1:${get().postmaster.port}/${database}`);
  return {
    name: 'embedded-postgres',
    get port() {
      return get().postmaster.port;
    },
    get superuserUrl() {
      return urlFor('postgres', get().cluster.superuserPassword, 'postgres');
    },
    urlFor,
    async start() {
      running ??= await open({ ...options, dataDir });
    },
    async stop() {
      if (running === undefined) return;
      const { attachment, postmaster } = running;
      running = undefined;
      if (!(await attachment.leave())) return;
      await stopPostmaster(postmaster, STOP_PATIENCE_MS);
      log.emit('embedded_postgres.stopped', { dataDir });
    },
    async health() {
      const alive = running !== undefined && (await findPostmaster(running.cluster.dataFolder)) !== null;
      return alive ? { status: 'ok' } : { status: 'down', reason: 'embedded PostgreSQL does not answer' };
    },
  };
}
