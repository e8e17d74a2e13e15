// Everything of the api role: the HTTP server with health, metrics and the queue board.

import type { Config } from '../config/config.ts';
import { SECOND_MS } from '../core/duration.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import { createFindToken } from '../api/find-token.ts';
import { createApiServer, type ApiServer } from '../api/server.ts';
import { createRunWatch } from '../api/run-watch.ts';
import { createQueueBoard } from '../dashboard/bull-board/board.ts';
import { boardDeps } from '../dashboard/bull-board/board-deps.ts';
import type { DatastoreFacts } from '../dashboard/bull-board/deps.ts';
import type { Database } from '../db/database.ts';
import { assertSchemaKnown } from '../db/migrate.ts';
import { createLoop } from '../lifecycle/loop.ts';
import type { Health, Service } from '../lifecycle/service.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { deadLetterOf, QUEUES } from '../../queues/catalog.ts';
import type { JobQueue } from '../../queues/port.ts';
import { createWebhookSecrets } from '../webhooks/webhook-secrets.ts';
import { sealerOf } from './connect.ts';
import { connectorOf, costOf } from './connectors.ts';
import { createDatabaseService } from './database-service.ts';
import { createEngineRecord } from './engine-record.ts';
import { openEngine } from './engine.ts';
import { openReads } from './open-reads.ts';
import { webhookOpenerOf } from './webhook-apps.ts';

export interface ApiOptions {
  readonly config: Config;
  /** The api's login. */
  readonly url: Secret;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
  /** The queue was switched to another engine: the process must end. */
  readonly onSwitched: () => void;
}

const POOL_SIZE = 8;
const SAMPLE_EVERY_MS = 15 * SECOND_MS;

async function schemaHealth(db: Database): Promise<Health> {
  try {
    await assertSchemaKnown(db);
    return { status: 'ok' };
  } catch (error) {
    return { status: 'down', reason: error instanceof AppError ? error.code : 'unknown' };
  }
}

/** Facts of the server for the board's dialog. */
async function datastoreFacts(db: Database): Promise<DatastoreFacts> {
  const { rows } = await db.query<DatastoreFacts>(`
    select current_setting('server_version') as version,
      current_setting('port')::int as port,
      extract(epoch from now() - pg_postmaster_start_time())::int as "uptimeSeconds",
      (select sum(numbackends)::int from pg_stat_database) as connections`);
  return rows[0]!;
}

async function sample(db: Database, queue: JobQueue, metrics: Metrics): Promise<void> {
  for (const name of QUEUES.flatMap((queue) => [queue, deadLetterOf(queue)])) {
    for (const [state, count] of Object.entries(await queue.counts(name)))
      metrics.queueDepth({ queue: name, state, count });
  }
  const { rows } = await db.query<{ alive: number }>(
    `select count(*)::int as alive from workers where status = 'alive'`,
  );
  metrics.workersAlive(rows[0]?.alive ?? 0);
}

/** Made when it is first asked for; asked again after a failure. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return async () => {
    made ??= make();
    try {
      return await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
  };
}

export interface ApiServices {
  readonly services: readonly Service[];
  readonly server: ApiServer;
}

export async function createApiServices({
  config,
  url,
  clock,
  log,
  metrics,
  onSwitched,
}: ApiOptions): Promise<ApiServices> {
  const { db, service } = createDatabaseService({ role: 'tidemark_api', url, poolSize: POOL_SIZE, log });
  const { driver, queue } = await openEngine({ config, db, clock, log });
  const record = createEngineRecord({ db, engine: config.queue.engine, log, onSwitched });
  const findToken = createFindToken({ db, clock });
  const reads = openReads({ config, primary: db, clock, log });
  const runs = createRunWatch({ db, clock, log });
  const server = createApiServer({
    ...config.http,
    findToken,
    deps: {
      db,
      queue,
      clock,
      log,
      connectorOf,
      sealer: once(() => sealerOf(config)),
      runs,
      publicUrl: config.http.publicUrl,
      baseUrls: config.baseUrls,
      costOf,
      ...(reads === null ? {} : { reads: reads.reads }),
    },
    readiness: async () => ({
      database: (await service.health?.()) ?? { status: 'ok' },
      queue: (await driver.health?.()) ?? { status: 'ok' },
      migrations: await schemaHealth(db),
      ...(reads === null ? {} : { replica: await reads.health() }),
    }),
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.render() }),
    webhookSecrets: createWebhookSecrets({ db, clock, opener: once(() => webhookOpenerOf(config)) }),
    queueBoard: createQueueBoard(
      '/queues',
      boardDeps({
        db,
        queue,
        clock,
        costOf,
        datastore: () => datastoreFacts(db),
        redisInfo: async () => (await driver.info?.()) ?? null,
      }),
    ),
    log,
  });
  const sampler = createLoop({
    name: 'metrics-sampler',
    everyMs: SAMPLE_EVERY_MS,
    pass: () => sample(db, queue, metrics),
    log,
    clock,
  });
  return { server, services: [service, ...(reads?.services ?? []), record, driver, runs.loop, server, sampler] };
}
