// A database pool as a service: ready when the server answers and its schema is one that this code knows.

import type { Secret } from '../core/secret.ts';
import { openDatabase, type Database, type DatabaseRole } from '../db/database.ts';
import { assertSchemaKnown } from '../db/migrate.ts';
import type { Health, Service } from '../lifecycle/service.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface DatabaseService {
  readonly db: Database;
  readonly service: Service;
}

export interface DatabaseServiceOptions {
  readonly role: DatabaseRole;
  readonly url: Secret;
  readonly poolSize: number;
  readonly log: EventLog;
}

async function healthOf(db: Database): Promise<Health> {
  try {
    await db.query('select 1');
    return { status: 'ok' };
  } catch {
    return { status: 'down', reason: 'the database does not answer' };
  }
}

export function createDatabaseService({ role, url, poolSize, log }: DatabaseServiceOptions): DatabaseService {
  const db = openDatabase({
    role,
    url,
    poolSize,
    onConnectionLost: (error) => log.emit('db.connection_lost', { role, error }),
  });
  return {
    db,
    service: {
      name: `database-${role.replace('tidemark_', '')}`,
      start: () => assertSchemaKnown(db),
      stop: () => db.close(),
      health: () => healthOf(db),
    },
  };
}
