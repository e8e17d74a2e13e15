// The doctor's look at what a process holds: vault keys where they belong, and memory that no core dump writes to disk.

import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import type { Database } from '../db/database.ts';
import { listKeyHolders } from '../store/worker-keys.ts';
import { SILENT_MS } from '../store/workers.ts';
import type { Finding } from './check.ts';
import { heldSecretKeys, loadPublicKeys } from './keys.ts';

/** `login`: whose login this process has; with one login for everything, nobody's in particular. */
export async function checkKeys(config: Config, login: string | undefined): Promise<Finding> {
  const { keys } = await loadPublicKeys(config);
  const held = await heldSecretKeys(config);
  const isWorker = login === 'tidemark_worker';
  const isOther = login !== undefined && !isWorker;
  if (held === undefined) {
    const finding = `public keys: ${keys.length}, no secret keys here`;
    if (isWorker) return { status: 'failed', finding, advice: 'a worker needs them: set TIDEMARK_SECRET_KEYS_FILE' };
    return { status: 'ok', finding: `${finding} (right for api and scheduler)` };
  }
  const missing = keys.filter(({ id }) => !held.has(id));
  if (missing.length > 0)
    return {
      status: 'weak',
      finding: `cannot open ${missing.map(({ id }) => id).join(', ')}`,
      advice: 'workers need the secret keys of all public keys',
    };
  if (isOther)
    return {
      status: 'weak',
      finding: `the secret keys can be read here, with the login ${login}`,
      advice: 'api and scheduler need the public ones only: run them as another user than the worker',
    };
  return { status: 'ok', finding: `public keys: ${keys.length}, all can be opened here (right for a worker)` };
}

/** Process ids of workers of this machine that are alive. */
async function workersHere(db: Database): Promise<readonly number[]> {
  const here = hostname();
  const alive = await listKeyHolders(db, SILENT_MS);
  return alive.flatMap((worker) => (worker.hostname === here ? [worker.pid] : []));
}

/** Largest core dump of a process in bytes, as `ulimit -c` sets it; undefined where the system does not say. */
async function coreLimit(pid: number | 'self'): Promise<string | undefined> {
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8').catch(() => '');
  return /^Max core file size +(\S+)/m.exec(limits)?.[1];
}

/** Of workers that run here; where none does, of this process, which a worker started in the same way would share. */
export async function checkCoreDumps(db: Database): Promise<Finding> {
  const workers = await workersHere(db);
  const asked = workers.length > 0 ? workers : (['self'] as const);
  const limits = await Promise.all(asked.map((pid) => coreLimit(pid)));
  const known = limits.filter((limit) => limit !== undefined);
  const whose = workers.length > 0 ? 'workers here' : 'processes started like this one';
  if (known.length === 0) return { status: 'ok', finding: `nothing is known of core dumps of ${whose}` };
  if (known.every((limit) => limit === '0')) return { status: 'ok', finding: `off for ${whose}` };
  return {
    status: 'weak',
    finding: `on for ${whose}: one of a worker would hold credentials`,
    advice: 'ulimit -c 0 before the start, LimitCORE=0 under systemd, ulimits: core: 0 in Compose',
  };
}
