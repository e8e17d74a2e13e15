// A worker process whose jobs end as their payload says: an integration id that begins with `d` dies, one with `e` fails at
// its first attempt, all others are completed. It counts like a real one. Takes its settings from the environment.

import { setTimeout as delay } from 'node:timers/promises';
import { createDatabaseService } from '../../../src/app/database-service.ts';
import { openEngine } from '../../../src/app/engine.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { systemClock as clock } from '../../../src/core/clock.ts';
import { AppError } from '../../../src/core/errors.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import { runProcess } from '../../../src/lifecycle/process-main.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { QUEUES } from '../../../queues/catalog.ts';
import { handlersOf } from '../../bench/sides/ours.ts';
import { createConsumer } from '../../../queues/consumer.ts';
import { createHistoryRecorder } from '../../../queues/history-recorder.ts';
import { completed, type Outcome } from '../../../queues/outcome.ts';
import type { JobContext } from '../../../queues/port.ts';

const config = loadConfig();
const url = config.database.url!;
const log = createLogger({ level: 'debug', role: 'worker' });
const { db, service } = createDatabaseService({ role: 'tidemark_worker', url, poolSize: 8, log });
const { driver } = await openEngine({ config, db, directUrl: url, clock, log });

/** So that there is a middle of it. */
const WORK_MS = 10;

async function handle({ payload, attempt }: JobContext): Promise<Outcome> {
  await delay(WORK_MS);
  const [fate = ''] = Object.values(payload);
  if (fate.startsWith('d')) throw new AppError('queue.payload_invalid', 'expected another payload');
  if (fate.startsWith('e') && attempt === 1) throw new AppError('http.unavailable', 'no answer');
  return completed();
}

const history = createHistoryRecorder({ db, clock, log });
const consumer = createConsumer({
  workerId: uuidv7(),
  queues: QUEUES,
  concurrency: 5,
  db,
  driver,
  handlers: handlersOf(handle),
  clock,
  log,
  history,
  // Retries come at once.
  random: () => 0,
});
process.exit(await runProcess({ services: [service, driver, history, consumer], drainMs: config.drainMs, log }));
