// An operator's access to a running installation: databases in the api's role, the queue's producing side. What the
// command line and the demo work with; it reads and commands, and never runs jobs itself.

import type { Config } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import { openDatabase, type Database } from '../db/database.ts';
import { assertSchemaKnown } from '../db/migrate.ts';
import type { JobQueue } from '../../queues/port.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { openDatabaseUrls, type DatabaseUrls } from './database-urls.ts';
import { openEngine } from './engine.ts';
import { migrateAt } from './migrations.ts';

export interface Session {
  readonly api: Database;
  readonly queue: JobQueue;
  readonly urls: DatabaseUrls;
  close(): Promise<void>;
}

/** Opens what an operator needs; an embedded database is brought up to date first. Throws `migration.*`, `db.*`. */
export async function openSession(config: Config, log: EventLog, signal: AbortSignal): Promise<Session> {
  const urls = await openDatabaseUrls(config, log);
  const api = openDatabase({ url: urls.of('tidemark_api'), role: 'tidemark_api', poolSize: 4 });
  try {
    if (urls.server !== null) await migrateAt(urls, log, signal);
    await assertSchemaKnown(api);
    const engine = openEngine({ db: api, clock: systemClock, log });
    await engine.driver.start();
    return {
      api,
      queue: engine.queue,
      urls,
      async close() {
        await engine.driver.stop();
        await api.close();
        await urls.server?.stop();
      },
    };
  } catch (error) {
    await api.close();
    await urls.server?.stop();
    throw error;
  }
}
