// A process of a role as it runs in production, on the bench's database: `node workers/main.ts <role>`.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CHILD_ENV } from '../../support/child-env.ts';

const ENTRY = path.join(import.meta.dirname, '../../../workers/main.ts');

export interface RoleProcess {
  readonly process: ChildProcess;
  /** Resident memory now, in MB. */
  rssMb(): Promise<number>;
  stop(): Promise<void>;
}

export function spawnRole(
  role: string,
  env: Readonly<Record<string, string>>,
  execArgv: readonly string[] = [],
): RoleProcess {
  const child = spawn(process.execPath, [...execArgv, ENTRY, role], {
    env: { ...CHILD_ENV, LOG_LEVEL: 'error', ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const exited = once(child, 'exit');
  return {
    process: child,
    async rssMb() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1_024;
    },
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
