// A test cluster: the logins of all roles and a template database with every migration applied. Works on any server that
// a superuser's URL opens, so the same tests run on the embedded PostgreSQL 18 and on an older one.

import { bootstrapCluster } from '../../src/db/bootstrap.ts';
import type { DatabaseRole } from '../../src/db/database.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { installPgBoss } from '../../queues/drivers/pgboss/install.ts';
import { Secret } from '../../src/core/secret.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';

export const ROLES: readonly DatabaseRole[] = [
  'tidemark_owner',
  'tidemark_api',
  'tidemark_scheduler',
  'tidemark_worker',
  'tidemark_readonly',
  'tidemark_backup',
];

export const TEMPLATE = 'tidemark_template';
const PASSWORD = 'test-password';

/** Serialisable, so that it can be handed to test processes. */
export interface TestCluster {
  /** URL of the maintenance database as superuser. */
  readonly superuserUrl: string;
}

/** URL of `role` in `database` on the server behind `superuserUrl`. */
export function urlOf(superuserUrl: string, role: DatabaseRole, database: string): string {
  const url = new URL(superuserUrl);
  url.username = role;
  url.password = PASSWORD;
  url.pathname = `/${database}`;
  return url.href;
}

/** Creates roles and the migrated template. */
export async function prepareCluster(superuserUrl: Secret): Promise<TestCluster> {
  const passwords = Object.fromEntries(ROLES.map((role) => [role, new Secret(PASSWORD)])) as Record<
    DatabaseRole,
    Secret
  >;
  await bootstrapCluster({ superuserUrl, database: TEMPLATE, passwords });
  const ownerUrl = new Secret(urlOf(superuserUrl.reveal(), 'tidemark_owner', TEMPLATE));
  await migrateUp({ url: ownerUrl, log: silentLog, signal: AbortSignal.timeout(60_000) });
  await installPgBoss(ownerUrl.reveal());
  return { superuserUrl: superuserUrl.reveal() };
}
