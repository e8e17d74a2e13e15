// The vault's keys of this process: public ones for everybody, secret ones for the worker. On an unconfigured machine a
// pair is made at the first start and kept in the data folder.

import type { Config } from '../config/load-config.ts';
import { AppError } from '../core/errors.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import {
  generateKeyPair,
  parsePublicKeys,
  publicRing,
  renderPublicKeys,
  type PublicKeyRing,
  type SecretKeyRing,
} from '../vault/key-ring.ts';
import { createLiveKeys, type LiveKeys } from '../vault/live-keys.ts';
import { addSecretKey, ensureSecretKeys, readSecretKeys } from '../vault/secret-keys-file.ts';
import { ensureSecretsFolder, secretKeysPath } from './secrets-folder.ts';

export function secretKeysFile({ keys, dataDir }: Config): string {
  return keys.secretKeysFile ?? secretKeysPath(dataDir);
}

/** Whether keys are ours to make: nobody configured any. */
function isUnconfigured({ keys }: Config): boolean {
  return keys.publicKeys === undefined && keys.secretKeysFile === undefined;
}

/** Throws `vault.key_missing`, `vault.key_file_unreadable`. */
export async function loadSecretKeys(config: Config): Promise<SecretKeyRing> {
  const file = secretKeysFile(config);
  if (!isUnconfigured(config)) return await readSecretKeys(file);
  await ensureSecretsFolder(config.dataDir);
  return await ensureSecretKeys(file, new Date());
}

/** The secret keys that are here, made by nobody; none is right for api and scheduler. Throws `vault.key_file_unreadable`. */
export async function heldSecretKeys(config: Config): Promise<SecretKeyRing | undefined> {
  try {
    return await readSecretKeys(secretKeysFile(config));
  } catch (error) {
    if (error instanceof AppError && error.code === 'vault.key_missing') return undefined;
    throw error;
  }
}

/** The keys of a worker, which follow their file. Throws as `loadSecretKeys` and `loadPublicKeys`. */
export async function loadLiveKeys(config: Config, log: EventLog): Promise<LiveKeys> {
  const { publicKeys } = config.keys;
  return createLiveKeys({
    file: secretKeysFile(config),
    ring: await loadSecretKeys(config),
    publicKeys: publicKeys === undefined ? undefined : parsePublicKeys(publicKeys),
    log,
  });
}

/** From TIDEMARK_PUBLIC_KEYS; without it derived from the secret keys file, on a machine that has one. */
export async function loadPublicKeys(config: Config): Promise<PublicKeyRing> {
  if (config.keys.publicKeys !== undefined) return parsePublicKeys(config.keys.publicKeys);
  return publicRing([...(await loadSecretKeys(config)).values()].map(({ publicKey }) => publicKey));
}

export interface AddedKey {
  readonly keyId: string;
  readonly secretKeysFile: string;
  /** Of all keys of the file: the new TIDEMARK_PUBLIC_KEYS. */
  readonly publicKeys: string;
}

/** Adds a key pair in front of those of the secret keys file. Throws as `addSecretKey`. */
export async function addKey(config: Config): Promise<AddedKey> {
  const file = secretKeysFile(config);
  if (config.keys.secretKeysFile === undefined) await ensureSecretsFolder(config.dataDir);
  const pair = generateKeyPair();
  await addSecretKey(file, pair, new Date());
  const keys = [...(await readSecretKeys(file)).values()].map(({ publicKey }) => publicKey);
  return { keyId: pair.publicKey.id, secretKeysFile: file, publicKeys: renderPublicKeys(keys) };
}
