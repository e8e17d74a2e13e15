// The cluster's folder: made whole in a draft folder and renamed, so that an interrupted `initdb` leaves nothing behind
// that a later start would trip over.
//
//   <home>/postgres-18/data                  PGDATA, owned by the server's user
//   <home>/postgres-18/superuser-password    readable by the owner of this process only

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { Secret } from '../core/secret.ts';
import { clusterFolderIn, dataFolderIn } from './home.ts';
import { giveTo, serverEnvironment, type ServerUser } from './server-user.ts';

export interface Cluster {
  /** PGDATA. */
  readonly dataFolder: string;
  readonly superuserPassword: Secret;
}

export interface ClusterOptions {
  readonly bin: string;
  readonly home: string;
  readonly user: ServerUser;
  /** False leaves writing to the system: for tests only. */
  readonly sync: boolean;
}

const OUTPUT_LIMIT = 4_000;

async function initdb({ bin, user, sync }: ClusterOptions, dataFolder: string, passwordFile: string): Promise<void> {
  const options = [
    ...(sync ? [] : ['--no-sync']),
    '--username=postgres',
    '--encoding=UTF8',
    '--no-locale',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ];
  const child = spawn(
    path.join(bin, 'initdb'),
    [`--pgdata=${dataFolder}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--no-instructions', ...options],
    { ...user, cwd: '/', env: serverEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-OUTPUT_LIMIT));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    const last = output.trim().split('\n').at(-1) ?? '';
    throw new AppError('embedded_postgres.start_failed', `initdb failed for ${dataFolder}: ${last}`);
  }
}

async function readPassword(folder: string): Promise<Secret | null> {
  try {
    return new Secret((await readFile(path.join(folder, 'superuser-password'), 'utf8')).trim());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new AppError(
      'embedded_postgres.start_failed',
      `cannot read ${folder}/superuser-password: is the folder another user's?`,
      { cause: error },
    );
  }
}

async function create(options: ClusterOptions): Promise<void> {
  const folder = clusterFolderIn(options.home);
  const draft = `${folder}.${uuidv7()}`;
  try {
    await mkdir(draft);
    // The server's user passes through; only PGDATA itself is his.
    await chmod(draft, 0o711);
    await mkdir(path.join(draft, 'data'), { mode: 0o700 });
    await giveTo(options.user, path.join(draft, 'data'));
    const password = randomBytes(24).toString('base64url');
    await writeFile(path.join(draft, 'superuser-password'), `${password}\n`, { mode: 0o600 });
    const handedOver = path.join(draft, 'pwfile');
    await writeFile(handedOver, `${password}\n`, { mode: 0o600 });
    await giveTo(options.user, handedOver);
    await initdb(options, path.join(draft, 'data'), handedOver);
    await rm(handedOver);
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** Drafts of processes that were killed halfway. */
async function removeDrafts(home: string): Promise<void> {
  const prefix = `${path.basename(clusterFolderIn(home))}.`;
  const drafts = (await readdir(home)).filter((name) => name.startsWith(prefix));
  for (const name of drafts) await rm(path.join(home, name), { recursive: true, force: true });
}

/** The cluster in this home, made when it is missing. Only the holder of the folder's lock may call this. */
export async function ensureCluster(options: ClusterOptions): Promise<Cluster> {
  const folder = clusterFolderIn(options.home);
  await removeDrafts(options.home);
  if (!existsSync(folder)) await create(options);
  const superuserPassword = await readPassword(folder);
  if (superuserPassword !== null && existsSync(path.join(folder, 'data', 'PG_VERSION')))
    return { dataFolder: dataFolderIn(options.home), superuserPassword };
  throw new AppError(
    'embedded_postgres.start_failed',
    `expected a cluster in ${folder}, but its superuser-password or data/PG_VERSION is missing: bring them back from ` +
      'a backup, or move the folder away to begin with an empty database',
  );
}
