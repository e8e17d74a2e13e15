// A real worker process that a test lays a trap for: at the n-th time it comes to a step boundary, or has the answer to a
// statement, it kills, stops, blocks or ends itself there. Takes the trap as JSON, its settings from the environment, and
// tells on standard output when the trap closes.

import { writeSync } from 'node:fs';
import { Client } from 'pg';
import { loadConfig } from '../../src/config/load-config.ts';
import { runProcess } from '../../src/lifecycle/process-main.ts';
import type { StepName } from '../../src/sync/steps.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createWorkerServices } from '../../workers/worker.ts';

export interface Trap {
  /** A step boundary, or what a statement begins with. */
  readonly at: StepName | { readonly statement: string };
  /** At which time it is reached, over all runs of the process; the first is 1. */
  readonly nth: number;
  /** A signal to itself, or a busy event loop for so many milliseconds. */
  readonly does: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM' | { readonly blocksMs: number };
}

function blockFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until) Math.sqrt(until);
}

const trap = JSON.parse(process.argv[2] ?? 'null') as Trap | null;
let reached = 0;

function arrive({ nth, does }: Trap): void {
  reached += 1;
  if (reached !== nth) return;
  // Before anything else can happen: a stream would write later, and a killed process has no later.
  writeSync(1, 'sprung\n');
  if (typeof does === 'object') blockFor(does.blocksMs);
  else process.kill(process.pid, does);
}

const onStep = (step: StepName): void => {
  if (trap !== null && step === trap.at) arrive(trap);
};

/** Inside a transaction, between the answer to this statement and whatever would be next. */
function trapStatements(laid: Trap, beginning: string): void {
  const query = Client.prototype.query as (...args: unknown[]) => Promise<unknown>;
  Client.prototype.query = async function trapped(this: Client, ...args: unknown[]) {
    const answer = await query.apply(this, args);
    if (typeof args[0] === 'string' && args[0].trim().startsWith(beginning)) arrive(laid);
    return answer;
  } as typeof Client.prototype.query;
}

if (trap !== null && typeof trap.at === 'object') trapStatements(trap, trap.at.statement);

const config = loadConfig();
const log = createLogger({ level: config.logLevel, role: 'worker', to: 'stderr' });
const { services, ended } = await createWorkerServices({ config, log, metrics: createMetrics(), onStep });
process.exit(await runProcess({ services, ended, drainMs: config.drainMs, log }));
