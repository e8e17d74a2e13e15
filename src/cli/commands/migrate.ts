// tidemark migrate: the schema's versions.

import { migrateDatabase, statusOfDatabase, undoMigrations } from '../../app/migrations.ts';
import { AppError } from '../../core/errors.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { wholeNumber } from '../input.ts';
import { table } from '../output.ts';

async function up({ output, config, log, signal }: CommandContext): Promise<void> {
  const applied = await migrateDatabase(config, log, signal);
  output.result({ applied }, () =>
    output.line(applied.length === 0 ? 'nothing to do: the schema is current' : `applied ${applied.join(', ')}`),
  );
}

async function down(
  { output, config, log, signal }: CommandContext,
  { count, yes }: { readonly count: string; readonly yes?: true },
): Promise<void> {
  if (yes !== true)
    throw new AppError('usage.invalid', 'this drops tables with what is in them, while nothing may run: add --yes');
  const undone = await undoMigrations(config, log, {
    signal,
    count: wholeNumber(count, '--count', { min: 1, max: 1_000 }),
  });
  output.result({ undone }, () => output.line(`taken back: ${undone.join(', ') || 'nothing'}`));
}

async function status({ output, config, log }: CommandContext): Promise<void> {
  const found = await statusOfDatabase(config, log);
  output.result(found, () => {
    const rows = [
      ...found.applied.map(({ name, at }) => [name, 'applied', at]),
      ...found.pending.map((name) => [name, 'pending', null]),
      ...found.unknown.map(({ name, breaking }) => [name, breaking ? 'unknown, breaking' : 'unknown', null]),
    ];
    output.line(table(['migration', 'state', 'at'], rows));
  });
}

export const registerMigrate: Registration = (program, run) => {
  const migrate = program.command('migrate').description('versions of the database schema');
  subcommand(migrate, 'up', 'apply what is pending').action(run(up));
  subcommand(migrate, 'down', 'take back the newest migrations')
    .option('--count <n>', 'how many', '1')
    .option('--yes', 'really: tables go with what is in them')
    .action(run(down));
  subcommand(migrate, 'status', 'what is applied, pending or unknown').action(run(status));
};
