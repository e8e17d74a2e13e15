// An operator's access to a running installation: databases in the api's role, the queue's producing side. What the
// command line and the demo work with; it reads and commands, and never runs jobs itself.

import { hostname, userInfo } from 'node:os';
import type { Config } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import { openDatabase, type Actor, type Database, type DatabaseRole, type Queryable } from '../db/database.ts';
import { assertSchemaKnown } from '../db/migrate.ts';
import { sql } from '../db/sql.ts';
import { claimEngine } from '../store/settings.ts';
import type { JobQueue } from '../../queues/port.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { openDatabaseUrls, type DatabaseUrls } from './database-urls.ts';
import { openEngine } from './engine.ts';
import { migrateAt } from './migrations.ts';

/** The database alone: for commands that must work whichever engine the installation runs on. */
export interface DatabaseSession {
  /** In the api's role, unless another one was asked for. */
  readonly api: Database;
  readonly urls: DatabaseUrls;
  close(): Promise<void>;
}

export interface Session extends DatabaseSession {
  readonly queue: JobQueue;
}

/** Who sits at this command line, for the rows that change. */
function actorAt(command: string): Actor {
  let name = 'an unnamed user';
  try {
    name = userInfo().username;
  } catch {
    // A container may run under a number that has no name.
  }
  return { tokenId: null, name: `${name} on ${hostname()}`, action: command };
}

/** What a session is opened with; `command` is written beside what it changes. */
export interface SessionOptions {
  readonly config: Config;
  readonly log: EventLog;
  readonly signal: AbortSignal;
  readonly command: string;
  /** Default: the api's. */
  readonly role?: DatabaseRole;
}

/** Which role of a process the login is; null: none of them, as with one login for everything. */
export async function loginRole(db: Queryable): Promise<DatabaseRole | null> {
  const { rows } = await db.query<{ login: DatabaseRole | null }>(sql`
    select case
      when session_user in ('tidemark_api', 'tidemark_scheduler', 'tidemark_worker') then session_user::text
    end as login`);
  return rows[0]?.login ?? null;
}

/** Opens the database; an embedded one is brought up to date first. Throws `migration.*`, `db.*`. */
export async function openDatabaseSession(options: SessionOptions): Promise<DatabaseSession> {
  const { config, log, signal, command, role = 'tidemark_api' } = options;
  const actor = actorAt(command);
  const urls = await openDatabaseUrls(config, log);
  const api = openDatabase({ url: urls.of(role), role, poolSize: 4, actor });
  const close = async (): Promise<void> => {
    await api.close();
    await urls.server?.stop();
  };
  try {
    if (urls.server !== null) await migrateAt(urls, log, signal);
    await assertSchemaKnown(api);
    return { api, urls, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens what an operator needs. Throws as `openDatabaseSession`, and `config.invalid` when another engine is recorded. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { config, log } = options;
  const database = await openDatabaseSession(options);
  const { api, urls } = database;
  try {
    await claimEngine(api, config.queue.engine);
    const { driver, queue } = await openEngine({ config, db: api, clock: systemClock, log });
    await driver.start();
    return {
      api,
      queue,
      urls,
      async close() {
        await driver.stop();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
