// SIGTERM and SIGINT. The first one only sets a flag, which whoever runs the process turns into a drain; the second one
// ends the process at once, for the person who does not want to wait.

import { systemClock, type Clock } from '../core/clock.ts';

export type StopSignal = 'SIGTERM' | 'SIGINT';

const STOP_SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT'];

/** The shell's convention: 128 + number of the signal. */
const EXIT_CODES: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143 };

/**
 * One Ctrl-C often arrives twice: from the terminal, which tells the whole process group, and from npm, which passes on
 * what it got itself; a service manager does the same with SIGTERM. So close together they are one request.
 */
const SAME_REQUEST_MS = 200;

export interface SignalWatch {
  /** Resolves with the first signal. */
  readonly first: Promise<StopSignal>;
  /** Takes the handlers away: signals have their usual effect again. */
  close(): void;
}

export interface SignalOptions {
  /** Ends the process; default `process.exit`. */
  readonly exit?: (code: number) => void;
  readonly clock?: Clock;
}

export function watchSignals({
  exit = (code) => process.exit(code),
  clock = systemClock,
}: SignalOptions = {}): SignalWatch {
  const first = Promise.withResolvers<StopSignal>();
  let firstAt: number | undefined;
  const handle = (signal: StopSignal): void => {
    if (firstAt === undefined) {
      firstAt = clock.mono();
      first.resolve(signal);
    } else if (clock.mono() - firstAt >= SAME_REQUEST_MS) exit(EXIT_CODES[signal]);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, handle);
  return {
    first: first.promise,
    close: () => {
      for (const signal of STOP_SIGNALS) process.off(signal, handle);
    },
  };
}
