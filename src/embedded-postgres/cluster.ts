// The cluster's folder: made whole in a draft folder and renamed, so that an interrupted `initdb` leaves nothing behind
// that a later start would trip over.
//
//   <data folder>/postgres-18/data                  PGDATA, owned by the server's user
//   <data folder>/postgres-18/superuser-password    readable by the owner of this process only

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { Secret } from '../core/secret.ts';
import { serverEnvironment, type ServerUser } from './server-user.ts';

export interface Cluster {
  /** PGDATA. */
  readonly dataFolder: string;
  readonly superuserPassword: Secret;
}

const OUTPUT_LIMIT = 4_000;

async function give(place: string, { uid, gid }: ServerUser): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(place, uid, gid);
}

async function initdb(bin: string, dataFolder: string, passwordFile: string, user: ServerUser): Promise<void> {
  const options = [
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

async function create(bin: string, folder: string, user: ServerUser): Promise<void> {
  const draft = `${folder}.${uuidv7()}`;
  try {
    await mkdir(draft);
    // The server's user passes through; only PGDATA itself is his.
    await chmod(draft, 0o711);
    await mkdir(path.join(draft, 'data'), { mode: 0o700 });
    await give(path.join(draft, 'data'), user);
    const password = randomBytes(24).toString('base64url');
    await writeFile(path.join(draft, 'superuser-password'), `${password}\n`, { mode: 0o600 });
    const handedOver = path.join(draft, 'pwfile');
    await writeFile(handedOver, `${password}\n`, { mode: 0o600 });
    await give(handedOver, user);
    await initdb(bin, path.join(draft, 'data'), handedOver, user);
    await rm(handedOver);
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Two processes began at once: the first one's cluster is the cluster.
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** The cluster below `dataDir`, made when it is missing. */
export async function ensureCluster(bin: string, dataDir: string, user: ServerUser): Promise<Cluster> {
  const folder = path.join(dataDir, 'postgres-18');
  let password = await readPassword(folder);
  if (password === null) {
    await create(bin, folder, user);
    password = await readPassword(folder);
  }
  if (password === null)
    throw new AppError('embedded_postgres.start_failed', `expected a cluster in ${folder}, found none`);
  return { dataFolder: path.join(folder, 'data'), superuserPassword: password };
}
