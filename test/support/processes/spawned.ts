// A real process under test: what it logged so far and how it ended. Whatever a test starts here is killed after it.

import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../wait.ts';

export interface LogLine {
  readonly event: string;
  readonly role: string;
  readonly pid: number;
  readonly [field: string]: unknown;
}

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnedProcess {
  readonly pid: number;
  /** Resolves when it has ended and everything that it and its children wrote is read. */
  readonly ended: Promise<Ended>;
  /** Everything it and its children wrote. */
  output(): string;
  lines(): readonly LogLine[];
  kill(signal: NodeJS.Signals): void;
  /** The first line with this event that matches, already written or still to come. */
  logged(event: string, matches?: (line: LogLine) => boolean): Promise<LogLine>;
}

const started = new Set<ChildProcess>();

/** For `afterEach`. */
export function killSpawned(): void {
  for (const child of started) child.kill('SIGKILL');
  started.clear();
}

/** True while a process of this id runs; one that ended and was only not collected yet (in a container) does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch (error) {
    // A system without /proc has an init that collects.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && process.platform !== 'linux';
  }
}

function parseLines(output: string): LogLine[] {
  const complete = output.split('\n').slice(0, -1);
  return complete.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LogLine);
}

/** Runs `command` without a terminal, its output caught; in this environment, unless it gets one of its own. */
export function spawnCaught(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): SpawnedProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(env === undefined ? {} : { env }) });
  started.add(child);
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => void chunks.push(chunk));
  }
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const output = (): string => chunks.join('');
  const lines = (): LogLine[] => parseLines(output());
  return {
    pid: child.pid!,
    ended,
    output,
    lines,
    kill: (signal) => void child.kill(signal),
    logged: (event, matches = () => true) =>
      waitFor(() => lines().find((line) => line.event === event && matches(line)), {
        timeoutMs: 20_000,
        get what() {
          return `a line ${event} in the output:\n${output()}`;
        },
      }),
  };
}

/** Runs a module of this folder with this Node. */
export function spawnModule(
  name: 'run-child.ts' | 'run-supervisor.ts' | 'counting-worker.ts',
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): SpawnedProcess {
  return spawnCaught(process.execPath, [fileURLToPath(new URL(name, import.meta.url)), ...args], env);
}
