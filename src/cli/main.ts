// The command line. Reads the configuration, builds the context that a command asks for, and turns whatever it throws into
// one sentence and an exit code: 0 ok, 1 failed, 2 wrong usage or configuration.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { openSession, type Session } from '../app/session.ts';
import { loadConfig } from '../config/load-config.ts';
import { isAbort } from '../core/errors.ts';
import { createLogger } from '../telemetry/logger.ts';
import { splitArguments, type CommandContext, type Registration, type Runner } from './command.ts';
import { registerAudit } from './commands/audit.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerEngine } from './commands/engine.ts';
import { registerHealth } from './commands/health.ts';
import { registerIntegrations } from './commands/integrations.ts';
import { registerJobs } from './commands/jobs.ts';
import { registerKeys } from './commands/keys.ts';
import { registerMigrate } from './commands/migrate.ts';
import { registerPartitions } from './commands/partitions.ts';
import { registerPrune } from './commands/prune.ts';
import { registerQueues } from './commands/queues.ts';
import { registerRetention } from './commands/retention.ts';
import { registerRollup } from './commands/rollup.ts';
import { registerRuns } from './commands/runs.ts';
import { registerScripts } from './commands/scripts.ts';
import { registerStart } from './commands/start.ts';
import { registerStreams } from './commands/streams.ts';
import { registerTokens } from './commands/tokens.ts';
import { registerUsers } from './commands/users.ts';
import { EXIT_CONFIG, EXIT_FAILED, EXIT_OK } from '../lifecycle/exit-code.ts';
import { hideEnvironment } from '../lifecycle/diagnostic-report.ts';
import { describeError, describeUsage } from './exit.ts';
import { createOutput } from './output.ts';

const GROUPS: readonly Registration[] = [
  registerStart,
  registerScripts,
  registerMigrate,
  registerUsers,
  registerIntegrations,
  registerStreams,
  registerRuns,
  registerJobs,
  registerQueues,
  registerTokens,
  registerKeys,
  registerAudit,
  registerRollup,
  registerRetention,
  registerPrune,
  registerPartitions,
  registerDoctor,
  registerHealth,
  registerEngine,
];

/** `start` is a service and logs what it does; every other command speaks for itself and logs trouble only. */
function contextOf(
  command: string,
  json: boolean,
  signal: AbortSignal,
): { readonly context: CommandContext; readonly close: () => Promise<void> } {
  const config = loadConfig();
  const service = command === 'start';
  const log = createLogger({
    level: service ? config.logLevel : 'warn',
    role: service ? 'supervisor' : 'cli',
    to: service ? 'stdout' : 'stderr',
  });
  let session: Promise<Session> | undefined;
  return {
    context: {
      output: createOutput(process, json),
      config,
      log,
      signal,
      session: () => (session ??= openSession({ config, log, signal, command })),
      command,
    },
    close: async () => await (await session)?.close(),
  };
}

/** `users add`, without the program's own name. */
function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${pathOf(parent)} ${command.name()}`;
}

function createRunner(): Runner {
  return (action) =>
    async (...values) => {
      const { args, options } = splitArguments(values);
      const stopping = new AbortController();
      const command = values.at(-1) as Command;
      // `start` handles signals itself, by draining.
      const stop = (): void => stopping.abort();
      if (command.name() !== 'start') for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
      const { context, close } = contextOf(pathOf(command), options.json === true, stopping.signal);
      try {
        await action(context, options as never, args);
      } finally {
        await close();
        process.off('SIGINT', stop).off('SIGTERM', stop);
      }
    };
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return (manifest as { readonly version: string }).version;
}

/** Runs one command line; the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('tidemark')
    .description('Keeps your own Postgres in step with what your users have on other platforms.')
    .version(packageVersion())
    .showHelpAfterError('(add --help for what is expected)')
    .configureOutput({ outputError: (text, write) => write(describeUsage(text)) })
    .exitOverride();
  for (const register of GROUPS) register(program, createRunner());
  for (const command of program.commands) inheritExit(command);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT_OK;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_CONFIG;
    if (isAbort(error)) {
      process.stderr.write('tidemark: interrupted\n');
      return EXIT_FAILED;
    }
    const { text, exitCode } = describeError(error);
    process.stderr.write(`${text}\n`);
    return exitCode;
  }
}

function inheritExit(command: Command): void {
  command.exitOverride().showHelpAfterError('(add --help for what is expected)');
  for (const child of command.commands) inheritExit(child);
}

hideEnvironment();
process.exit(await main(process.argv.slice(2)));
