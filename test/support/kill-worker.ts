// A real worker process that a test lays a trap for: at the n-th time it comes to a step boundary it kills, stops, blocks
// or ends itself there. Takes the trap as JSON, its settings from the environment, and tells on standard output when the
// trap closes.

import { writeSync } from 'node:fs';
import { loadConfig } from '../../src/config/load-config.ts';
import { runProcess } from '../../src/lifecycle/process-main.ts';
import type { StepName } from '../../src/sync/steps.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createWorkerServices } from '../../workers/worker.ts';

export interface Trap {
  readonly step: StepName;
  /** At which time the step is reached, over all runs of the process; the first is 1. */
  readonly nth: number;
  /** A signal to itself, or a busy event loop for so many milliseconds. */
  readonly does: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM' | { readonly blocksMs: number };
}

function blockFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until) Math.sqrt(until);
}

function spring({ step, does }: Trap): void {
  // Before anything else can happen: a stream would write later, and a killed process has no later.
  writeSync(1, `${step}\n`);
  if (typeof does === 'object') blockFor(does.blocksMs);
  else process.kill(process.pid, does);
}

const trap = JSON.parse(process.argv[2] ?? 'null') as Trap | null;
let reached = 0;
const onStep = (step: StepName): void => {
  if (step !== trap?.step) return;
  reached += 1;
  if (reached === trap.nth) spring(trap);
};

const config = loadConfig();
const log = createLogger({ level: config.logLevel, role: 'worker', to: 'stderr' });
const { services, ended } = await createWorkerServices({ config, log, metrics: createMetrics(), onStep });
process.exit(await runProcess({ services, ended, drainMs: config.drainMs, log }));
