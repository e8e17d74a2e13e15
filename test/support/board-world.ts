// An installation with its board: simulated platform, scheduler and api in this process as an installation has them, workers
// in processes of their own.

import { afterAll } from 'vitest';
import { createApiServices } from '../../src/app/api.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Database } from '../../src/db/database.ts';
import { createServiceGroup } from '../../src/lifecycle/service-group.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createKillWorld, type KillWorld, type KillWorldOptions } from './kill-world.ts';
import { eventRecorder, type EventRecorder } from './wait.ts';

export interface BoardWorld extends KillWorld {
  readonly address: string;
  readonly api: Database;
  /** Of the api. */
  readonly apiEvents: EventRecorder;
}

/** Call it at the top of a file with await. */
export async function createBoardWorld(options: KillWorldOptions): Promise<BoardWorld> {
  const world = await createKillWorld(options);
  const apiEvents = eventRecorder();
  const { config, database } = world;
  const { server, services } = await createApiServices({
    config: { ...config, http: { ...config.http, host: '127.0.0.1', port: 0 } },
    url: new Secret(database.urlOf('tidemark_api')),
    clock: systemClock,
    log: apiEvents,
    metrics: createMetrics(),
    onSwitched: () => undefined,
  });
  const group = createServiceGroup({ name: 'api', services, stopWithinMs: 10_000, log: apiEvents });
  await group.start();
  afterAll(() => group.stop());
  return { ...world, address: server.address, api: database.open('tidemark_api'), apiEvents };
}
