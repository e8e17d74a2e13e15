// The scheduler as an installation runs it, with every loop, in the process of a test.

import { createSchedulerServices } from '../../src/app/scheduler.ts';
import type { Config } from '../../src/config/config.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Secret } from '../../src/core/secret.ts';
import { createServiceGroup } from '../../src/lifecycle/service-group.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { eventRecorder, type EventRecorder } from './wait.ts';

export interface TestScheduler {
  readonly events: EventRecorder;
  stop(): Promise<void>;
}

/** `url` is the scheduler's login, `directUrl` the same past a pooler; the caller stops it. */
export async function startTestScheduler(config: Config, url: Secret, directUrl = url): Promise<TestScheduler> {
  const events = eventRecorder();
  const services = await createSchedulerServices({
    config,
    url,
    directUrl,
    clock: systemClock,
    log: events,
    metrics: createMetrics(),
    onSwitched: () => undefined,
  });
  const group = createServiceGroup({ name: 'scheduler', services, stopWithinMs: 10_000, log: events });
  await group.start();
  return { events, stop: () => group.stop() };
}
