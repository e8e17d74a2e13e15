// The keys of a running worker, as their file has them now: keys that are added are taken up without a restart, and keys that
// are taken out are let go. A file that cannot be read changes nothing: what is held stays.

import { statSync } from 'node:fs';
import { reportOf } from '../core/errors.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { publicRing, type PublicKey, type PublicKeyRing, type SecretKeyRing } from './key-ring.ts';
import { readSecretKeysNow } from './secret-keys-file.ts';

export interface LiveKeys {
  /** For an opener; a key that is not held is looked for in the file before it counts as missing. */
  readonly secretKeys: Pick<SecretKeyRing, 'get'>;
  /** For a sealer: the configured current key, or else the newest one of the file. */
  readonly publicKeys: Pick<PublicKeyRing, 'current'>;
  /** Newest first. */
  ids(): readonly string[];
  /** Reads the file if it is another one than at the last look. Never throws. */
  look(): void;
}

export interface LiveKeysOptions {
  readonly file: string;
  /** What was read from the file at the start. */
  readonly ring: SecretKeyRing;
  /** TIDEMARK_PUBLIC_KEYS; undefined: the file's own. */
  readonly publicKeys: PublicKeyRing | undefined;
  readonly log: EventLog;
}

/** Changes with every replacement of the file, and with its mode and owner. */
function stateOf(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file);
    return [ino, size, mtimeMs, ctimeMs].join(' ');
  } catch {
    return 'none';
  }
}

export function createLiveKeys({ file, ring: first, publicKeys, log }: LiveKeysOptions): LiveKeys {
  let ring = first;
  let seen = '';

  const look = (): void => {
    const state = stateOf(file);
    if (state === seen) return;
    seen = state;
    try {
      const next = readSecretKeysNow(file);
      const isSame = [...next.keys()].join() === [...ring.keys()].join();
      ring = next;
      if (!isSame) log.emit('vault.keys_changed', { keyIds: [...ring.keys()] });
    } catch (error) {
      log.emit('vault.keys_unreadable', { reason: reportOf(error).message });
    }
  };

  return {
    secretKeys: {
      get(id) {
        // Somebody has sealed to a key that was added since the last look; a file is read once per change, however often this is.
        if (!ring.has(id)) look();
        return ring.get(id);
      },
    },
    publicKeys: {
      get current(): PublicKey {
        return (publicKeys ?? publicRing([...ring.values()].map(({ publicKey }) => publicKey))).current;
      },
    },
    ids: () => [...ring.keys()],
    look,
  };
}
