// tidemark jobs: the queue behind the runs.

import { systemClock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import { isJobKind, KINDS } from '../../../queues/catalog.ts';
import { cancelJob } from '../../scheduler/cancel-job.ts';
import { JOB_STATES, type JobState } from '../../../queues/states.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { wholeNumber } from '../input.ts';
import { facts, table } from '../output.ts';

interface ListOptions {
  readonly queue?: string;
  readonly state?: string;
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

function parsePayload(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError('usage.invalid', '--payload: expected JSON, which does not parse');
  }
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
  const payload = parsePayload(options.payload);
  const { queue } = await session();
  // The queue reads the payload through the kind's own schema and refuses what does not fit.
  const request = { kind, payload: payload as never, userId: options.user ?? null };
  const job = await queue.enqueue(request);
  output.result(job, () => output.line(`${job.jobId}${job.created ? '' : ' (exists already)'}`));
}

async function list({ output, session }: CommandContext, { queue: name, state, limit }: ListOptions): Promise<void> {
  const states = toStates(state);
  const { queue } = await session();
  const jobs = await queue.list({ queue: name, states, limit: wholeNumber(limit, '--limit', { min: 1, max: 200 }) });
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
  if (!(await queue.retry(requireId(id)))) throw new AppError('not_found', `no dead job has the id ${id}`);
  output.result({ id, retried: true }, () => output.line('queued again'));
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
    .option('--limit <n>', 'how many', '50')
    .action(run(list));
  subcommand(jobs, 'show <id>', 'one job').action(run(show));
  subcommand(jobs, 'cancel <id>', 'settle it as cancelled').action(run(cancel));
  subcommand(jobs, 'retry <id>', 'a dead one again').action(run(retry));
};
