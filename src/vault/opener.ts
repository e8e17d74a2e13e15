// Opening: needs secret keys, so it happens in the worker only. Whatever does not open (moved to another integration, user
// or platform, altered, sealed for another key) fails with one and the same error, which says where but not why.

import { AppError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { KeyPair, PublicKey, SecretKeyRing } from './key-ring.ts';
import { associatedData, DATA_KEY_BYTES, NONCE_BYTES, type SealContext, type Sealed } from './sealer.ts';
import { sodium } from './sodium.ts';

export interface Opener {
  /** Throws `vault.key_missing` for an unknown key id, `vault.open_failed` for everything else. */
  open(sealed: Sealed, context: SealContext): Secret;
  /**
   * The same data key under another key; whatever else `sealed` has stays. Throws like `open`, but cannot tell whether a
   * ciphertext would open.
   */
  rewrap<S extends WrappedKey>(sealed: S, to: PublicKey): S;
}

/** A data key as it is stored, and the key that unwraps it. */
export type WrappedKey = Pick<Sealed, 'wrappedKey' | 'keyId'>;

// A leading byte order mark is part of the secret.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

function refused({ purpose, userId, integrationId, platform, version }: Partial<SealContext>): AppError {
  return new AppError('vault.open_failed', 'a sealed value did not open for the place it was found in', {
    details: { purpose, userId, integrationId, platform, version },
  });
}

/** `keys` is asked each time, so a ring that changes is followed. */
export function createOpener(keys: Pick<SecretKeyRing, 'get'>): Opener {
  const keyOf = (keyId: string): KeyPair => {
    const pair = keys.get(keyId);
    if (pair === undefined)
      throw new AppError('vault.key_missing', `expected the secret key ${keyId}, which this process does not hold`);
    return pair;
  };

  const unwrap = (sealed: WrappedKey, context: Partial<SealContext>): Uint8Array => {
    const { publicKey, secretKey } = keyOf(sealed.keyId);
    let dataKey: Uint8Array;
    try {
      dataKey = sodium.crypto_box_seal_open(sealed.wrappedKey, publicKey.bytes, secretKey.reveal());
    } catch {
      // libsodium's reason would tell a wrong key from an altered one.
      throw refused(context);
    }
    // Anybody can wrap something to a public key; only a whole data key is taken.
    if (dataKey.length !== DATA_KEY_BYTES) throw refused(context);
    return dataKey;
  };

  return {
    open(sealed, context) {
      const dataKey = unwrap(sealed, context);
      try {
        const nonce = sealed.ciphertext.subarray(0, NONCE_BYTES);
        const box = sealed.ciphertext.subarray(NONCE_BYTES);
        const opened = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
          null,
          box,
          associatedData(context),
          nonce,
          dataKey,
        );
        try {
          return new Secret(utf8.decode(opened));
        } finally {
          sodium.memzero(opened);
        }
      } catch {
        throw refused(context);
      } finally {
        sodium.memzero(dataKey);
      }
    },
    rewrap(sealed, to) {
      const dataKey = unwrap(sealed, {});
      try {
        return { ...sealed, wrappedKey: sodium.crypto_box_seal(dataKey, to.bytes), keyId: to.id };
      } finally {
        sodium.memzero(dataKey);
      }
    },
  };
}
