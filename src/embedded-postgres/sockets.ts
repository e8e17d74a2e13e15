// The folder of the server's Unix socket. A socket's path must fit in 107 bytes, so a long data folder gets a short one
// below the system's temporary folder; there, one that somebody else prepared is refused.

import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AppError } from '../core/errors.ts';
import { giveTo, type ServerUser } from './server-user.ts';

/** `sun_path` of macOS holds 103 bytes, and `/.s.PGSQL.65535.lock` belongs to it. */
const FOLDER_LIMIT_BYTES = 82;

export async function prepareSocketFolder(home: string, user: ServerUser): Promise<string> {
  const own = path.join(home, 'run');
  const isShort = Buffer.byteLength(own) <= FOLDER_LIMIT_BYTES;
  const hash = createHash('sha256').update(home).digest('hex').slice(0, 16);
  const folder = isShort ? own : path.join(tmpdir(), `tidemark-${hash}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  const owners = new Set([process.getuid?.() ?? found.uid, user.uid]);
  if (!found.isDirectory() || !owners.has(found.uid)) {
    throw new AppError(
      'embedded_postgres.start_failed',
      `expected ${folder} to be our own folder, but it belongs to uid ${found.uid}: remove it, or set TIDEMARK_DATA_DIR to a shorter path`,
    );
  }
  await chmod(folder, 0o700);
  await giveTo(user, folder);
  return folder;
}

/** Removes a socket folder that is not below `home`; one that is in use again stays. */
export async function removeSocketFolder(folder: string, home: string): Promise<void> {
  if (path.dirname(folder) !== home) await rmdir(folder).catch(() => undefined);
}
