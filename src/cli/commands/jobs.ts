// tidemark jobs: the queue behind the runs.

import { systemClock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import { isJobKind, KINDS } from '../../../queues/catalog.ts';
import { cancelJob } from '../../scheduler/cancel-job.ts';
import { JOB_STATES, type JobState } from '../../../queues/states.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { jsonObject, wholeNumber } from '../input.ts';
import { cell, facts, table } from '../output.ts';
import { registerReplay } from './replay.ts';

interface ListOptions {
  readonly queue?: string;
  readonly state?: string;
  readonly payload?: string;
  readonly limit: string;
}

function requireId(id: string): string {
  if (!isUuid(id)) throw new AppError('usage.invalid', `expected the id of a job, got ${JSON.stringify(id)}`);
  return id;
}

function toStates(text: string | undefined): readonly JobState[] | undefined {
  if (text === undefined) return undefined;
  const states = text.split(',');
  const unknown = states.filter((state) => !(JOB_STATES as readonly string[]).includes(state));
  if (unknown.length > 0)
    throw new AppError('usage.invalid', `--state: expected ${JOB_STATES.join(', ')}, got ${unknown.join(', ')}`);
  return states as JobState[];
}

async function enqueue(
  { output, session }: CommandContext,
  options: { readonly payload: string; readonly user?: string },
  [kind = '']: readonly string[],
): Promise<void> {
  if (!isJobKind(kind))
    throw new AppError(
      'usage.invalid',
      `expected a job kind of ${Object.keys(KINDS).join(', ')}, got ${JSON.stringify(kind)}`,
    );
  const payload = jsonObject(options.payload, '--payload');
  const { queue } = await session();
  // The queue reads the payload through the kind's own schema and refuses what does not fit.
  const request = { kind, payload: payload as never, userId: options.user ?? null };
  const job = await queue.enqueue(request);
  output.result(job, () => output.line(`${job.jobId}${job.created ? '' : ' (exists already)'}`));
}

async function list({ output, session }: CommandContext, options: ListOptions): Promise<void> {
  const filter = {
    queue: options.queue,
    states: toStates(options.state),
    limit: wholeNumber(options.limit, '--limit', { min: 1, max: 200 }),
    ...(options.payload === undefined ? {} : { payload: jsonObject(options.payload, '--payload') }),
  };
  const { queue } = await session();
  const jobs = await queue.list(filter);
  output.result({ jobs }, () => {
    const rows = jobs.map((job) => [
      job.id,
      job.kind,
      job.queue,
      job.state,
      job.attempts,
      job.takeovers,
      job.createdAt,
      job.error?.code,
    ]);
    output.line(table(['id', 'kind', 'queue', 'state', 'attempts', 'takeovers', 'created', 'error'], rows));
  });
}

async function show(
  { output, session }: CommandContext,
  _options: object,
  [id = '']: readonly string[],
): Promise<void> {
  const { queue } = await session();
  const job = await queue.get(requireId(id));
  if (job === null) throw new AppError('not_found', `no job has the id ${id}`);
  output.result(job, () => output.line(facts({ ...job })));
}

async function logs(
  { output, session }: CommandContext,
  _options: object,
  [id = '']: readonly string[],
): Promise<void> {
  const { queue } = await session();
  const lines = await queue.logs(requireId(id));
  output.result({ lines }, () => {
    for (const { at, level, line } of lines) output.line(`${cell(at)}  ${level.padEnd(5)}  ${line}`);
  });
}

async function cancel(
  { output, session }: CommandContext,
  _options: object,
  [id = '']: readonly string[],
): Promise<void> {
  const { queue, api } = await session();
  if (!(await cancelJob({ db: api, queue, clock: systemClock }, requireId(id))))
    throw new AppError('not_found', `no unfinished job has the id ${id}`);
  output.result({ id, cancelled: true }, () => output.line('cancelled; a running job stops within a second'));
}

async function retry(
  { output, session }: CommandContext,
  _options: object,
  [id = '']: readonly string[],
): Promise<void> {
  const { queue } = await session();
  if (!(await queue.retry(requireId(id))))
    throw new AppError('not_found', `no dead job that may run again has the id ${id}`);
  output.result({ id, retried: true }, () => output.line('queued again'));
}

async function promote(
  { output, session }: CommandContext,
  _options: object,
  [id = '']: readonly string[],
): Promise<void> {
  const { queue } = await session();
  if (!(await queue.promote(requireId(id)))) throw new AppError('not_found', `no delayed job has the id ${id}`);
  output.result({ id, promoted: true }, () => output.line('due now'));
}

async function remove(
  { output, session }: CommandContext,
  _options: object,
  [id = '']: readonly string[],
): Promise<void> {
  const { queue } = await session();
  if (!(await queue.remove(requireId(id)))) throw new AppError('not_found', `no job has the id ${id}`);
  output.result({ id, removed: true }, () => output.line('removed'));
}

export const registerJobs: Registration = (program, run) => {
  const jobs = program.command('jobs').description('the queue');
  subcommand(jobs, 'enqueue <kind>', 'add a job')
    .option('--payload <json>', 'what its kind asks for', '{}')
    .option('--user <id>', 'in whose name')
    .action(run(enqueue));
  subcommand(jobs, 'list', 'jobs, newest first')
    .option('--queue <name>', 'only of this queue')
    .option('--state <states>', `any of ${JOB_STATES.join(',')}`)
    .option('--payload <json>', 'only with these fields, like \'{"runId": "…"}\'')
    .option('--limit <n>', 'how many', '50')
    .action(run(list));
  subcommand(jobs, 'show <id>', 'one job').action(run(show));
  subcommand(jobs, 'logs <id>', 'what it said, kept for a week').action(run(logs));
  subcommand(jobs, 'cancel <id>', 'settle it as cancelled').action(run(cancel));
  subcommand(jobs, 'retry <id>', 'a dead one again').action(run(retry));
  subcommand(jobs, 'promote <id>', 'a delayed one now').action(run(promote));
  subcommand(jobs, 'remove <id>', 'take it away with its record; not one in hand').action(run(remove));
  registerReplay(jobs, run);
};
