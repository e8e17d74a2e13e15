// Several services as one: started in order, stopped in reverse, so that each finds what it depends on for as long as it
// lives. One that does not stop in time is reported and left behind; it must never keep the others from stopping.

import { setTimeout as delay } from 'node:timers/promises';
import { systemClock, type Clock } from '../core/clock.ts';
import { AppError, isAbort, reportOf } from '../core/errors.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Health, HealthStatus, Service } from './service.ts';

export interface ServiceGroupOptions {
  readonly name: string;
  /** Each may depend on those before it. */
  readonly services: readonly Service[];
  /** Budget for stopping all of them, in milliseconds; what one leaves over is the next one's. */
  readonly stopWithinMs: number;
  /** What each gets even when the budget is used up, in milliseconds; default 1,000. */
  readonly graceMs?: number;
  readonly log: EventLog;
  readonly clock?: Clock;
}

/**
 * `start` throws AppError `service.start_failed` with the failed service's error as cause, after it stopped the ones
 * already started; `stop` throws `service.stop_timeout` or `service.stop_failed` after it tried every one. A `stop`
 * during `start` ends it with an abort error.
 */
export function createServiceGroup(options: ServiceGroupOptions): Service {
  return new ServiceGroup(options);
}

interface StopFailure {
  readonly service: string;
  readonly error: unknown;
}

const SEVERITY: readonly HealthStatus[] = ['ok', 'degraded', 'down'];

class ServiceGroup implements Service {
  readonly name: string;
  readonly #services: readonly Service[];
  readonly #stopWithinMs: number;
  readonly #graceMs: number;
  readonly #log: EventLog;
  readonly #clock: Clock;
  readonly #started: Service[] = [];
  #starting: { readonly service: Service; readonly settled: Promise<boolean> } | undefined;
  #stopping: Promise<void> | undefined;

  constructor({ name, services, stopWithinMs, graceMs = 1_000, log, clock = systemClock }: ServiceGroupOptions) {
    this.name = name;
    this.#services = services;
    this.#stopWithinMs = stopWithinMs;
    this.#graceMs = graceMs;
    this.#log = log;
    this.#clock = clock;
  }

  async start(): Promise<void> {
    for (const service of this.#services) {
      if (this.#stopping !== undefined) throw stoppedWhileStarting(this.name);
      await this.#startOne(service);
    }
    if (this.#stopping !== undefined) throw stoppedWhileStarting(this.name);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll().then(throwFailures);
    return this.#stopping;
  }

  async health(): Promise<Health> {
    const all = await Promise.all(this.#services.map(healthOf));
    return all.reduce(
      (worst, next) => (SEVERITY.indexOf(next.status) > SEVERITY.indexOf(worst.status) ? next : worst),
      {
        status: 'ok',
      },
    );
  }

  async #startOne(service: Service): Promise<void> {
    const starting = startOf(service);
    this.#starting = { service, settled: starting.then(() => true).catch(() => false) };
    try {
      await starting;
    } catch (error) {
      this.#starting = undefined;
      // Whoever stopped the group mid-start knows why; and what the stop left behind is its own report.
      if (this.#stopping !== undefined) throw isAbort(error) ? error : stoppedWhileStarting(this.name, error);
      const stopped = this.#stopAll();
      this.#stopping = stopped.then(() => undefined);
      throw startFailed(service, error, await stopped);
    }
    if (this.#stopping !== undefined) return;
    this.#starting = undefined;
    this.#started.push(service);
    this.#log.emit('service.started', { service: service.name });
  }

  async #stopAll(): Promise<readonly StopFailure[]> {
    const failures: StopFailure[] = [];
    const begunAt = this.#clock.mono();
    const last = this.#starting === undefined ? [] : [stopsWhileStarting(this.#starting)];
    for (const service of [...this.#started, ...last].toReversed()) {
      const leftMs = this.#stopWithinMs - (this.#clock.mono() - begunAt);
      const failure = await stopOne(service, Math.max(this.#graceMs, leftMs));
      if (failure === undefined) this.#log.emit('service.stopped', { service: service.name });
      else {
        failures.push(failure);
        this.#log.emit('service.failed', { ...failure });
      }
    }
    return failures;
  }
}

// A synchronous throw of a careless `start` or `stop` becomes a rejection like any other.
async function startOf(service: Service): Promise<void> {
  await service.start();
}

async function stopOf(service: Pick<Service, 'stop'>): Promise<void> {
  await service.stop();
}

interface Starting {
  readonly service: Service;
  /** True when it did start. */
  readonly settled: Promise<boolean>;
}

/** Stops a service in the middle of its start: asked at once, and again if it came up all the same. */
function stopsWhileStarting({ service, settled }: Starting): Pick<Service, 'name' | 'stop'> {
  return {
    name: service.name,
    async stop() {
      const asked = service.stop();
      const [cameUp] = await Promise.all([settled, asked]);
      if (cameUp) await service.stop();
    },
  };
}

async function stopOne(service: Pick<Service, 'name' | 'stop'>, withinMs: number): Promise<StopFailure | undefined> {
  const timer = new AbortController();
  const late = async (): Promise<never> => {
    await delay(withinMs, undefined, { signal: timer.signal });
    const message = `service ${service.name} was expected to stop within ${Math.round(withinMs)} ms and still runs`;
    throw new AppError('service.stop_timeout', message);
  };
  try {
    await Promise.race([stopOf(service), late()]);
    return undefined;
  } catch (error) {
    return { service: service.name, error };
  } finally {
    timer.abort();
  }
}

async function healthOf(service: Service): Promise<Health> {
  try {
    const health = (await service.health?.()) ?? { status: 'ok' };
    return health.status === 'ok'
      ? health
      : { ...health, reason: `${service.name}: ${health.reason ?? health.status}` };
  } catch (error) {
    return { status: 'down', reason: `${service.name}: asking for its health failed with ${reportOf(error).code}` };
  }
}

function stoppedWhileStarting(name: string, cause?: unknown): Error {
  const error = new Error(`${name} was stopped while it started`, { cause });
  error.name = 'AbortError';
  return error;
}

function startFailed(service: Service, cause: unknown, stopFailures: readonly StopFailure[]): AppError {
  const message = `service ${service.name} was expected to start and failed: ${reportOf(cause).message}`;
  const left = stopFailures.map((failure) => ({ service: failure.service, ...reportOf(failure.error) }));
  return new AppError('service.start_failed', message, {
    cause,
    details: { service: service.name, ...(left.length === 0 ? {} : { stopFailures: left }) },
  });
}

function throwFailures(failures: readonly StopFailure[]): void {
  if (failures.length === 0) return;
  const isTimeout = failures.every(({ error }) => error instanceof AppError && error.code === 'service.stop_timeout');
  const sentences = failures.map(({ service, error }) => `${service}: ${reportOf(error).message}`);
  throw new AppError(
    isTimeout ? 'service.stop_timeout' : 'service.stop_failed',
    `services did not stop cleanly: ${sentences.join('; ')}`,
    { cause: failures.length === 1 ? failures[0]!.error : new AggregateError(failures.map(({ error }) => error)) },
  );
}
