// One process at a time starts or stops the server of a data folder. A lock file names its holder; that of a dead
// holder is broken, by exactly one of those that wait.

import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { sleep } from '../core/async.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { formatIdentity, identityOf, isSameProcess, parseIdentity } from './process-identity.ts';

export interface FolderLock {
  /** The lock file; its folder exists. */
  readonly path: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const POLL_MS = 15;
/** A mark older than this belongs to a process that was killed between two system calls. */
const MARK_MAX_AGE_MS = 10_000;

function createExclusive(path: string, text: string): boolean {
  try {
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, text);
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function ageMs(path: string, clock: Clock): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 0 : clock.now().getTime() - stat.mtimeMs;
}

function isHeld(content: string, path: string, clock: Clock): boolean {
  const holder = parseIdentity(content.split('\n')[0] ?? '');
  // Created but not yet written: give its maker a moment.
  if (holder === undefined) return ageMs(path, clock) < MARK_MAX_AGE_MS;
  return isSameProcess(holder);
}

/**
 * Removes the lock of a dead holder. Whoever creates the mark named after that lock's token may remove it, and looks
 * again first: so a slow waiter cannot remove the lock that a fast one has taken meanwhile.
 */
function breakLock(path: string, content: string, clock: Clock): void {
  const token = content.split('\n')[1] ?? 'unwritten';
  const mark = `${path}.${token}.dead`;
  if (!createExclusive(mark, '')) {
    if (ageMs(mark, clock) > MARK_MAX_AGE_MS) rmSync(mark, { force: true });
    return;
  }
  if (readOrUndefined(path) === content) rmSync(path, { force: true });
  rmSync(mark, { force: true });
}

async function acquire({ path, clock, timeoutMs, signal }: FolderLock, content: string): Promise<void> {
  const deadline = clock.mono() + timeoutMs;
  while (!createExclusive(path, content)) {
    const current = readOrUndefined(path);
    if (current !== undefined && !isHeld(current, path, clock)) {
      breakLock(path, current, clock);
    } else if (clock.mono() > deadline) {
      throw new AppError(
        'embedded_postgres.in_use',
        `expected ${path} to be free within ${timeoutMs} ms, but process ${current?.split(' ')[0] ?? '?'} still starts or stops the server`,
      );
    }
    await sleep(POLL_MS, signal);
  }
}

/** Runs `work` while holding the lock. Throws `embedded_postgres.in_use` when it cannot be had in time. */
export async function withFolderLock<T>(lock: FolderLock, work: () => Promise<T>): Promise<T> {
  const content = `${formatIdentity(identityOf(process.pid))}\n${randomUUID()}`;
  await acquire(lock, content);
  try {
    return await work();
  } finally {
    if (readOrUndefined(lock.path) === content) rmSync(lock.path, { force: true });
  }
}
