// Installs pg-boss's schema, our queues with their dead letters, and what the runtime roles may do there. Runs as the
// owner, as part of migrating; running it again changes nothing but brings settings up to date.

import type { PgBoss } from 'pg-boss';
import { Secret } from '../../../src/core/secret.ts';
import { SECOND_MS } from '../../../src/core/duration.ts';
import { openDatabase, type Database } from '../../../src/db/database.ts';
import { sql } from '../../../src/db/sql.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import { deadLetterOf, QUEUES } from '../../catalog.ts';
import { HISTORY_MS } from '../../driver.ts';
import { createPgBoss, PGBOSS_SCHEMA, startPgBoss } from './engine.ts';

/** pg-boss allows at most a day. A job in hand for longer is failed by it, which the ledger then overrules. */
const EXPIRE_SECONDS = 24 * 60 * 60;
/** Some sixty years: a job that waits is never dropped by the engine. Larger would not fit its integer. */
const RETENTION_SECONDS = 2_000_000_000;

const POLICY = {
  policy: 'standard',
  notify: true,
  retryLimit: 0,
  expireInSeconds: EXPIRE_SECONDS,
  retentionSeconds: RETENTION_SECONDS,
  deleteAfterSeconds: HISTORY_MS / SECOND_MS,
} as const;

/** Grants on every table of the schema; the matrix of roles is proved by test/integration/pgboss-install.test.ts. */
const GRANTS: readonly string[] = [
  sql`grant usage on schema pgboss to tidemark_api, tidemark_scheduler, tidemark_worker, tidemark_readonly, tidemark_backup`,
  sql`grant select on all tables in schema pgboss to tidemark_readonly, tidemark_backup`,
  sql`grant select on all sequences in schema pgboss to tidemark_backup`,
  sql`grant select, insert, update on all tables in schema pgboss to tidemark_api`,
  sql`grant delete on pgboss.job, pgboss.job_common to tidemark_api`,
  sql`grant select, insert, update, delete on all tables in schema pgboss to tidemark_scheduler, tidemark_worker`,
];

async function ensureQueue(boss: PgBoss, name: string): Promise<void> {
  if ((await boss.getQueue(name)) === null) await boss.createQueue(name, POLICY);
  else {
    const { policy: _fixed, ...changeable } = POLICY;
    await boss.updateQueue(name, changeable);
  }
}

/**
 * Installs or upgrades the engine through an open owner's database.
 * Throws `migration.failed` and `db.*`.
 */
export async function installPgBossOn(owner: Database): Promise<void> {
  const boss = createPgBoss({
    db: owner,
    supervise: false,
    log: silentLog,
    overrides: { migrate: true, createSchema: true, schema: PGBOSS_SCHEMA },
  });
  await startPgBoss(boss);
  try {
    for (const queue of QUEUES) {
      await ensureQueue(boss, deadLetterOf(queue));
      await ensureQueue(boss, queue);
    }
    for (const grant of GRANTS) await owner.query(grant);
  } finally {
    await boss.stop({ graceful: false });
  }
}

/** The same with the owner's URL. */
export async function installPgBoss(ownerUrl: string): Promise<void> {
  const owner = openDatabase({ url: new Secret(ownerUrl), role: 'tidemark_owner', poolSize: 2 });
  try {
    await installPgBossOn(owner);
  } finally {
    await owner.close();
  }
}
