// Whether a process that left its number in a file still lives. A number alone proves nothing: it is given out again
// after its process died, so it travels with the instant of birth wherever the system tells it.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; empty where the system does not tell it. */
  readonly birth: string;
}

/** State and start instant from `/proc/<pid>/stat` (proc(5): fields 3 and 22); undefined where there is no such file. */
function readStat(pid: number): { state: string; birth: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name may hold spaces and brackets: count from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', birth: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

/** True for a process that can still do something; a zombie cannot. */
export function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  const state = readStat(pid)?.state;
  if (state === 'Z' || state === 'X') return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, birth: readStat(pid)?.birth ?? '' };
}

/** True when that very process lives, not just another one with its number. */
export function isSameProcess({ pid, birth }: ProcessIdentity): boolean {
  if (!isAlive(pid)) return false;
  const current = identityOf(pid).birth;
  return birth === '' || current === '' || birth === current;
}

/** The identity as one line of a file, and back; undefined for anything else. */
export function formatIdentity({ pid, birth }: ProcessIdentity): string {
  return `${pid} ${birth}`;
}

export function parseIdentity(line: string): ProcessIdentity | undefined {
  const match = /^(\d+) (\d*)$/.exec(line.trim());
  return match === null ? undefined : { pid: Number(match[1]), birth: match[2] ?? '' };
}

function workingFolder(pid: number | string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function commandLine(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

/**
 * Whether the process works in `folder`, as a postmaster and its children do in their data folder. Undefined when the
 * system does not let us see it.
 */
export function worksIn(pid: number, folder: string): boolean | undefined {
  if (process.platform === 'linux') {
    const found = workingFolder(pid);
    return found === undefined ? undefined : found === folder;
  }
  const line = commandLine(pid);
  return line === '' ? undefined : line.includes(folder);
}

/** Living processes that work in `folder`; empty on systems without `/proc`. */
export function processesIn(folder: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && workingFolder(name) === folder)
    .map(Number)
    .filter(isAlive);
}
