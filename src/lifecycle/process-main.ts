// The life of a process: start its services, wait for a reason to end, drain, answer with the exit code. It never exits
// by itself except on an error that nobody handled, after which nothing in memory can be trusted.

import { isAbort } from '../core/errors.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { connectToParent } from './child.ts';
import { EXIT_FAILED, EXIT_OK, exitCodeOf } from './exit-code.ts';
import { createServiceGroup } from './service-group.ts';
import type { Service } from './service.ts';
import { watchSignals } from './signals.ts';

export interface ProcessOptions {
  /** Each may depend on those before it. */
  readonly services: readonly Service[];
  /** Budget for stopping all services, in milliseconds. */
  readonly drainMs: number;
  readonly log: EventLog;
  /** Resolves with an exit code when something inside asks the process to end: `supervisor.refused`. */
  readonly ended?: Promise<number>;
  /** Called once all services are ready. */
  readonly onReady?: () => void;
}

interface StopRequest {
  readonly reason: string;
  readonly exitCode: number;
}

/**
 * Runs `services` until a signal, the supervisor or `ended` asks for the end, and drains. Resolves with the exit code:
 * 0 after a clean drain, 1 when a service failed or did not stop in time, 2 when a service refused its configuration.
 * The caller passes it to `process.exit`, because what did not stop in time would keep the process alive.
 */
export async function runProcess({ services, drainMs, log, ended, onReady }: ProcessOptions): Promise<number> {
  const signals = watchSignals();
  const parent = connectToParent();
  const stopCatching = catchUnhandled(log);
  const group = createServiceGroup({ name: 'process', services, stopWithinMs: drainMs, log });
  const requested = Promise.race<StopRequest>([
    signals.first.then((reason) => ({ reason, exitCode: EXIT_OK })),
    parent.drain.then((reason) => ({ reason, exitCode: EXIT_OK })),
    ...(ended === undefined ? [] : [ended.then((exitCode) => ({ reason: 'service_ended', exitCode }))]),
  ]);
  try {
    const started = await Promise.race([startOf(group), requested.then(() => undefined)]);
    if (started?.error !== undefined) {
      log.emit('service.failed', { error: started.error });
      return exitCodeOf(started.error);
    }
    if (started !== undefined) {
      log.emit('process.started');
      parent.ready();
      onReady?.();
    }
    return await drain(group, await requested, log);
  } finally {
    signals.close();
    parent.close();
    stopCatching();
  }
}

/** Never rejects: whoever is asked to end while starting looks no more at how the start went. */
async function startOf(group: Service): Promise<{ readonly error?: unknown }> {
  try {
    await group.start();
    return {};
  } catch (error) {
    return { error };
  }
}

async function drain(group: Service, { reason, exitCode }: StopRequest, log: EventLog): Promise<number> {
  log.emit('process.stopping', { reason });
  try {
    await group.stop();
    log.emit('process.stopped', { exitCode });
    return exitCode;
  } catch (error) {
    if (!isAbort(error)) log.emit('service.failed', { error });
    const failed = exitCode === EXIT_OK ? EXIT_FAILED : exitCode;
    log.emit('process.stopped', { exitCode: failed });
    return failed;
  }
}

/** Node's own report of such an error prints whole objects, requests with their headers among them. */
function catchUnhandled(log: EventLog): () => void {
  const crash = (error: unknown): void => {
    log.emit('process.crashed', { error });
    process.exit(EXIT_FAILED);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  return () => {
    process.off('uncaughtException', crash);
    process.off('unhandledRejection', crash);
  };
}
