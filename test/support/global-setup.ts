// One embedded PostgreSQL for the whole test run, with a migrated template database that test files clone. Sweeps what a
// killed run left behind; with TIDEMARK_TEST_KEEP=1 a run with failed tests leaves its server for inspection.

import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { createEmbeddedPostgres, type EmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { isAlive } from '../../src/embedded-postgres/process-identity.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { prepareCluster, type TestCluster } from './cluster.ts';
import { ask, removeFolder } from './embedded-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly cluster: TestCluster;
  }
}

const PREFIX = 'tidemark-test-';

/** Folders name the process of their run; those of living ones, and of other users, are let alone. */
async function sweepDeadRuns(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = /^tidemark-test-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await removeFolder(path.join(tmpdir(), name)).catch(() => undefined);
  }
}

async function keptDatabases(server: EmbeddedPostgres): Promise<readonly string[]> {
  if (process.env['TIDEMARK_TEST_KEEP'] !== '1') return [];
  const rows = await ask(server.superuserUrl.reveal(), `select datname from pg_database where datname ~ '^t_'`);
  return rows.map(({ datname }) => String(datname));
}

async function finish(server: EmbeddedPostgres, dataDir: string): Promise<void> {
  const kept = await keptDatabases(server);
  if (kept.length > 0) {
    console.error(`kept until the next run: ${kept.join(', ')} on ${server.superuserUrl.reveal()}`);
    return;
  }
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await sweepDeadRuns();
  const dataDir = await mkdtemp(path.join(tmpdir(), `${PREFIX}${process.pid}-`));
  await chmod(dataDir, 0o711);
  const server = createEmbeddedPostgres({ dataDir, log: silentLog, durability: 'fast' });
  try {
    await server.start();
    project.provide('cluster', await prepareCluster(server.superuserUrl));
  } catch (error) {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
  return () => finish(server, dataDir);
}
