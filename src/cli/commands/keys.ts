// tidemark keys: the vault's key pairs.

import path from 'node:path';
import { heldSecretKeys, loadPublicKeys, secretKeysFile } from '../../app/keys.ts';
import { ensureSecretsFolder } from '../../app/secrets-folder.ts';
import { generateKeyPair, renderPublicKeys } from '../../vault/key-ring.ts';
import { addSecretKey, readSecretKeys } from '../../vault/secret-keys-file.ts';
import { keysStatus } from '../../vault/status.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { table } from '../output.ts';

async function generate({ config, output }: CommandContext): Promise<void> {
  const file = secretKeysFile(config);
  if (config.keys.secretKeysFile === undefined) await ensureSecretsFolder(config.dataDir);
  await addSecretKey(file, generateKeyPair(), new Date());
  const keys = [...(await readSecretKeys(file)).values()].map(({ publicKey }) => publicKey);
  const publicKeys = renderPublicKeys(keys);
  output.result({ keyId: keys[0]?.id, secretKeysFile: file, publicKeys }, () => {
    output.line(
      `key ${keys[0]?.id} added to ${path.relative(process.cwd(), file) || file} (mode 0600): give this file to workers only`,
    );
    output.line('for every process:');
    output.line(`TIDEMARK_PUBLIC_KEYS=${publicKeys}`);
  });
}

async function status({ config, output }: CommandContext): Promise<void> {
  const ring = await loadPublicKeys(config);
  const held = await heldSecretKeys(config);
  const keys = keysStatus(ring, held)
    .filter(({ isListed }) => isListed)
    .map(({ id, isCurrent, isSecretHeld }) => ({ id, current: isCurrent, opens: isSecretHeld === true }));
  output.result({ keys }, () => {
    const rows = keys.map(({ id, current, opens }) => [
      id,
      current ? 'current' : 'older',
      opens ? 'seals and opens' : 'seals only',
    ]);
    output.line(table(['key', 'age', 'this machine'], rows));
  });
}

export const registerKeys: Registration = (program, run) => {
  const keys = program.command('keys').description('key pairs that seal credentials');
  subcommand(keys, 'generate', 'add a key pair; it becomes the current one').action(run(generate));
  subcommand(keys, 'status', 'which keys seal and which can be opened here').action(run(status));
};
