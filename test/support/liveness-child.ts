// A worker process that does nothing but live: `node liveness-child.ts <database url> <max blocked ms>`. It tells its id,
// blocks its event loop for as many milliseconds as it is told, and exits as a declared dead one should.

import { Secret } from '../../src/core/secret.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createLiveness, DECLARED_DEAD_EXIT_CODE } from '../../workers/liveness.ts';

const [url, maxBlockedMs] = process.argv.slice(2);
const liveness = createLiveness({
  databaseUrl: new Secret(url!),
  concurrency: 1,
  engine: 'pgboss',
  log: silentLog,
  onDead: () => process.exit(DECLARED_DEAD_EXIT_CODE),
  heartbeatMs: 200,
  maxBlockedMs: Number(maxBlockedMs),
});

process.on('message', (busyMs: number) => {
  if (busyMs === 0) {
    void liveness.stop().then(() => process.disconnect());
    return;
  }
  const until = performance.now() + busyMs;
  while (performance.now() < until) Math.sqrt(until);
  process.send!('done');
});

await liveness.start();
process.send!(liveness.workerId);
