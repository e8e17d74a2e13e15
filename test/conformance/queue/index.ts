// The suite that every queue engine must pass unchanged: `queueConformance('pgboss', capabilities, makeEngine)`. Most areas
// run for jobs of both lanes; what only one of them can have stands in the files `ledgered` and `derived`.

import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import type { EngineDriver } from '../../../queues/driver.ts';
import {
  harnessOn,
  type EngineFactory,
  type EngineUnderTest,
  type Harness,
  type StaticCapabilities,
} from './harness.ts';
import { cancelArea } from './cancel.ts';
import { claimsArea } from './claims.ts';
import { controlsArea } from './controls.ts';
import { derivedArea } from './derived.ts';
import { drainArea } from './drain.ts';
import { enqueueArea } from './enqueue.ts';
import { inspectionArea } from './inspection.ts';
import { DERIVED, LEDGERED, type JobLane } from './lanes.ts';
import { ledgeredArea } from './ledgered.ts';
import { logsArea } from './logs.ts';
import { nativeArea } from './native.ts';
import { outcomesArea } from './outcomes.ts';
import { removalArea } from './removal.ts';
import { replayArea } from './replay.ts';
import { searchArea } from './search.ts';
import { takeoverArea } from './takeover.ts';
import { wakeArea } from './wake.ts';

/** A harness that exists once the tests run. */
export type LateHarness = () => Harness;

const QUEUES = ['maintenance', 'maintenance-dead', 'metrics', 'metrics-dead', 'sync-profiles'];
const LIVING = ['waiting', 'delayed', 'active'] as const;

/** Ends what tests before left behind, in whoever's hand: a job of theirs would count as one of ours. */
async function emptyEngine(driver: EngineDriver): Promise<void> {
  for (;;) {
    const left = await driver.list({ queues: QUEUES, states: LIVING, limit: 1_000 });
    if (left.length === 0) return;
    const output = { attempts: 0, takeovers: 0, workerId: null };
    await driver.complete(left.map((job) => ({ job, token: null, state: 'cancelled', output })));
  }
}

export function queueConformance(name: string, capabilities: StaticCapabilities, makeEngine: EngineFactory): void {
  describe(`queue engine ${name}`, () => {
    let engine: EngineUnderTest;
    beforeAll(async () => {
      engine = await makeEngine();
    });
    afterAll(async () => {
      await engine.driver.stop();
    });

    /** Areas that test with jobs of this lane. */
    function describeWith(title: string, lane: JobLane, areas: (late: LateHarness) => void): void {
      describe(title, () => {
        let harness: Harness;
        beforeEach(async () => {
          await engine.asSuperuser('delete from job_ledger; delete from workers; delete from queue_controls');
          await emptyEngine(engine.driver);
          harness = harnessOn(engine, lane);
        });
        areas(() => harness);
      });
    }

    for (const [lane, ownArea] of [[LEDGERED, ledgeredArea] as const, [DERIVED, derivedArea] as const])
      describeWith(lane.title, lane, (late) => {
        enqueueArea(late);
        outcomesArea(late);
        cancelArea(late);
        inspectionArea(late);
        claimsArea(late);
        takeoverArea(late);
        drainArea(late);
        wakeArea(late, capabilities);
        nativeArea(late);
        removalArea(late);
        ownArea(late);
      });
    describeWith('jobs of all kinds', LEDGERED, (late) => {
      controlsArea(late);
      logsArea(late);
      replayArea(late);
      searchArea(late);
    });
  });
}
