// tidemark keys: the vault's key pairs.

import path from 'node:path';
import { loadPublicKeys, secretKeysFile } from '../../app/keys.ts';
import { ensureSecretsFolder } from '../../app/secrets-folder.ts';
import { AppError } from '../../core/errors.ts';
import { generateKeyPair, renderPublicKeys } from '../../vault/key-ring.ts';
import { addSecretKey, readSecretKeys } from '../../vault/secret-keys-file.ts';
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

/** Key ids this process could open with; none when it has no secret keys, which is right for api and scheduler. */
async function openableKeys(file: string): Promise<ReadonlySet<string>> {
  try {
    return new Set((await readSecretKeys(file)).keys());
  } catch (error) {
    if (error instanceof AppError && error.code === 'vault.key_missing') return new Set();
    throw error;
  }
}

async function status({ config, output }: CommandContext): Promise<void> {
  const ring = await loadPublicKeys(config);
  const openable = await openableKeys(secretKeysFile(config));
  const keys = ring.keys.map(({ id }) => ({ id, current: id === ring.current.id, opens: openable.has(id) }));
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
