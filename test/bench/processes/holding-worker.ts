// A worker process that takes jobs and never lets go of them, to be killed: `node holding-worker.ts <address> <mode>`.
// With `busy` its handler computes without end, so that its event loop never turns again.

import { QUEUES } from '../../../queues/catalog.ts';
import { createConsumer } from '../../../queues/consumer.ts';
import type { Outcome } from '../../../queues/outcome.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { Secret } from '../../../src/core/secret.ts';
import { openDatabase } from '../../../src/db/database.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import { createLiveness } from '../../../workers/liveness.ts';
import { driverAt, type EngineAddress } from '../engines.ts';
import { handlersOf } from '../sides/ours.ts';

const [text, mode] = process.argv.slice(2);
const address = JSON.parse(text!) as EngineAddress;
const url = new Secret(address.databaseUrl);
const db = openDatabase({ url, role: 'tidemark_worker', poolSize: 4 });
const driver = driverAt(address, db);
const liveness = createLiveness({
  databaseUrl: url,
  concurrency: 1,
  engine: address.engine,
  log: silentLog,
  onDead: () => process.exit(1),
  maxBlockedMs: 60_000,
});

const hold = (): Promise<Outcome> =>
  new Promise(() => {
    process.send!('held', () => {
      if (mode === 'busy') for (;;) Math.sqrt(2);
    });
  });

await driver.start();
await liveness.start();
const consumer = createConsumer({
  workerId: liveness.workerId,
  queues: QUEUES,
  concurrency: 1,
  db,
  driver,
  handlers: handlersOf(hold),
  clock: systemClock,
  log: silentLog,
});
await consumer.start();
