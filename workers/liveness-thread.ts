// Thread beside a worker's event loop: registers the worker and keeps its heartbeat going while handlers compute. It
// stops answering for a main thread that has been blocked for too long, and never answers for one declared dead.

import { parentPort, workerData } from 'node:worker_threads';
import { sleep } from '../src/core/async.ts';
import { systemClock } from '../src/core/clock.ts';
import { toAppError } from '../src/core/errors.ts';
import { Secret } from '../src/core/secret.ts';
import { openDatabase } from '../src/db/database.ts';
import { beatWorker, markWorkerStopped, registerWorker } from '../src/store/workers.ts';
import type { LivenessCommand, LivenessReport, LivenessThreadOptions } from './liveness-protocol.ts';

const { worker, databaseUrl, ticks, heartbeatMs, maxBlockedMs } = workerData as LivenessThreadOptions;
const port = parentPort!;
const counter = new Int32Array(ticks);
const stopping = new AbortController();
const db = openDatabase({
  url: new Secret(databaseUrl),
  role: 'tidemark_worker',
  poolSize: 1,
  applicationName: 'tidemark-liveness',
});

function report(message: LivenessReport): void {
  port.postMessage(message);
}

/** Milliseconds since the main thread's event loop last turned, without the time this thread itself stood still. */
function createStallGauge(): () => number {
  let lastTick = Atomics.load(counter, 0);
  let lastTurnAt = systemClock.mono();
  let lastLookAt = lastTurnAt;
  return () => {
    const now = systemClock.mono();
    const tick = Atomics.load(counter, 0);
    const bothStoodStill = now - lastLookAt > 4 * heartbeatMs;
    if (tick !== lastTick || bothStoodStill) lastTurnAt = now;
    lastTick = tick;
    lastLookAt = now;
    return now - lastTurnAt;
  };
}

/** Runs `step` until it succeeds or the thread stops; false: stopped. An outage is reported when it begins and ends. */
async function insist(step: () => Promise<void>): Promise<boolean> {
  let told = false;
  while (!stopping.signal.aborted) {
    try {
      await step();
      if (told) report({ kind: 'reachable' });
      return true;
    } catch (error) {
      if (!told) report({ kind: 'unreachable', message: toAppError(error).message });
      told = true;
      await sleep(heartbeatMs, stopping.signal).catch(() => undefined);
    }
  }
  return false;
}

/** An insert may have succeeded although its answer was lost: then the heartbeat finds the row. */
async function register(): Promise<void> {
  if (!(await beatWorker(db, worker.id))) await registerWorker(db, worker);
}

async function beatUntilStopped(): Promise<void> {
  const stalledMs = createStallGauge();
  let isBlocked = false;
  while (!stopping.signal.aborted) {
    const blockedMs = stalledMs();
    if (blockedMs > maxBlockedMs) {
      if (!isBlocked) report({ kind: 'blocked', blockedMs });
      isBlocked = true;
    } else {
      isBlocked = false;
      let alive = true;
      await insist(async () => void (alive = await beatWorker(db, worker.id)));
      if (!alive) {
        report({ kind: 'dead' });
        return;
      }
    }
    await sleep(heartbeatMs, stopping.signal).catch(() => undefined);
  }
}

async function main(): Promise<void> {
  port.on('message', (command: LivenessCommand) => {
    if (command === 'stop') stopping.abort();
  });
  if (await insist(register)) {
    report({ kind: 'registered' });
    await beatUntilStopped();
    // Whoever cannot say goodbye is taken over a little later, after its last heartbeat.
    await markWorkerStopped(db, worker.id).catch(() => undefined);
  }
  await db.close();
  port.close();
}

await main();
