// tidemark keys rotate | retire: everything moved to the newest key while syncs go on, and an older one taken out of use.

import { retire as retireKey, rotateToNewest, type Retired, type Rotated } from '../../app/key-rotation.ts';
import { addKey, loadPublicKeys } from '../../app/keys.ts';
import { openWorkerSession } from '../../app/worker-session.ts';
import type { Database } from '../../db/database.ts';
import { EXIT_FAILED } from '../../lifecycle/exit-code.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { table } from '../output.ts';
import { createProgress } from '../progress.ts';

interface RotateFlags {
  readonly generate?: true;
  readonly force?: true;
  readonly retire?: string;
  readonly keepFile?: true;
}

async function withWorker<T>(context: CommandContext, work: (worker: Database) => Promise<T>): Promise<T> {
  const { worker, close } = await openWorkerSession(context);
  try {
    return await work(worker);
  } finally {
    await close();
  }
}

async function runRotation(
  { config, output, signal }: CommandContext,
  worker: Database,
  { force }: RotateFlags,
): Promise<Rotated> {
  const progress = createProgress('rewrapped', output);
  try {
    return await rotateToNewest({
      config,
      worker,
      signal,
      holders: force ? 'ignored' : 'required',
      onWait: (who) => output.note(`waiting for ${who} to take up the key`),
      onProgress: (done, total) => progress.update(done, total),
    });
  } finally {
    progress.stop();
  }
}

/** What the sentence at the end says of rows that were left. */
function shown({ keyId, rewrapped, failed, failures, left }: Rotated): readonly string[] {
  const lines = [`${rewrapped} data ${rewrapped === 1 ? 'key is' : 'keys are'} under ${keyId} now`];
  if (failed > 0) {
    const rows = failures.map((row) => [row.integrationId ?? row.id, row.table, row.keyId, row.code]);
    lines.push(
      `${failed} left as found, because the data key did not unwrap${failed > failures.length ? ` (the first ${failures.length})` : ''}:`,
      table(['integration', 'table', 'key', 'reason'], rows),
    );
  }
  if (left > failed)
    lines.push(
      `${left - failed} more are under another key: somebody still seals to it (give every process the new ` +
        'TIDEMARK_PUBLIC_KEYS) or held them; run the command again',
    );
  return lines;
}

function shownRetired({ keyId, removedFromFile, keepUntil }: Retired): readonly string[] {
  return [
    `key ${keyId} is retired: the database takes nothing sealed to it any more` +
      (removedFromFile ? ', and it is gone from the secret keys file' : ''),
    `backups older than now still need it: keep a copy that can be read until ${keepUntil.toISOString().slice(0, 10)} (TIDEMARK_BACKUP_DAYS)`,
  ];
}

async function rotate(context: CommandContext, flags: RotateFlags): Promise<void> {
  const { config, output } = context;
  await withWorker(context, async (worker) => {
    const added = flags.generate ? await addKey(config) : undefined;
    if (added !== undefined) output.note(`key ${added.keyId} added\nTIDEMARK_PUBLIC_KEYS=${added.publicKeys}`);
    const rotated = await runRotation(context, worker, flags);
    const { current } = await loadPublicKeys(config);
    if (current.id !== rotated.keyId)
      output.note(`TIDEMARK_PUBLIC_KEYS here still names ${current.id} first: new values are sealed to that one`);
    const retired =
      flags.retire !== undefined && rotated.left === 0
        ? await retireKey({ config, worker, keyId: flags.retire, file: flags.keepFile ? 'keep' : 'remove' })
        : undefined;
    output.result({ ...rotated, ...(added && { publicKeys: added.publicKeys }), ...(retired && { retired }) }, () => {
      for (const line of [...shown(rotated), ...(retired ? shownRetired(retired) : [])]) output.line(line);
      if (flags.retire !== undefined && retired === undefined) output.line(`${flags.retire} is not retired`);
    });
    if (rotated.left > 0) process.exitCode = EXIT_FAILED;
  });
}

async function retire(
  context: CommandContext,
  { keepFile }: Pick<RotateFlags, 'keepFile'>,
  [keyId = '']: readonly string[],
): Promise<void> {
  const { config, output } = context;
  const retired = await withWorker(context, (worker) =>
    retireKey({ config, worker, keyId, file: keepFile ? 'keep' : 'remove' }),
  );
  output.result(retired, () => {
    for (const line of shownRetired(retired)) output.line(line);
  });
}

const KEEP_FILE = 'leave the secret keys file as it is';

/** On the group `keys`. */
export const registerRotation: Registration = (keys, run) => {
  subcommand(keys, 'rotate', 'move everything that is sealed to the newest key, while syncs go on')
    .option('--generate', 'add a key pair first')
    .option('--retire <key>', 'then retire this key')
    .option('--keep-file', KEEP_FILE)
    .option('--force', 'although living workers do not hold the key')
    .action(run(rotate));
  subcommand(keys, 'retire <key>', 'take a key that seals nothing out of use')
    .option('--keep-file', KEEP_FILE)
    .action(run(retire));
};
