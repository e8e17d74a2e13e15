// The suite that every queue engine must pass unchanged: `queueConformance('pgboss', capabilities, makeEngine)`.

import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
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

const LIVING = ['waiting', 'delayed', 'active'] as const;

/** Ends what tests before left behind, in whoever's hand: a job of theirs would count as one of ours. */
async function clear({ driver }: EngineUnderTest, queue: string): Promise<void> {
  for (;;) {
    const left = await driver.list({ queues: [queue], states: LIVING, limit: 1_000 });
    if (left.length === 0) return;
    const output = { attempts: 0, takeovers: 0, workerId: null };
    await driver.complete(left.map((job) => ({ job, token: null, state: 'cancelled', output })));
  }
}

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
      for (const queue of ['maintenance', 'metrics', 'sync-profiles', 'maintenance-dead', 'metrics-dead'])
        await clear(engine, queue);
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
