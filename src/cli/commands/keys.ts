// tidemark keys: the vault's key pairs.

import path from 'node:path';
import { readKeyFacts, summarizeKeys, type KeyFacts, type KeySummary } from '../../app/key-usage.ts';
import { addKey, loadPublicKeys } from '../../app/keys.ts';
import { openWorkerSession } from '../../app/worker-session.ts';
import { AppError } from '../../core/errors.ts';
import { SEALED_TABLES } from '../../store/wrapped-keys.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { table } from '../output.ts';
import { registerRotation } from './keys-rotate.ts';

async function generate({ config, output }: CommandContext): Promise<void> {
  const added = await addKey(config);
  const { keyId, secretKeysFile, publicKeys } = added;
  output.result(added, () => {
    output.line(
      `key ${keyId} added to ${path.relative(process.cwd(), secretKeysFile) || secretKeysFile} (mode 0600): give this file to workers only`,
    );
    output.line('for every process:');
    output.line(`TIDEMARK_PUBLIC_KEYS=${publicKeys}`);
  });
}

/** Null where this login may not ask, or nobody answers: what the machine itself knows is worth telling all the same. */
async function factsOf(context: CommandContext): Promise<KeyFacts | null> {
  try {
    const { worker, close } = await openWorkerSession(context);
    try {
      return await readKeyFacts(worker);
    } finally {
      await close();
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    context.output.note(`rows and workers of each key are not shown: ${error.message} [${error.code}]`);
    return null;
  }
}

function abilities({ seals, opens }: KeySummary): string | null {
  if (seals) return opens ? 'seals and opens' : 'seals only';
  return opens ? 'opens only' : null;
}

async function status(context: CommandContext): Promise<void> {
  const { config, output } = context;
  // What is wrong with the keys here is told before any database is asked.
  await loadPublicKeys(config);
  const facts = await factsOf(context);
  const keys = await summarizeKeys(config, facts);
  output.result({ keys }, () => {
    if (facts === null) {
      output.line(
        table(
          ['key', 'age', 'this machine'],
          keys.map((key) => [key.id, key.state, abilities(key)]),
        ),
      );
      return;
    }
    const rows = keys.map((key) => [
      key.id,
      key.state,
      abilities(key),
      ...SEALED_TABLES.map((name) => key.rows?.[name] ?? 0),
      key.workers?.join(', '),
    ]);
    output.line(table(['key', 'age', 'this machine', 'credentials', 'apps', 'quarantine', 'workers (* seals)'], rows));
  });
}

export const registerKeys: Registration = (program, run) => {
  const keys = program.command('keys').description('key pairs that seal credentials');
  subcommand(keys, 'generate', 'add a key pair; it becomes the current one').action(run(generate));
  subcommand(keys, 'status', 'each key: what it seals, who can open it').action(run(status));
  registerRotation(keys, run);
};
