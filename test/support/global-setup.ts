// One embedded PostgreSQL for the whole test run, with a migrated template database that test files clone.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { createEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { prepareCluster, type TestCluster } from './cluster.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly cluster: TestCluster;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'tidemark-test-'));
  const server = createEmbeddedPostgres({ dataDir, log: silentLog, durability: 'fast' });
  await server.start();
  project.provide('cluster', await prepareCluster(server.superuserUrl));
  return async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
