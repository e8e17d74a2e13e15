// PostgreSQL refuses to run as root: a root process starts it as the cluster's owner, or for a new cluster as `postgres`,
// else as `nobody`; anybody else as himself.

import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { AppError } from '../core/errors.ts';

/** For `spawn`; empty when the server runs as the user of this process. */
export interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

const NOBODY: ServerUser = { uid: 65_534, gid: 65_534 };
const ROOT = 0;

/** Accounts of `/etc/passwd`: a user without an entry there fails in initdb ("could not look up effective user ID"). */
function accounts(): Map<string, Required<ServerUser>> {
  let passwd = '';
  try {
    passwd = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return new Map();
  }
  const lines = passwd.split('\n').map((line) => line.split(':'));
  return new Map(lines.map(([name, , uid, gid]) => [name ?? '', { uid: Number(uid), gid: Number(gid) }]));
}

function foreignOwner(dataFolder: string, owner: number): AppError {
  return new AppError(
    'embedded_postgres.start_failed',
    `${dataFolder} belongs to uid ${owner}, and this process is uid ${process.getuid?.()}: run as that user, ` +
      'or set TIDEMARK_DATA_DIR to another folder, or DATABASE_URL to a server of yours',
  );
}

/** Who runs the server of this PGDATA, existing or not. Throws `embedded_postgres.*` when nobody can. */
export function findServerUser(dataFolder: string): ServerUser {
  const owner = statSync(dataFolder, { throwIfNoEntry: false })?.uid;
  const own = process.getuid?.();
  if (own !== ROOT) {
    if (owner !== undefined && own !== undefined && owner !== own) throw foreignOwner(dataFolder, owner);
    return {};
  }
  const known = accounts();
  if (owner !== undefined && owner !== ROOT) {
    const found = [...known.values()].find(({ uid }) => uid === owner);
    if (found === undefined) throw foreignOwner(dataFolder, owner);
    return found;
  }
  const found = known.get('postgres') ?? known.get('nobody') ?? (known.size === 0 ? NOBODY : undefined);
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

/** Makes a file or folder the server's own, when the server runs as somebody else. */
export async function giveTo({ uid, gid }: ServerUser, place: string): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(place, uid, gid);
}

/** True when the server's user can enter the folder: asked of the system, which also knows access lists. */
export function canEnter(user: ServerUser, folder: string): boolean {
  if (user.uid === undefined) return true;
  const { status } = spawnSync('test', ['-x', folder], { ...user, cwd: '/', env: serverEnvironment() });
  return status === 0;
}
