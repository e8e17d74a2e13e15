// PostgreSQL refuses to run as root: a root process starts it as `postgres`, else as `nobody`; anybody else as himself.

import { readFileSync } from 'node:fs';
import { AppError } from '../core/errors.ts';

/** For `spawn`; empty when the server runs as the user of this process. */
export interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

const NOBODY: ServerUser = { uid: 65_534, gid: 65_534 };

function userNamed(name: string, passwd: string): ServerUser | undefined {
  const [, , uid, gid] =
    passwd
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

export function findServerUser(): ServerUser {
  if (process.getuid?.() !== 0) return {};
  let passwd = '';
  try {
    passwd = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return NOBODY;
  }
  const found = userNamed('postgres', passwd) ?? userNamed('nobody', passwd);
  if (found !== undefined) return found;
  throw new AppError(
    'embedded_postgres.unavailable',
    'PostgreSQL does not run as root, and there is no user postgres or nobody: run as another user, or set DATABASE_URL',
  );
}

/** What the server sees of our environment: nothing that is secret, and no foreign locale or zone. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}
