// The suite that every queue engine must pass unchanged: `queueConformance('pgboss', capabilities, makeEngine)`.

import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import type { ClaimRequest } from '../../../queues/driver.ts';
import {
  harnessOn,
  type EngineFactory,
  type EngineUnderTest,
  type Harness,
  type StaticCapabilities,
} from './harness.ts';
import { enqueueArea } from './enqueue.ts';
import { outcomesArea } from './outcomes.ts';
import { cancelArea } from './cancel.ts';
import { inspectionArea } from './inspection.ts';
import { takeoverArea } from './takeover.ts';
import { drainArea } from './drain.ts';
import { wakeArea } from './wake.ts';
import { controlsArea } from './controls.ts';
import { logsArea } from './logs.ts';
import { replayArea } from './replay.ts';

/** A harness that exists once the tests run. */
export type LateHarness = () => Harness;

const everythingOf = (name: string): ClaimRequest => ({
  workerId: 'nobody',
  queues: [{ name, limit: 1_000 }],
  limit: 1_000,
});

export function queueConformance(name: string, capabilities: StaticCapabilities, makeEngine: EngineFactory): void {
  describe(`queue engine ${name}`, () => {
    let engine: EngineUnderTest;
    let harness: Harness;
    beforeAll(async () => {
      engine = await makeEngine();
    });
    beforeEach(async () => {
      await engine.asSuperuser('delete from job_ledger');
      await engine.asSuperuser('delete from queue_controls');
      for (const queue of ['maintenance', 'metrics', 'sync-profiles', 'maintenance-dead', 'metrics-dead']) {
        for (;;) {
          const claims = await engine.driver.claim(everythingOf(queue));
          if (claims.length === 0) break;
        }
      }
      harness = harnessOn(engine);
    });
    afterAll(async () => {
      await engine.driver.stop();
    });
    const late: LateHarness = () => harness;
    enqueueArea(late);
    outcomesArea(late);
    cancelArea(late);
    inspectionArea(late);
    takeoverArea(late);
    drainArea(late);
    wakeArea(late, capabilities);
    controlsArea(late);
    logsArea(late);
    replayArea(late);
  });
}
