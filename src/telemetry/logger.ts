// The log of a process: an event with fields becomes one JSON line, or one readable line at a terminal. Nothing reaches
// the stream without `sanitize`; writing is synchronous, so that a crash does not swallow its own reason.

import { destination, pino, type DestinationStream } from 'pino';
import { systemClock, type Clock } from '../core/clock.ts';
import type { EventFields, EventLog } from './event-log.ts';
import { EVENTS, type EventLevel } from './events.ts';
import { prettyLine } from './pretty-line.ts';
import { sanitize } from './sanitize.ts';

/** Where lines go; each `line` ends with a line feed. */
export interface LineSink {
  write(line: string): void;
}

export interface LoggerOptions {
  readonly level: EventLevel | 'silent';
  /** What this process is: `api`, `worker`, `cli`. */
  readonly role: string;
  /** Default `stdout`. A command whose output is data logs to `stderr`. */
  readonly to?: 'stdout' | 'stderr' | LineSink;
  /** Default `auto`: `pretty` at a terminal, otherwise `json`. A sink of your own is no terminal. */
  readonly format?: 'auto' | 'json' | 'pretty';
  readonly clock?: Clock;
}

/** Names that the log itself uses; a field of that name is written with an underscore behind it. */
const RESERVED = new Set(['time', 'level', 'event', 'msg', 'pid']);

/** Opens the log of this process. Every line has `time`, `level`, `event`, `msg`, `role` and `pid`. */
export function createLogger({
  level,
  role,
  to = 'stdout',
  format = 'auto',
  clock = systemClock,
}: LoggerOptions): EventLog {
  const sink = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${clock.now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {},
    },
    openSink(to, format),
  );
  const stacks = level === 'debug' ? 'shown' : 'hidden';
  const withBindings = (bindings: EventFields): EventLog => ({
    emit(event, fields = {}) {
      const { level: eventLevel, message }: { level: EventLevel; message: string } = EVENTS[event];
      if (!sink.isLevelEnabled(eventLevel)) return;
      sink[eventLevel]({ event, pid: process.pid, ...bindings, ...unreserved(sanitize(fields, { stacks })) }, message);
    },
    with: (fields) => withBindings({ ...bindings, ...unreserved(sanitize(fields, { stacks })) }),
  });
  return withBindings({ role });
}

function unreserved(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [RESERVED.has(key) ? `${key}_` : key, value]));
}

function openSink(
  to: NonNullable<LoggerOptions['to']>,
  format: NonNullable<LoggerOptions['format']>,
): DestinationStream {
  const terminal = to === 'stdout' ? process.stdout : to === 'stderr' ? process.stderr : undefined;
  const stream: LineSink = typeof to === 'string' ? destination({ dest: to === 'stdout' ? 1 : 2, sync: true }) : to;
  const isPretty = format === 'pretty' || (format === 'auto' && terminal?.isTTY === true);
  if (!isPretty) return stream;
  // `hasColors` follows NO_COLOR and FORCE_COLOR.
  const palette = terminal?.isTTY === true && terminal.hasColors() ? 'color' : 'plain';
  return { write: (line) => stream.write(prettyLine(line, palette)) };
}
