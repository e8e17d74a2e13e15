// An operator's access with the worker's rights: for commands that work on the vault's keys, on a machine that has the secret
// keys file. It reads wrapped keys and never a ciphertext.

import { AppError } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import { openDatabaseSession, type SessionOptions } from './session.ts';

export interface WorkerSession {
  readonly worker: Database;
  readonly close: () => Promise<void>;
}

/** Throws `config.invalid` for a login that may not act as the worker, and `migration.*`, `db.*`. */
export async function openWorkerSession(options: SessionOptions): Promise<WorkerSession> {
  try {
    const session = await openDatabaseSession({ ...options, role: 'tidemark_worker' });
    return { worker: session.api, close: () => session.close() };
  } catch (error) {
    throw error instanceof AppError && error.code === 'db.forbidden' ? notTheWorker(error) : error;
  }
}

function notTheWorker(cause: AppError): AppError {
  return new AppError(
    'config.invalid',
    'expected the login of the worker or of the owner in DATABASE_URL: no other one may touch wrapped keys',
    { cause },
  );
}
