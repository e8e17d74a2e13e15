// Waiting in tests: for a condition or an event, never for time. What did not come is named in the failure.

import { setTimeout as delay } from 'node:timers/promises';
import type { EventFields, EventLog } from '../../src/telemetry/event-log.ts';
import type { EventName } from '../../src/telemetry/events.ts';

export interface WaitOptions {
  /** Default 10 s: a limit for a broken test, not a measure of speed. */
  readonly timeoutMs?: number;
  /** What is waited for, for the failure message: `the second child to be ready`. */
  readonly what: string;
}

const POLL_MS = 10;

/**
 * Polls `condition` until it gives something truthy, and resolves with that. A condition that throws is not met yet;
 * its last error is the cause of the failure.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, what }: WaitOptions,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  do {
    try {
      const value = await condition();
      if (value) return value as NonNullable<Exclude<T, false>>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await delay(POLL_MS);
  } while (performance.now() < deadline);
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause });
}

export interface RecordedEvent {
  readonly event: EventName;
  readonly fields: EventFields;
}

export interface EventRecorder extends EventLog {
  /** Everything so far, children of `with` included, oldest first. */
  readonly events: readonly RecordedEvent[];
  /** The first event of this name (that matches), whether it came already or is still to come. */
  waitFor(event: EventName, matches?: (fields: EventFields) => boolean, timeoutMs?: number): Promise<RecordedEvent>;
  /** Events of this name so far. */
  of(event: EventName): readonly RecordedEvent[];
}

/** An EventLog that remembers. */
export function eventRecorder(): EventRecorder {
  const events: RecordedEvent[] = [];
  const recording = (bindings: EventFields): EventLog => ({
    emit: (event, fields = {}) => void events.push({ event, fields: { ...bindings, ...fields } }),
    with: (fields) => recording({ ...bindings, ...fields }),
  });
  return {
    ...recording({}),
    events,
    of: (name) => events.filter(({ event }) => event === name),
    waitFor: (name, matches = () => true, timeoutMs = 10_000) =>
      waitFor(() => events.find(({ event, fields }) => event === name && matches(fields)), {
        timeoutMs,
        get what() {
          return `event ${name}; so far: ${events.map(({ event }) => event).join(', ') || 'none'}`;
        },
      }),
  };
}
