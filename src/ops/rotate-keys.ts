// Moves every sealed row to another key while everything runs: only wrapped data keys come here, each is unwrapped and wrapped
// again, and goes back where it was read unless somebody sealed anew meanwhile. What is done is not met again, so a rotation
// may be stopped, or killed, at any moment and run again.

import { AppError } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import {
  keyUsage,
  MAX_WRAPPED_KEYS,
  nextWrappedKeys,
  replaceWrappedKeys,
  SEALED_TABLES,
  type ReplacedKey,
  type SealedTable,
  type StoredWrappedKey,
} from '../store/wrapped-keys.ts';
import type { PublicKey } from '../vault/key-ring.ts';
import type { Opener } from '../vault/opener.ts';

export interface RotationOptions {
  /** Pool of the worker role. */
  readonly worker: Database;
  readonly opener: Opener;
  readonly target: PublicKey;
  /** Looked at between batches; the rotation then ends with an abort error. */
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
  /** Rows at once; default and most: 500. */
  readonly batchSize?: number;
}

/** A row whose data key did not unwrap; it stays as it is. */
export interface FailedRow {
  readonly table: SealedTable;
  readonly id: string;
  readonly integrationId: string | null;
  readonly keyId: string;
  readonly code: 'vault.key_missing' | 'vault.open_failed';
}

export interface Rotation {
  readonly rewrapped: number;
  readonly failed: number;
  /** At most 100 of them. */
  readonly failures: readonly FailedRow[];
  /** Rows that are under another key at the end, failed ones included: somebody still seals to it, or held the row. */
  readonly left: number;
}

/** A row that was held or sealed anew in one pass is met again in the next. */
const MAX_PASSES = 5;
const MAX_FAILURES = 100;

/** Rows under another key than `keyId`. */
export async function countUnderOthers(worker: Database, keyId: string): Promise<number> {
  const usage = await keyUsage(worker);
  return usage.filter((use) => use.keyId !== keyId).reduce((sum, { rows }) => sum + rows, 0);
}

/** Throws `vault.key_retired` when the target is retired, `db.*`, and the signal's reason. */
export async function rotateKeys(options: RotationOptions): Promise<Rotation> {
  const { worker, target, onProgress } = options;
  const total = await countUnderOthers(worker, target.id);
  let rewrapped = 0;
  onProgress?.(0, total);
  const onBatch = (replaced: number): void => {
    rewrapped += replaced;
    onProgress?.(rewrapped, Math.max(total, rewrapped));
  };
  let pass = await rotateOnce(options, onBatch);
  for (let passes = 1; pass.missed > 0 && passes < MAX_PASSES; passes++) pass = await rotateOnce(options, onBatch);
  const { failed, failures } = pass;
  return { rewrapped, failed, failures, left: await countUnderOthers(worker, target.id) };
}

interface Pass {
  failed: number;
  readonly failures: FailedRow[];
  /** Rows that were not replaced because they had changed or were held. */
  missed: number;
}

async function rotateOnce(options: RotationOptions, onBatch: (replaced: number) => void): Promise<Pass> {
  const pass: Pass = { failed: 0, failures: [], missed: 0 };
  for (const table of SEALED_TABLES) await rotateTable(options, table, pass, onBatch);
  return pass;
}

async function rotateTable(
  options: RotationOptions,
  table: SealedTable,
  pass: Pass,
  onBatch: (replaced: number) => void,
): Promise<void> {
  const { worker, target, signal, batchSize = MAX_WRAPPED_KEYS } = options;
  let after: string | null = null;
  for (;;) {
    signal.throwIfAborted();
    const page = { table, currentKeyId: target.id, after, limit: Math.min(batchSize, MAX_WRAPPED_KEYS) };
    const rows: readonly StoredWrappedKey[] = await nextWrappedKeys(worker, page);
    if (rows.length === 0) return;
    const keys = rewrapAll(options, table, rows, pass);
    const replaced = keys.length === 0 ? 0 : await replaceWrappedKeys(worker, table, target.id, keys);
    pass.missed += keys.length - replaced;
    onBatch(replaced);
    after = rows.at(-1)!.id;
  }
}

function rewrapAll(
  { opener, target }: RotationOptions,
  table: SealedTable,
  rows: readonly StoredWrappedKey[],
  pass: Pass,
): readonly ReplacedKey[] {
  return rows.flatMap((row) => {
    try {
      return [{ id: row.id, oldWrappedKey: row.wrappedKey, newWrappedKey: opener.rewrap(row, target).wrappedKey }];
    } catch (error) {
      const code = error instanceof AppError ? error.code : undefined;
      if (code !== 'vault.key_missing' && code !== 'vault.open_failed') throw error;
      const { id, integrationId, keyId } = row;
      pass.failed++;
      if (pass.failures.length < MAX_FAILURES) pass.failures.push({ table, id, integrationId, keyId, code });
      return [];
    }
  });
}
