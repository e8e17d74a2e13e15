import { Secret } from '../../src/core/secret.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createPgBossDriver } from '../../queues/drivers/pgboss/driver.ts';
import { installPgBoss } from '../../queues/drivers/pgboss/install.ts';
import { queueConformance } from '../conformance/queue/index.ts';
import { createTestDatabase } from '../support/postgres.ts';

queueConformance('pgboss', { wakes: true }, async () => {
  const database = await createTestDatabase();
  await installPgBoss(database.urlOf('tidemark_owner'));
  const worker = database.open('tidemark_worker', 10);
  const driver = createPgBossDriver({
    db: worker,
    directUrl: new Secret(database.urlOf('tidemark_worker')),
    log: silentLog,
  });
  await driver.start();
  return {
    driver,
    databases: { api: database.open('tidemark_api', 10), scheduler: database.open('tidemark_scheduler'), worker },
    asSuperuser: (text, values) => database.asSuperuser(text, values),
    lose: async (jobId) => void (await database.asSuperuser('delete from pgboss.job where id = $1', [jobId])),
    async addNative(queue, job) {
      const rows = await database.asSuperuser<{ id: string }>(
        'insert into pgboss.job (name, data) values ($1, $2) returning id',
        [queue, JSON.stringify(job)],
      );
      return rows[0]!.id;
    },
  };
});
