// tidemark prune: forgets now what is older than TIDEMARK_KEEP says, or says what would go.

import { systemClock } from '../../core/clock.ts';
import { renderDuration } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { openDatabase } from '../../db/database.ts';
import { reportOldRows, type OldRows } from '../../ops/old-rows-report.ts';
import { dropOldMonths } from '../../scheduler/partition-keeper.ts';
import { pruneOldRows } from '../../scheduler/prune.ts';
import { PARTITIONED_TABLES } from '../../store/partitions.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { table } from '../output.ts';

interface PruneOptions {
  readonly dryRun?: boolean;
}

/** The api's login may look at what is old, and forgets nothing. */
function refuseLogin(error: unknown): never {
  if (!(error instanceof AppError) || error.code !== 'db.forbidden') throw error;
  throw new AppError(
    'usage.invalid',
    'only the scheduler forgets: set SCHEDULER_DATABASE_URL, or look with --dry-run',
    {
      cause: error,
    },
  );
}

/** As the scheduler does it, with its login, until nothing is left. */
async function forget({ config: { keep }, session, log, signal }: CommandContext): Promise<void> {
  const { urls, queue } = await session();
  const db = openDatabase({ url: urls.of('tidemark_scheduler'), role: 'tidemark_scheduler', poolSize: 1 });
  try {
    await db.tx({ kind: 'none' }, (tx) => tx.query('select 1')).catch(refuseLogin);
    const deps = { db, queue, clock: systemClock, log, keep };
    await pruneOldRows(deps, { keep, signal, batches: Number.POSITIVE_INFINITY });
    for (const name of PARTITIONED_TABLES) await dropOldMonths(deps, name, signal);
  } finally {
    await db.close();
  }
}

const totalOf = ({ rows, months }: OldRows): number =>
  rows + months.reduce((total, month) => total + (month.rows ?? 0), 0);

async function prune(context: CommandContext, { dryRun = false }: PruneOptions): Promise<void> {
  const { config, output, session } = context;
  const { api } = await session();
  const found = await reportOldRows(api, config.keep, systemClock.now());
  if (!dryRun) await forget(context);
  const left = dryRun ? found : await reportOldRows(api, config.keep, systemClock.now());
  const shown = found.map((row, index) => ({ ...row, left: totalOf(left[index]!) }));
  output.result({ dryRun, kept: shown }, () =>
    output.line(
      table(
        ['what', 'table', 'kept', 'rows', 'months', ...(dryRun ? [] : ['left'])],
        shown.map((row) => [
          row.name,
          row.table,
          row.keptMs === null ? 'for ever' : renderDuration(row.keptMs),
          row.rows,
          row.months.map(({ name }) => name),
          ...(dryRun ? [] : [row.left]),
        ]),
      ),
    ),
  );
}

export const registerPrune: Registration = (program, run) => {
  subcommand(
    program,
    'prune',
    'forget what is older than TIDEMARK_KEEP says: runs, events, dead letters, metrics, months',
  )
    .option('--dry-run', 'only say what would go')
    .action(run(prune));
};
