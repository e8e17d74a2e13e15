// tidemark queues: what waits where, and what an operator sets for a queue over all workers.

import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { queueOfDeadLetter, requireQueue, type QueueName } from '../../../queues/catalog.ts';
import type { CleanFilter, JobQueue, QueueControls } from '../../../queues/port.ts';
import { JOB_STATES } from '../../../queues/states.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { wholeNumber } from '../input.ts';
import { facts, table } from '../output.ts';

interface LimitOptions {
  readonly concurrency?: string;
  readonly rate?: string;
}

const NONE = 'none';
const RATE = /^(\d{1,7})\/(\d{1,9})(ms|s|m|h|d)$/;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

function toConcurrency(text: string): number | null {
  return text === NONE ? null : wholeNumber(text, '--concurrency', { min: 1, max: 100_000 });
}

function toRate(text: string): QueueControls['rate'] {
  if (text === NONE) return null;
  const [, max, count, unit = ''] = RATE.exec(text) ?? [];
  const perMs = Number(count) * (UNITS[unit] ?? Number.NaN);
  if (Number.isNaN(perMs))
    throw new AppError('usage.invalid', `--rate: expected like 100/60s or none, got ${JSON.stringify(text)}`);
  return { max: Number(max), perMs };
}

/** In the largest unit that leaves no rest, as `--rate` takes it. */
function rateText(rate: QueueControls['rate']): string | null {
  if (rate === null) return null;
  const [unit, ms] = Object.entries(UNITS)
    .toReversed()
    .find(([, length]) => rate.perMs % length === 0) ?? ['ms', 1];
  return `${rate.max}/${rate.perMs / ms}${unit}`;
}

async function controlsOf(queue: JobQueue, name: QueueName): Promise<QueueControls> {
  const found = (await queue.controls()).find((controls) => controls.queue === name);
  if (found === undefined) throw new AppError('internal', `expected controls of queue ${name}`);
  return found;
}

async function list({ output, session }: CommandContext): Promise<void> {
  const { queue } = await session();
  const controls = await queue.controls();
  const counts = await Promise.all(controls.map(({ queue: name }) => queue.counts(name)));
  const queues = controls.map((set, index) => ({ ...set, counts: counts[index]! }));
  output.result({ queues }, () => {
    const rows = queues.map(({ queue: name, pausedAt, concurrency, rate, counts: jobs }) => [
      name,
      jobs.waiting,
      jobs.delayed,
      jobs.active,
      jobs.dead,
      pausedAt,
      concurrency,
      rateText(rate),
    ]);
    output.line(table(['queue', 'waiting', 'delayed', 'active', 'dead', 'paused', 'concurrency', 'rate'], rows));
  });
}

const SAID = { pause: 'paused: nothing more is started until resume', resume: 'resumed' } as const;

const turn =
  (verb: keyof typeof SAID) =>
  async ({ output, session }: CommandContext, _options: object, [name = '']: readonly string[]): Promise<void> => {
    const wanted = requireQueue(name);
    const { queue } = await session();
    await queue[verb](wanted);
    output.result(await controlsOf(queue, wanted), () => output.line(SAID[verb]));
  };

async function limit(
  { output, session }: CommandContext,
  { concurrency, rate }: LimitOptions,
  [name = '']: readonly string[],
): Promise<void> {
  const wanted = requireQueue(name);
  if (concurrency === undefined && rate === undefined)
    throw new AppError('usage.invalid', 'expected --concurrency or --rate');
  const limits = {
    ...(concurrency === undefined ? {} : { concurrency: toConcurrency(concurrency) }),
    ...(rate === undefined ? {} : { rate: toRate(rate) }),
  };
  const { queue } = await session();
  await queue.limit(wanted, limits);
  const set = await controlsOf(queue, wanted);
  output.result(set, () => output.line(facts({ ...set, rate: rateText(set.rate) })));
}

interface CleanOptions {
  readonly state: string;
  readonly hours: string;
  readonly limit: string;
}

type Cleanable = CleanFilter['states'][number];

function toCleanable(text: string): readonly Cleanable[] {
  const known = JOB_STATES.filter((state): state is Cleanable => state !== 'active');
  const states = text.split(',');
  const unknown = states.filter((state) => !(known as readonly string[]).includes(state));
  if (unknown.length > 0)
    throw new AppError('usage.invalid', `--state: expected ${known.join(', ')}, got ${unknown.join(', ')}`);
  return states as Cleanable[];
}

async function clean(
  { output, session }: CommandContext,
  { state, hours, limit }: CleanOptions,
  [name = '']: readonly string[],
): Promise<void> {
  requireQueue(queueOfDeadLetter(name) ?? name);
  const filter = {
    queue: name,
    states: toCleanable(state),
    before: new Date(Date.now() - wholeNumber(hours, '--hours', { min: 0, max: 100_000 }) * HOUR_MS),
    limit: wholeNumber(limit, '--limit', { min: 1, max: 10_000 }),
  };
  const { queue } = await session();
  const cleaned = await queue.clean(filter);
  output.result({ queue: name, cleaned }, () => output.line(`${cleaned} jobs removed`));
}

export const registerQueues: Registration = (program, run) => {
  const queues = program.command('queues').description('what waits where; pause and limit over all workers');
  subcommand(queues, 'list', 'every queue with its jobs and what was set for it').action(run(list));
  subcommand(queues, 'pause <queue>', 'start nothing more; what is in hand goes on').action(run(turn('pause')));
  subcommand(queues, 'resume <queue>', 'start jobs again').action(run(turn('resume')));
  subcommand(queues, 'limit <queue>', 'limits over all workers together')
    .option('--concurrency <n>', 'jobs in hand at once, or none')
    .option('--rate <starts/time>', 'starts on average and at most at once, like 100/60s (ms, s, m, h, d), or none')
    .action(run(limit));
  subcommand(queues, 'clean <queue>', 'take jobs away for good, oldest first; a dead letter is a queue too')
    .requiredOption('--state <states>', 'any of waiting,delayed,completed,failed,cancelled,dead')
    .option('--hours <n>', 'only those that ended, or were added, so long ago', '24')
    .option('--limit <n>', 'at most so many', '1000')
    .action(run(clean));
};
