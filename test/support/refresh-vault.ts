// The vault of refresh tests, apart from the rest because child processes build it too and must not load the test runner.

import { createCredentialVault } from '../../src/sync/credential-vault.ts';
import type { KeyPair } from '../../src/vault/key-ring.ts';
import { createOpener } from '../../src/vault/opener.ts';
import { createSealer } from '../../src/vault/sealer.ts';

/** A vault that seals and opens with `keys`; child processes build the same one from the secret key. */
export function vaultOf(keys: KeyPair) {
  const sealer = createSealer({ current: keys.publicKey });
  const vault = createCredentialVault(sealer, createOpener(new Map([[keys.publicKey.id, keys]])));
  return { sealer, vault };
}
