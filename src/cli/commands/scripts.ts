// tidemark demo and bench: scripts beside the simulators, started as processes of their own, because nothing outside the
// tests may import those.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import { EXIT_FAILED } from '../../lifecycle/exit-code.ts';
import type { Registration } from '../command.ts';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** Runs a script with the same arguments and passes signals on; its exit code becomes ours. */
async function runScript(script: string, args: readonly string[]): Promise<void> {
  const file = path.join(ROOT, script);
  if (!existsSync(file))
    throw new AppError('usage.invalid', `expected ${script}, which is part of a checkout of the project only`);
  const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit' });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', pass);
  process.on('SIGTERM', pass);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGINT', pass);
  process.off('SIGTERM', pass);
  process.exitCode = code ?? EXIT_FAILED;
}

export const registerScripts: Registration = (program, run) => {
  const script = (file: string) => run(async (_context, _options, args) => await runScript(file, args));
  const raw = (command: Command): Command => command.allowUnknownOption().allowExcessArguments().helpOption(false);
  raw(
    program.command('demo').description('see it work: simulated platforms, demo users, a full sync (--once, --json)'),
  ).action(script('test/demo/main.ts'));
  raw(program.command('bench').description('measure beside bare references (--json)')).action(
    script('test/bench/main.ts'),
  );
};
