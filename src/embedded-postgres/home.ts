// Where the server's files live: in the data folder, or, when the server's user cannot get there (root's project below a
// 0700 folder), in a folder of its own that the data folder names. A recorded place is never silently replaced.

import { existsSync, readFileSync } from 'node:fs';
import { chmod, link, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { canEnter, findServerUser, type ServerUser } from './server-user.ts';

export interface Home {
  readonly folder: string;
  readonly user: ServerUser;
  /** True when it is not the data folder itself. */
  readonly isElsewhere: boolean;
}

/** Folders on the way are made with the usual rights, never with those of their contents. */
const ELSEWHERE = '/var/lib/tidemark';

/** PGDATA of a home; the major version is part of it, so that another one never starts on these files. */
export function dataFolderIn(home: string): string {
  return path.join(clusterFolderIn(home), 'data');
}

export function clusterFolderIn(home: string): string {
  return path.join(home, 'postgres-18');
}

function pointerIn(dataDir: string): string {
  return path.join(dataDir, 'postgres-location');
}

function recordedHome(dataDir: string): string | undefined {
  const pointer = pointerIn(dataDir);
  if (!existsSync(pointer)) return undefined;
  const folder = readFileSync(pointer, 'utf8').trim();
  if (existsSync(folder)) return folder;
  throw new AppError(
    'embedded_postgres.start_failed',
    `the data of ${dataDir} is in ${folder}, and that folder is gone: bring it back, or remove ${pointer} to begin anew`,
  );
}

/** Two processes that begin at once agree on the first one's place. */
async function record(dataDir: string, folder: string): Promise<string> {
  const draft = `${pointerIn(dataDir)}.${uuidv7()}`;
  await writeFile(draft, `${folder}\n`, { mode: 0o600 });
  try {
    await link(draft, pointerIn(dataDir));
    return folder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await rm(folder, { recursive: true, force: true });
    return recordedHome(dataDir)!;
  } finally {
    await rm(draft, { force: true });
  }
}

function unreachable(folder: string, { uid }: ServerUser, cause?: unknown): AppError {
  return new AppError(
    'embedded_postgres.start_failed',
    `${folder} cannot be reached by uid ${uid}, as which PostgreSQL runs when started by root: set TIDEMARK_DATA_DIR ` +
      'to a folder below one that everybody may enter, or run as another user, or set DATABASE_URL',
    { cause },
  );
}

async function moveElsewhere(dataDir: string, user: ServerUser, elsewhere: string): Promise<Home> {
  const folder = path.join(elsewhere, uuidv7());
  try {
    await mkdir(elsewhere, { recursive: true });
    await mkdir(folder);
    await chmod(folder, 0o711);
  } catch (error) {
    throw unreachable(dataDir, user, error);
  }
  if (!canEnter(user, folder)) {
    await rm(folder, { recursive: true, force: true });
    throw unreachable(`${dataDir} (and ${elsewhere})`, user);
  }
  return { folder: await record(dataDir, folder), user, isElsewhere: true };
}

/** The home of this data folder, made when it is missing, and the user who runs the server there. */
export async function prepareHome(dataDir: string, elsewhere: string = ELSEWHERE): Promise<Home> {
  await mkdir(dataDir, { recursive: true });
  const recorded = recordedHome(dataDir);
  const folder = recorded ?? dataDir;
  const user = findServerUser(dataFolderIn(folder));
  if (!canEnter(user, folder)) {
    // The right to pass through, on our own folder only: those above it are other people's.
    const { mode } = await stat(folder);
    await chmod(folder, (mode & 0o777) | 0o011);
  }
  if (canEnter(user, folder)) return { folder, user, isElsewhere: recorded !== undefined };
  if (recorded !== undefined || existsSync(clusterFolderIn(folder))) throw unreachable(folder, user);
  return await moveElsewhere(dataDir, user, elsewhere);
}
