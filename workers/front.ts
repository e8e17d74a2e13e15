// The process of api, scheduler, or both: it holds public keys only, and no login that could read a credential.

import type { Config } from '../src/config/config.ts';
import { systemClock } from '../src/core/clock.ts';
import { AppError } from '../src/core/errors.ts';
import type { Secret } from '../src/core/secret.ts';
import { createApiServices } from '../src/app/api.ts';
import { createSchedulerServices } from '../src/app/scheduler.ts';
import { EXIT_CONFIG } from '../src/lifecycle/exit-code.ts';
import { runProcess } from '../src/lifecycle/process-main.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';

function required(url: Secret | undefined): Secret {
  if (url === undefined)
    throw new AppError('config.invalid', 'expected DATABASE_URL (or start without --role, with the embedded database)');
  return url;
}

/** Runs the roles until the process is asked to end; the exit code. */
export async function runFront(
  roles: ReadonlySet<'api' | 'scheduler'>,
  config: Config,
  log: EventLog,
): Promise<number> {
  const { database, drainMs } = config;
  const metrics = createMetrics();
  const switched = Promise.withResolvers<number>();
  const onSwitched = (): void => switched.resolve(EXIT_CONFIG);
  const common = { config, clock: systemClock, log, metrics, onSwitched };
  const schedulerUrl = required(roles.has('api') ? database.schedulerUrl : database.url);
  const scheduler = roles.has('scheduler')
    ? await createSchedulerServices({ ...common, url: schedulerUrl, directUrl: database.directUrl ?? schedulerUrl })
    : [];
  const api = roles.has('api') ? await createApiServices({ ...common, url: required(database.url) }) : null;
  return await runProcess({
    services: [...scheduler, ...(api?.services ?? [])],
    drainMs,
    log,
    ended: switched.promise,
    onReady: () => {
      if (api !== null) log.emit('api.listening', { address: api.server.address });
    },
  });
}
