// One forked process as its supervisor sees it: ready or not, drained or killed, and how it ended.

import { fork, type ChildProcess } from 'node:child_process';
import { isMessage, DRAIN, READY } from './parent-messages.ts';

export interface ChildSpec {
  /** What the process is: `front`, `worker`. Unique in a supervisor. */
  readonly role: string;
  /** Path of the module to run. */
  readonly entry: string;
  readonly args?: readonly string[];
  /** The child's whole environment, asked for at every start. */
  readonly env: () => NodeJS.ProcessEnv;
  /** Options of Node itself; default: this process's own, without the debugger's port. */
  readonly execArgv?: readonly string[];
}

export interface ChildExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SupervisedChild {
  readonly pid: number | undefined;
  /** Resolves when the child said so; never when it ended before. */
  readonly ready: Promise<void>;
  /** Resolves when it has ended, or could not even be started. */
  readonly exited: Promise<ChildExit>;
  /** Asks it to finish what is in hand and end. */
  drain(): void;
  kill(): void;
}

/** In diagnostic reports, which an operator may switch on: it holds the child's login. */
const NO_ENVIRONMENT = '--report-exclude-env';

export function forkChild({ entry, args = [], env, execArgv }: ChildSpec): SupervisedChild {
  const child = fork(entry, [...args], {
    env: env(),
    execArgv: [...(execArgv ?? process.execArgv.filter((option) => !option.startsWith('--inspect'))), NO_ENVIRONMENT],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ready = Promise.withResolvers<void>();
  child.on('message', (message) => {
    if (isMessage(message, READY)) ready.resolve();
  });
  return {
    pid: child.pid,
    ready: ready.promise,
    exited: exitOf(child),
    drain: () => askToDrain(child),
    kill: () => void child.kill('SIGKILL'),
  };
}

function exitOf(child: ChildProcess): Promise<ChildExit> {
  return new Promise((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
    // Without a pid it never started and `exit` never comes; otherwise a message could not be sent, which is harmless.
    child.on('error', () => {
      if (child.pid === undefined) resolve({ exitCode: null, signal: null });
    });
  });
}

/**
 * By message, not by signal: after Ctrl-C the child has had its own SIGINT from the terminal, and a forwarded one would
 * count as the impatient second. A child that closed the channel gets the signal.
 */
function askToDrain(child: ChildProcess): void {
  if (child.connected) child.send(DRAIN, () => undefined);
  else child.kill('SIGTERM');
}
