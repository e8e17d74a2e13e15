// What every service must survive: being stopped before, during and after its start, twice and in a hurry. Call it once
// per service, in a test of its own.

import type { Service } from '../../src/lifecycle/service.ts';
import { waitFor } from './wait.ts';

export interface StressOptions {
  /** How often each order of events is tried; default 10. */
  readonly rounds?: number;
  /** How long one start or stop may take, in milliseconds; default 10,000. */
  readonly withinMs?: number;
}

/** An order of starts and stops that ends with a stopped service. */
type Sequence = (service: Service) => Promise<unknown>;

const SEQUENCES: Readonly<Record<string, Sequence>> = {
  'stopped before it starts': (service) => service.stop(),
  'started and stopped': async (service) => {
    await service.start();
    await service.health?.();
    await service.stop();
  },
  'stopped twice at once and once more': async (service) => {
    await service.start();
    await Promise.all([service.stop(), service.stop()]);
    await service.stop();
  },
  // How such a start ends is its own affair; that it ends, and that nothing is left, is not.
  'stopped while it starts': async (service) => {
    const [, stopped] = await Promise.allSettled([service.start(), service.stop()]);
    if (stopped.status === 'rejected') throw stopped.reason;
    await service.stop();
  },
  'stopped one turn after its start': async (service) => {
    const starting = Promise.allSettled([service.start()]);
    await new Promise((resolve) => void setImmediate(resolve));
    await service.stop();
    await starting;
    await service.stop();
  },
};

/** Handles that keep a process alive, by kind. Timers and immediates of the runner itself come and go. */
function openHandles(): ReadonlyMap<string, number> {
  const kinds = process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate');
  return new Map([...new Set(kinds)].map((kind) => [kind, kinds.filter((other) => other === kind).length]));
}

async function expectNothingLeft(name: string, before: ReadonlyMap<string, number>): Promise<void> {
  const left = (): string[] =>
    [...openHandles()].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind]) => kind);
  await waitFor(() => left().length === 0, {
    get what() {
      return `a service ${name} to leave nothing open; left: ${left().join(', ')}`;
    },
  });
}

async function within(name: string, ms: number, work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`a service ${name} took more than ${ms} ms`)), ms);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Starts and stops services made by `makeService` in every order; each call must give a fresh one. */
export async function stressStartStop(
  makeService: () => Service | Promise<Service>,
  { rounds = 10, withinMs = 10_000 }: StressOptions = {},
): Promise<void> {
  for (const [name, sequence] of Object.entries(SEQUENCES)) {
    const before = openHandles();
    for (let round = 0; round < rounds; round++) await within(name, withinMs, sequence(await makeService()));
    await expectNothingLeft(name, before);
  }
}
