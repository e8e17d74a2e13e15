// tidemark partitions: the months of growing tables, and a month written into a file before it goes.

import { systemClock } from '../../core/clock.ts';
import { openDatabase } from '../../db/database.ts';
import { exportPartition } from '../../ops/export-partition.ts';
import { listMonths, PARTITIONED_TABLES, type MonthPartition } from '../../store/partitions.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { table } from '../output.ts';

async function list({ output, session }: CommandContext): Promise<void> {
  const { api } = await session();
  const months: MonthPartition[] = [];
  for (const name of PARTITIONED_TABLES) months.push(...(await listMonths(api, name)));
  output.result({ items: months }, () =>
    output.line(
      table(
        ['table', 'partition', 'ends', 'rows (estimate)', 'bytes'],
        months.map((month) => [month.table, month.name, month.endsAt, month.rows, month.bytes]),
      ),
    ),
  );
}

interface ExportOptions {
  readonly to: string;
  readonly drop?: boolean;
}

async function exportOne(
  { output, session, signal }: CommandContext,
  { to, drop = false }: ExportOptions,
  [name = '']: readonly string[],
): Promise<void> {
  const { urls } = await session();
  const owner = openDatabase({ url: urls.of('tidemark_owner'), role: 'tidemark_owner', poolSize: 1 });
  try {
    const dropBefore = drop ? systemClock.now() : null;
    const exported = await exportPartition({ owner, name, folder: to, dropBefore, signal });
    const { file, rows, sha256, dropped } = exported;
    output.result(exported, () => {
      output.line(`${rows} rows in ${file} (sha256 ${sha256})`);
      if (dropped === 'gone') output.line(`${name} is dropped`);
      if (dropped === 'young') output.line(`${name} stays: its month is not over`);
      if (dropped === 'unsealed') output.line(`${name} stays: metrics are computed from it whose days are not sealed`);
    });
  } finally {
    await owner.close();
  }
}

export const registerPartitions: Registration = (program, run) => {
  const group = program.command('partitions').description('months of tables that grow');
  subcommand(group, 'list', 'which there are, and what they take').action(run(list));
  subcommand(group, 'export <partition>', 'write one as compressed JSON lines; with the login of the owner')
    .requiredOption('--to <folder>', 'where the file goes')
    .option('--drop', 'drop it when it is written')
    .action(run(exportOne));
};
