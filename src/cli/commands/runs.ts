// tidemark runs: what happened. A run is one pass over one stream of one integration.

import { AppError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import { findRun, listRuns } from '../../store/run-views.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { wholeNumber } from '../input.ts';
import { facts, table } from '../output.ts';

interface ListOptions {
  readonly integration?: string;
  readonly errors?: true;
  readonly limit: string;
}

async function list({ output, session }: CommandContext, { integration, errors, limit }: ListOptions): Promise<void> {
  if (integration !== undefined && !isUuid(integration))
    throw new AppError('usage.invalid', `--integration: expected an id, got ${JSON.stringify(integration)}`);
  const { api } = await session();
  const filter = {
    integrationId: integration,
    onlyErrors: errors,
    limit: wholeNumber(limit, '--limit', { min: 1, max: 1_000 }),
  };
  const runs = await api.tx({ kind: 'ops' }, (tx) => listRuns(tx, filter));
  output.result({ runs }, () => {
    const rows = runs.map((run) => [
      run.id,
      run.stream,
      run.syncType,
      run.status,
      run.recordsSynced,
      run.recordsChanged,
      run.recordsFailed,
      run.requests,
      run.startedAt,
      run.durationSeconds,
    ]);
    output.line(
      table(['id', 'stream', 'type', 'status', 'records', 'changed', 'failed', 'requests', 'started', 'seconds'], rows),
    );
  });
}

async function show(
  { output, session }: CommandContext,
  _options: object,
  [id = '']: readonly string[],
): Promise<void> {
  if (!isUuid(id)) throw new AppError('usage.invalid', `expected the id of a run, got ${JSON.stringify(id)}`);
  const { api } = await session();
  const run = await api.tx({ kind: 'ops' }, (tx) => findRun(tx, id));
  if (run === null) throw new AppError('not_found', `no run has the id ${id}`);
  output.result(run, () => {
    const { errors, window, ...rest } = run;
    output.line(facts({ ...rest, ...(window === null ? {} : { from: window.from, to: window.to }) }));
    for (const error of errors) output.line(`  ${error.code}: ${error.message}`);
  });
}

export const registerRuns: Registration = (program, run) => {
  const runs = program.command('runs').description('passes over streams, newest first');
  subcommand(runs, 'list', 'the latest runs')
    .option('--integration <id>', 'only of this one')
    .option('--errors', 'only those with errors')
    .option('--limit <n>', 'how many', '20')
    .action(run(list));
  subcommand(runs, 'show <id>', 'one run with its errors').action(run(show));
};
