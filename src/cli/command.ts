// How a command meets the rest: options are read by commander, everything else is handed in. A command opens what it
// needs through its context, and all of it is closed when the command ends, however it ends.

import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import type { Session } from '../app/session.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Output } from './output.ts';

export interface CommandContext {
  readonly output: Output;
  readonly config: Config;
  readonly log: EventLog;
  /** Fires at SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** `users add`: written beside what it changes. */
  readonly command: string;
  /** Databases and queue as an operator's; opened at the first call. */
  readonly session: () => Promise<Session>;
}

export type Action<Options> = (context: CommandContext, options: Options, args: readonly string[]) => Promise<void>;

/** Runs an action with a context and turns what it throws into an exit code. */
export type Runner = <Options>(action: Action<Options>) => (...args: readonly unknown[]) => Promise<void>;

/** One group of commands; a file each in `commands/`. */
export type Registration = (program: Command, run: Runner) => void;

/** commander hands over the positional arguments, then the options, then the command itself. */
export function splitArguments(values: readonly unknown[]): {
  readonly args: string[];
  readonly options: Readonly<Record<string, unknown>>;
} {
  const command = values.at(-1) as Command;
  return { args: command.args, options: command.optsWithGlobals<Record<string, unknown>>() };
}

/** A subcommand with `--json`. */
export function subcommand(parent: Command, usage: string, description: string): Command {
  return parent.command(usage).description(description).option('--json', 'print one JSON document');
}
