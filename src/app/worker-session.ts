// An operator's access with the worker's rights: for commands that work on the vault's keys, on a machine that has the secret
// keys file. It reads wrapped keys and never a ciphertext.

import { AppError } from '../core/errors.ts';
import { openDatabase, type Database } from '../db/database.ts';
import { assertSchemaKnown } from '../db/migrate.ts';
import { openDatabaseUrls } from './database-urls.ts';
import { migrateAt } from './migrations.ts';
import { actorAt, type SessionOptions } from './session.ts';

export interface WorkerSession {
  readonly worker: Database;
  readonly close: () => Promise<void>;
}

/** Throws `config.invalid` for a login that may not act as the worker, and `migration.*`, `db.*`. */
export async function openWorkerSession({ config, log, signal, command }: SessionOptions): Promise<WorkerSession> {
  const urls = await openDatabaseUrls(config, log);
  const worker = openDatabase({
    url: urls.of('tidemark_worker'),
    role: 'tidemark_worker',
    poolSize: 2,
    actor: actorAt(command),
  });
  const close = async (): Promise<void> => {
    await worker.close();
    await urls.server?.stop();
  };
  try {
    if (urls.server !== null) await migrateAt(urls, log, signal);
    await assertSchemaKnown(worker);
    return { worker, close };
  } catch (error) {
    await close();
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
