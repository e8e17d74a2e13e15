// Where each role finds the database: a server of the owner's, or the embedded one that starts when nobody named any.

import { AppError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { Config } from '../config/load-config.ts';
import { bootstrapCluster } from '../db/bootstrap.ts';
import type { DatabaseRole } from '../db/database.ts';
import { createEmbeddedPostgres } from '../embedded-postgres/embedded-postgres.ts';
import type { Service } from '../lifecycle/service.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { rolePasswords } from './secrets-folder.ts';

export interface DatabaseUrls {
  /** URL of a role's login; with one login for everything, that one, and each transaction takes the role. */
  readonly of: (role: DatabaseRole) => Secret;
  /** The same past a pooler, for LISTEN. */
  readonly direct: (role: DatabaseRole) => Secret;
  /** The embedded server, to be stopped last; null for a server of the owner's. */
  readonly server: Service | null;
}

const DATABASE = 'tidemark';

function externalUrls({ database }: Config): DatabaseUrls {
  const of = (role: DatabaseRole): Secret => {
    const own = {
      tidemark_owner: database.ownerUrl,
      tidemark_scheduler: database.schedulerUrl,
      tidemark_readonly: database.readUrl,
    };
    const url = (own as Partial<Record<DatabaseRole, Secret | undefined>>)[role] ?? database.url ?? database.ownerUrl;
    if (url === undefined) throw new AppError('config.invalid', 'expected DATABASE_URL');
    return url;
  };
  return { of, direct: (role) => database.directUrl ?? of(role), server: null };
}

/** Starts or joins the embedded server when no database was configured. */
export async function openDatabaseUrls(config: Config, log: EventLog): Promise<DatabaseUrls> {
  if (config.database.mode === 'external') return externalUrls(config);
  const passwords = await rolePasswords(config.dataDir);
  const server = createEmbeddedPostgres({ dataDir: config.dataDir, log });
  await server.start();
  try {
    await bootstrapCluster({ superuserUrl: server.superuserUrl, database: DATABASE, passwords });
  } catch (error) {
    await server.stop();
    throw error;
  }
  const of = (role: DatabaseRole): Secret => server.urlFor(role, passwords[role], DATABASE);
  return { of, direct: of, server };
}
