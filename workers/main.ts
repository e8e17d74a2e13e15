// Entry point of every long-running process: `node workers/main.ts worker | api | scheduler | api,scheduler`. It is
// started by `tidemark start`, which restarts it when it falls.

import { loadConfig } from '../src/config/load-config.ts';
import type { Config } from '../src/config/config.ts';
import { AppError, toAppError } from '../src/core/errors.ts';
import { hideEnvironment } from '../src/lifecycle/diagnostic-report.ts';
import { exitCodeOf } from '../src/lifecycle/exit-code.ts';
import { runProcess } from '../src/lifecycle/process-main.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';
import { runFront } from './front.ts';
import { createWorkerServices } from './worker.ts';

async function runWorker(config: Config, log: EventLog): Promise<number> {
  const { services, ended } = await createWorkerServices({ config, log, metrics: createMetrics() });
  return await runProcess({ services, ended, drainMs: config.drainMs, log });
}

async function run(name: string, config: Config, log: EventLog): Promise<number> {
  if (name === 'worker') return await runWorker(config, log);
  const roles = new Set(name.split(','));
  const known = [...roles].filter((role) => role === 'api' || role === 'scheduler');
  if (known.length !== roles.size)
    throw new AppError(
      'usage.invalid',
      `expected worker, api, scheduler or api,scheduler, got ${JSON.stringify(name)}`,
    );
  return await runFront(new Set(known), config, log);
}

async function main(name: string): Promise<number> {
  // The log's level comes from the configuration, and the configuration may be what is wrong.
  let log = createLogger({ level: 'info', role: name });
  try {
    const config = loadConfig();
    log = createLogger({ level: config.logLevel, role: name });
    return await run(name, config, log);
  } catch (error) {
    log.emit('service.failed', { service: name, error: toAppError(error) });
    return exitCodeOf(error);
  }
}

hideEnvironment();
process.exit(await main(process.argv[2] ?? ''));
