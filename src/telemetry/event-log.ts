// How code says what happened: an event name with fields. The phrase and the level come from `events.ts`.

import type { EventName } from './events.ts';

export type EventFields = Readonly<Record<string, unknown>>;

export interface EventLog {
  /** Writes one line. `fields` must be JSON-safe; errors go under the key `error`. */
  emit(event: EventName, fields?: EventFields): void;
  /** A log that adds `fields` to each of its lines. */
  with(fields: EventFields): EventLog;
}

/** Writes nothing. For library use and for tests that do not look at logs. */
export const silentLog: EventLog = {
  emit: () => undefined,
  with: () => silentLog,
};
