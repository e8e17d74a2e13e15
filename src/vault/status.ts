// Which keys there are and what this process can do with each: for `keys status` and for checks. It tells ids only and
// must never touch a secret half.

import type { PublicKeyRing, SecretKeyRing } from './key-ring.ts';

export interface KeyStatus {
  readonly id: string;
  /** New values are sealed to this key. */
  readonly isCurrent: boolean;
  /** Among the public keys. False: it only opens what was sealed before. */
  readonly isListed: boolean;
  /** Whether the secret half is here; null in a process that holds no secret keys at all. */
  readonly isSecretHeld: boolean | null;
}

/** Public keys in their order, then the keys that only open. */
export function keysStatus(publicKeys: PublicKeyRing, secretKeys?: SecretKeyRing): readonly KeyStatus[] {
  const listed = publicKeys.keys.map(({ id }) => id);
  const openOnly = [...(secretKeys?.keys() ?? [])].filter((id) => !listed.includes(id));
  return [...listed, ...openOnly].map((id) => ({
    id,
    isCurrent: id === publicKeys.current.id,
    isListed: listed.includes(id),
    isSecretHeld: secretKeys === undefined ? null : secretKeys.has(id),
  }));
}
