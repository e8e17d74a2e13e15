// A private PostgreSQL 15 for one test file, prepared like the shared cluster; the oldest version that Tidemark supports.

import { afterAll } from 'vitest';
import { prepareCluster, type TestCluster } from './cluster.ts';
import { startPrivateCluster, systemPostgres15 } from './system-postgres.ts';

/** Reason of every skip on a machine without it. */
export const NEEDS_POSTGRES_15 = 'needs PostgreSQL 15';

/** Started for one test file and removed after its last test; null where the programs are missing. */
export async function startPostgres15(): Promise<TestCluster | null> {
  const programs = systemPostgres15();
  if (programs === undefined) return null;
  const cluster = await startPrivateCluster(programs);
  afterAll(() => cluster.stop());
  return await prepareCluster(cluster.superuserUrl);
}
