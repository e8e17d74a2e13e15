// Keeps a worker's keys as their file has them, and tells the others which ones it has: who rewraps or retires a key asks the
// workers' rows first.

import { SECOND_MS } from '../src/core/duration.ts';
import { AppError } from '../src/core/errors.ts';
import type { Database } from '../src/db/database.ts';
import { createLoop } from '../src/lifecycle/loop.ts';
import type { Service } from '../src/lifecycle/service.ts';
import { reportWorkerKeys, type WorkerKeys } from '../src/store/worker-keys.ts';
import { listRetiredKeys } from '../src/store/wrapped-keys.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import type { LiveKeys } from '../src/vault/live-keys.ts';

export interface KeyWatchOptions {
  /** Pool of the worker role. */
  readonly db: Database;
  readonly workerId: string;
  readonly keys: LiveKeys;
  readonly log: EventLog;
  /** Default 2 s. */
  readonly everyMs?: number;
}

const EVERY_MS = 2 * SECOND_MS;

export function workerKeysOf(keys: LiveKeys): WorkerKeys {
  return { keyIds: keys.ids(), sealsTo: keys.publicKeys.current.id };
}

/**
 * `start` throws `vault.key_retired` for a worker that would seal to a retired key: it would spend refresh tokens whose
 * successors it cannot store.
 */
export function createKeyWatch({ db, workerId, keys, log, everyMs = EVERY_MS }: KeyWatchOptions): Service {
  let reported = '';
  const loop = createLoop({
    name: 'key-watch',
    everyMs,
    log,
    async pass() {
      keys.look();
      const now = workerKeysOf(keys);
      const text = JSON.stringify(now);
      if (text !== reported && (await reportWorkerKeys(db, workerId, now))) reported = text;
    },
  });
  return {
    name: loop.name,
    async start() {
      await assertNotRetired(db, keys.publicKeys.current.id);
      await loop.start();
    },
    stop: () => loop.stop(),
    health: () => loop.health?.() ?? { status: 'ok' },
  };
}

async function assertNotRetired(db: Database, keyId: string): Promise<void> {
  if (!(await listRetiredKeys(db)).includes(keyId)) return;
  throw new AppError(
    'vault.key_retired',
    `expected a key that still seals, but ${keyId} is retired: give this process the new TIDEMARK_PUBLIC_KEYS`,
  );
}
