// What `postmaster.pid` says and what it is worth. Its process may be dead, or another program by now: a server counts
// only when its process lives and works in this very data folder.

import { readFileSync, realpathSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { isAlive, processesIn, worksIn } from './process-identity.ts';

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly socketFolder: string;
}

/**
 * - `ready` answers
 * - `busy` starts, recovers or stops; it will be ready or gone
 * - `remains` its process is gone; children may still be ending
 * - `absent` stopped in order, or never started
 */
export type ServerState =
  | { readonly state: 'ready'; readonly postmaster: Postmaster }
  | { readonly state: 'busy'; readonly pid: number }
  | { readonly state: 'remains'; readonly children: readonly number[]; readonly isForeignAlive: boolean }
  | { readonly state: 'absent' };

const CONNECT_TIMEOUT_MS = 1_000;

export function pidFileOf(dataFolder: string): string {
  return path.join(dataFolder, 'postmaster.pid');
}

function readPidFile(dataFolder: string): string[] | undefined {
  try {
    return readFileSync(pidFileOf(dataFolder), 'utf8').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port, timeout: CONNECT_TIMEOUT_MS });
  socket.once('timeout', () => socket.destroy(new Error('timeout')));
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** True for the living postmaster of this folder. What the system hides counts as ours: never start a second one. */
export function isPostmasterOf(pid: number, dataFolder: string): boolean {
  return isAlive(pid) && worksIn(pid, realpathSync(dataFolder)) !== false;
}

export async function inspectServer(dataFolder: string): Promise<ServerState> {
  const lines = readPidFile(dataFolder);
  if (lines === undefined) {
    const children = processesIn(realpathSync(dataFolder));
    return children.length === 0 ? { state: 'absent' } : { state: 'remains', children, isForeignAlive: false };
  }
  // pid, data folder, start time, port, socket folder, listen address, shared memory, status (miscadmin.h, 18)
  const pid = Number(lines[0]);
  if (!isPostmasterOf(pid, dataFolder)) {
    return { state: 'remains', children: processesIn(realpathSync(dataFolder)), isForeignAlive: isAlive(pid) };
  }
  const port = Number(lines[3]);
  const isReady = lines[7]?.trim() === 'ready' && (await accepts(port));
  return isReady ? { state: 'ready', postmaster: { pid, port, socketFolder: lines[4] ?? '' } } : { state: 'busy', pid };
}

/** The server refuses to start while another living process bears the recorded number; after `remains` only. */
export function removePidFile(dataFolder: string): void {
  rmSync(pidFileOf(dataFolder), { force: true });
}
