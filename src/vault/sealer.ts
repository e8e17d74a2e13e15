// Sealing: needs public keys only. Each value gets a data key of its own; XChaCha20-Poly1305 encrypts under it with the
// context as associated data, and the data key is sealed to the current X25519 public key. The key id is not part of the
// associated data, so a rotation rewraps the data key and leaves the ciphertext alone.

import { randomFillSync } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Secret } from '../core/secret.ts';
import type { PublicKeyRing } from './key-ring.ts';
import { sodium } from './sodium.ts';

/** What a ciphertext is bound to: it opens nowhere else. */
export interface SealContext {
  readonly purpose:
    | 'credential'
    | 'quarantine'
    | 'oauth'
    | 'ledger'
    | 'webhook_app'
    | `exchange.${'verifier' | 'code' | 'tokens'}`;
  readonly userId: string;
  readonly integrationId: string;
  readonly platform: string;
  readonly version: number;
}

export interface Sealed {
  /** 24 bytes of nonce, then the box. */
  readonly ciphertext: Uint8Array;
  readonly wrappedKey: Uint8Array;
  readonly keyId: string;
}

export interface Sealer {
  seal(plaintext: Secret, context: SealContext): Sealed;
}

export const NONCE_BYTES = 24;
export const DATA_KEY_BYTES = 32;
const utf8 = new TextEncoder();

/** The associated data of a context; the format's own version comes first. Members beyond the context's own do not count. */
export function associatedData({ purpose, userId, integrationId, platform, version }: SealContext): Uint8Array {
  return utf8.encode(`tidemark:1:${canonicalJson({ purpose, userId, integrationId, platform, version })}`);
}

/** Random bytes that nobody else holds a copy of; Node's generator is ten times faster than libsodium's in WebAssembly. */
function freshBytes(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}

/** `keys` is asked each time, so a ring whose current key changes is followed. */
export function createSealer(keys: Pick<PublicKeyRing, 'current'>): Sealer {
  return {
    seal(plaintext, context) {
      const { current } = keys;
      const dataKey = freshBytes(DATA_KEY_BYTES);
      const nonce = freshBytes(NONCE_BYTES);
      // Not Buffer.from: its bytes come from a pool that all of the process shares and that is never cleared.
      const plainBytes = utf8.encode(plaintext.reveal());
      try {
        const box = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
          plainBytes,
          associatedData(context),
          null,
          nonce,
          dataKey,
        );
        const wrappedKey = sodium.crypto_box_seal(dataKey, current.bytes);
        return { ciphertext: Buffer.concat([nonce, box]), wrappedKey, keyId: current.id };
      } finally {
        sodium.memzero(dataKey);
        sodium.memzero(plainBytes);
      }
    },
  };
}
