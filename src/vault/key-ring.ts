// The vault's X25519 key pairs. Public keys seal and may be known to every process; secret keys open, live in one file
// that only the worker reads, and never print. A key's id is the fingerprint of its public half, so two keys cannot be
// confused and an id cannot be chosen.

import { createHash } from 'node:crypto';
import { AppError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { sodium } from './sodium.ts';

export interface PublicKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

export interface KeyPair {
  readonly publicKey: PublicKey;
  readonly secretKey: Secret<Uint8Array>;
}

/** Keys that may seal; the first one is current. */
export interface PublicKeyRing {
  readonly current: PublicKey;
  readonly keys: readonly PublicKey[];
}

/** Keys that may open, by id. */
export type SecretKeyRing = ReadonlyMap<string, KeyPair>;

const KEY_BYTES = 32;

/** First 8 bytes of SHA-256 of the public key, in hex. */
export function keyIdOf(publicKey: Uint8Array): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
}

export function generateKeyPair(): KeyPair {
  const { publicKey, privateKey } = sodium.crypto_box_keypair();
  return { publicKey: { id: keyIdOf(publicKey), bytes: publicKey }, secretKey: new Secret(privateKey) };
}

/** The key pair that belongs to a secret key. */
export function keyPairOf(secretKey: Uint8Array): KeyPair {
  const bytes = sodium.crypto_scalarmult_base(secretKey);
  return { publicKey: { id: keyIdOf(bytes), bytes }, secretKey: new Secret(secretKey) };
}

/** `id:base64,id:base64`, the current one first: the value of TIDEMARK_PUBLIC_KEYS. */
export function renderPublicKeys(keys: readonly PublicKey[]): string {
  return keys.map(({ id, bytes }) => `${id}:${Buffer.from(bytes).toString('base64')}`).join(',');
}

function parsePublicKey(entry: string, position: number): PublicKey | string {
  const [, id, encoded = ''] = /^([^:]*):([^:]*)$/.exec(entry) ?? [];
  const bytes = new Uint8Array(Buffer.from(encoded, 'base64'));
  // Node's decoder skips what is no base64, so a damaged text is found by writing it again.
  if (bytes.length !== KEY_BYTES || Buffer.from(bytes).toString('base64') !== encoded)
    return `key ${position}: expected <id>:<base64 of ${KEY_BYTES} bytes>`;
  const fingerprint = keyIdOf(bytes);
  if (fingerprint !== id) return `key ${position}: its id should be ${fingerprint}`;
  return canSeal(bytes) ? { id, bytes } : `key ${position}: not a usable X25519 public key`;
}

/** False for the few points of the curve that would give everybody the same shared secret. */
function canSeal(publicKey: Uint8Array): boolean {
  try {
    sodium.crypto_box_seal(new Uint8Array(1), publicKey);
    return true;
  } catch {
    return false;
  }
}

/** Reads TIDEMARK_PUBLIC_KEYS. Throws `config.invalid` with all problems. */
export function parsePublicKeys(text: string): PublicKeyRing {
  const parsed = text.split(',').map((entry, index) => parsePublicKey(entry.trim(), index + 1));
  const problems = parsed.filter((key) => typeof key === 'string');
  const keys = parsed.filter((key) => typeof key !== 'string');
  if (new Set(keys.map(({ id }) => id)).size < keys.length) problems.push('a key is listed twice');
  if (problems.length > 0)
    throw new AppError('config.invalid', `TIDEMARK_PUBLIC_KEYS: ${problems.join('; ')}`, { details: { problems } });
  return publicRing(keys);
}

/** A ring of at least one key, the first one current. Throws `vault.key_missing` for none. */
export function publicRing(keys: readonly PublicKey[]): PublicKeyRing {
  const [current] = keys;
  if (current === undefined)
    throw new AppError('vault.key_missing', 'expected at least one public key: run `tidemark keys generate`');
  return { current, keys };
}
