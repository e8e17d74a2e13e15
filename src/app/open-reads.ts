// Reads of the api's process: from the replica of READ_DATABASE_URL, where that is another address than its own.

import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import { openDatabase, type Database } from '../db/database.ts';
import type { Health, Service } from '../lifecycle/service.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { createReplicaReads, type Reads } from './reads.ts';

export interface OpenReadsOptions {
  readonly config: Pick<Config, 'database'>;
  /** Pool of the api role. */
  readonly primary: Database;
  readonly clock: Clock;
  readonly log: EventLog;
}

export interface OpenedReads {
  readonly reads: Reads;
  /** In the order in which they start. */
  readonly services: readonly Service[];
  /** Degraded while the primary is read instead; never a reason to take the process out of service. */
  readonly health: () => Promise<Health>;
}

const POOL_SIZE = 4;

/** Null: there is no replica. Nothing connects before the services start, and a replica that is away holds up no start. */
export function openReads({ config, primary, clock, log }: OpenReadsOptions): OpenedReads | null {
  const { url, readUrl } = config.database;
  if (readUrl === undefined || readUrl.reveal() === url?.reveal()) return null;
  const replica = openDatabase({
    url: readUrl,
    role: 'tidemark_readonly',
    poolSize: POOL_SIZE,
    onConnectionLost: (error) => log.emit('db.connection_lost', { role: 'tidemark_readonly', error }),
  });
  const { service, ...reads } = createReplicaReads({ primary, replica, clock, log });
  const pool: Service = { name: 'database-readonly', start: () => Promise.resolve(), stop: () => replica.close() };
  return { reads, services: [pool, service], health: async () => (await service.health?.()) ?? { status: 'ok' } };
}
