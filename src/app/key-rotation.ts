// Rotating and retiring the vault's keys with everything at hand: the secret keys file, the worker's login, and what the living
// workers say they hold. Nothing is rewrapped that one of them could not open, and nothing retired that one still seals to.

import type { Config } from '../config/config.ts';
import { sleep } from '../core/async.ts';
import { systemClock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import { AppError } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import { rotateKeys, type Rotation } from '../ops/rotate-keys.ts';
import { noteSecurityEvent } from '../store/security-logs.ts';
import { listKeyHolders, type KeyHolder } from '../store/worker-keys.ts';
import { SILENT_MS } from '../store/workers.ts';
import { listRetiredKeys, retireKey } from '../store/wrapped-keys.ts';
import { publicRing, type PublicKey } from '../vault/key-ring.ts';
import { createOpener } from '../vault/opener.ts';
import { readSecretKeys, removeSecretKey } from '../vault/secret-keys-file.ts';
import { inBackupsUntil } from './backups.ts';
import { loadPublicKeys, secretKeysFile } from './keys.ts';

/** Workers look at their file every two seconds. */
const TAKE_UP_MS = 10 * SECOND_MS;
const POLL_MS = 250;

export interface RotateOptions {
  readonly config: Config;
  readonly worker: Database;
  readonly signal: AbortSignal;
  /** `ignored`: rewraps although living workers do not hold the key; they cannot open what comes of it until they do. */
  readonly holders: 'required' | 'ignored';
  /** How long workers are given to take up the key, in milliseconds; default 10 s. */
  readonly takeUpMs?: number;
  readonly onWait: (who: string) => void;
  readonly onProgress: (done: number, total: number) => void;
}

export interface Rotated extends Rotation {
  readonly keyId: string;
}

/**
 * Moves everything to the newest key of the secret keys file. Throws `vault.key_in_use` when living workers do not hold it,
 * `vault.*` for the file, and as `rotateKeys` does.
 */
export async function rotateToNewest(options: RotateOptions): Promise<Rotated> {
  const { config, worker, signal, holders, onProgress } = options;
  const ring = await readSecretKeys(secretKeysFile(config));
  const target = publicRing([...ring.values()].map(({ publicKey }) => publicKey)).current;
  if (holders === 'required') await awaitHolders(options, target);
  const rotation = await rotateKeys({ worker, opener: createOpener(ring), target, signal, onProgress });
  const { rewrapped, failed, left } = rotation;
  await noteSecurityEvent(worker, {
    at: systemClock.now(),
    event: 'key.rotated',
    details: { keyId: target.id, rewrapped, failed, left },
  });
  return { keyId: target.id, ...rotation };
}

/** A key that was just added is taken up within seconds; a worker with a file of its own may never do so. */
async function awaitHolders(options: RotateOptions, target: PublicKey): Promise<void> {
  const { worker, signal, onWait, takeUpMs = TAKE_UP_MS } = options;
  const giveUpAt = systemClock.mono() + takeUpMs;
  for (let told = false; ; told = true) {
    const lacking = (await listKeyHolders(worker, SILENT_MS)).filter(({ keyIds }) => !keyIds.includes(target.id));
    if (lacking.length === 0) return;
    const who = namesOf(lacking);
    if (systemClock.mono() >= giveUpAt)
      throw new AppError(
        'vault.key_in_use',
        `expected every living worker to hold the key ${target.id}, but ${who} would not open what is rewrapped: ` +
          'give them the secret keys file (or stop them), or use --force',
      );
    if (!told) onWait(who);
    await sleep(POLL_MS, signal);
  }
}

/** At most five by name. */
function namesOf(workers: readonly KeyHolder[]): string {
  const names = workers.slice(0, 5).map(({ hostname, pid }) => `${hostname} (process ${pid})`);
  return names.join(', ') + (workers.length > names.length ? ` and ${workers.length - names.length} more` : '');
}

export interface RetireOptions {
  readonly config: Config;
  readonly worker: Database;
  readonly keyId: string;
  /** Whether the key leaves the secret keys file too. */
  readonly file: 'remove' | 'keep';
}

export interface Retired {
  readonly keyId: string;
  readonly removedFromFile: boolean;
  /** Backups older than now need the key until then. */
  readonly keepUntil: Date;
}

/**
 * Locks a key out of the database and takes it from the file. Throws `vault.key_in_use` for a current key, for one that a
 * living worker seals to, and for one that rows are sealed to; then nothing has changed. Safe to repeat.
 */
export async function retire({ config, worker, keyId, file }: RetireOptions): Promise<Retired> {
  await assertRetirable(config, worker, keyId);
  const sealing = (await listKeyHolders(worker, SILENT_MS)).filter(({ sealsTo }) => sealsTo === keyId);
  if (sealing.length > 0)
    throw inUse(keyId, `${namesOf(sealing)} seal to it: give them the new TIDEMARK_PUBLIC_KEYS and restart them`);
  const uses = await retireKey(worker, keyId);
  if (uses.length > 0) {
    const rows = uses.map((use) => `${use.rows} of ${use.table}`).join(', ');
    throw inUse(keyId, `rows are sealed to it (${rows}): run \`tidemark keys rotate\` first`);
  }
  const now = systemClock.now();
  const removedFromFile = file === 'remove' && (await removeSecretKey(secretKeysFile(config), keyId));
  await noteSecurityEvent(worker, { at: now, event: 'key.retired', details: { keyId, removedFromFile } });
  return { keyId, removedFromFile, keepUntil: inBackupsUntil(config, now) };
}

async function assertRetirable(config: Config, worker: Database, keyId: string): Promise<void> {
  const ring = await readSecretKeys(secretKeysFile(config));
  const { current } = await loadPublicKeys(config);
  const [newest] = ring.keys();
  if (keyId === newest || keyId === current.id)
    throw inUse(
      keyId,
      'it is a current one: run `tidemark keys rotate --generate`, and set TIDEMARK_PUBLIC_KEYS, first',
    );
  if (ring.has(keyId) || (await listRetiredKeys(worker)).includes(keyId)) return;
  throw new AppError('usage.invalid', `expected a key of ${secretKeysFile(config)}, got ${JSON.stringify(keyId)}`);
}

function inUse(keyId: string, why: string): AppError {
  return new AppError('vault.key_in_use', `the key ${keyId} cannot be retired: ${why}`);
}
