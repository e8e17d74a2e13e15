// A private PostgreSQL 15, the oldest version that Tidemark supports, where the machine has its programs. Tests that
// need it skip visibly elsewhere.

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { startPostmaster, stopPostmaster } from '../../src/embedded-postgres/postmaster.ts';
import { findServerUser, serverEnvironment } from '../../src/embedded-postgres/server-user.ts';
import { prepareCluster, type TestCluster } from './cluster.ts';

const BIN = '/usr/lib/postgresql/15/bin';

/** Reason of every skip on a machine without it. */
export const NEEDS_POSTGRES_15 = 'needs PostgreSQL 15';

/** Started for one test file and removed after its last test; null where the programs are missing. */
export async function startPostgres15(): Promise<TestCluster | null> {
  if (!existsSync(path.join(BIN, 'initdb'))) return null;
  const user = findServerUser();
  const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-pg15-'));
  chmodSync(folder, 0o700);
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const dataFolder = path.join(folder, 'data');
  const { status, stderr } = spawnSync(
    path.join(BIN, 'initdb'),
    [`--pgdata=${dataFolder}`, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync'],
    { ...user, cwd: '/', env: serverEnvironment(), encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`initdb of PostgreSQL 15 failed: ${stderr}`);
  const postmaster = await startPostmaster({
    bin: BIN,
    dataFolder,
    socketFolder: folder,
    logFile: path.join(folder, 'postgres.log'),
    user,
    settings: { fsync: 'off', timezone: 'UTC' },
    patienceMs: 30_000,
  });
  afterAll(() => stopPostmaster(postmaster, 30_000));
  return await prepareCluster(new Secret(`postgresql://postgres@127.0.0.1:${postmaster.port}/postgres`));
}
