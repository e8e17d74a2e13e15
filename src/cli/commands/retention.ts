// tidemark retention: erases now what has outlived its platform's limit, or says what would go.

import { CONNECTORS } from '../../app/connectors.ts';
import { systemClock } from '../../core/clock.ts';
import { renderDuration } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { expiredCaches } from '../../ops/expired-copies.ts';
import { measureCopies, runPasses } from '../../ops/run-retention.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { table } from '../output.ts';

interface RetentionOptions {
  readonly dryRun?: boolean;
}

async function retention(context: CommandContext, { dryRun = false }: RetentionOptions): Promise<void> {
  const { config, output, session, signal } = context;
  const limits = Object.fromEntries(Object.entries(config.retention).map(([id, ms]) => [id, renderDuration(ms)]));
  const caches = expiredCaches(CONNECTORS.values(), config.retention, systemClock.now());
  const { api, queue } = await session();
  const measured = await measureCopies(api, caches, signal);
  const passed = dryRun
    ? { rows: measured.rows, unfinished: 0 }
    : await runPasses({ queue, clock: systemClock }, measured.userIds, signal);
  const gone = new Map(passed.rows.map(({ platform, table: name, rows }) => [`${platform}.${name}`, rows]));
  const rows = measured.rows.map((row) => ({ ...row, rows: gone.get(`${row.platform}.${row.table}`) ?? 0 }));
  output.result({ dryRun, limits, rows, unfinished: passed.unfinished }, () => {
    if (caches.length === 0) return output.line('no platform has a limit: TIDEMARK_RETENTION sets one');
    const head = ['platform', 'limit', 'table', dryRun ? 'would go' : 'went'];
    output.line(
      table(
        head,
        rows.map((row) => [row.platform, limits[row.platform], row.table, row.rows]),
      ),
    );
  });
  if (passed.unfinished > 0)
    throw new AppError(
      'run.unsuccessful',
      `the copies of ${passed.unfinished} users were not looked through: is a worker running, with the same TIDEMARK_RETENTION?`,
    );
}

export const registerRetention: Registration = (program, run) => {
  subcommand(program, 'retention', 'erase cached data of platforms that is older than TIDEMARK_RETENTION')
    .option('--dry-run', 'only say what would go')
    .action(run(retention));
};
