// tidemark streams: the kinds of record of one integration, each with its own schedule.

import { costOf } from '../../app/connectors.ts';
import { systemClock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { changeStream } from '../../ops/change-stream.ts';
import { backfillIn } from '../../scheduler/backfill.ts';
import { checkSchedule } from '../../scheduler/next-fire.ts';
import { listStreams, resetStream } from '../../store/streams.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { instant, wholeNumber } from '../input.ts';
import { table } from '../output.ts';
import { requireIntegration } from '../lookup.ts';

interface SetOptions {
  readonly interval?: string;
  readonly cron?: string;
  readonly timezone?: string;
  readonly enable?: true;
  readonly disable?: true;
  readonly unpark?: true;
}

async function list(context: CommandContext, _options: object, [id = '']: readonly string[]): Promise<void> {
  await requireIntegration(context, id);
  const { api } = await context.session();
  const streams = await api.tx({ kind: 'ops' }, (tx) => listStreams(tx, id));
  context.output.result({ streams }, () => {
    const rows = streams.map((it) => [
      it.stream,
      it.enabled ? it.status : 'disabled',
      it.cron ?? (it.intervalMinutes === null ? null : `${it.intervalMinutes} min`),
      it.timezone,
      it.nextSyncAt,
      it.statusMessage,
    ]);
    context.output.line(table(['stream', 'status', 'every', 'zone', 'next', 'why'], rows));
  });
}

function notFound(stream: string): AppError {
  return new AppError('not_found', `the integration has no stream ${JSON.stringify(stream)}`);
}

async function set(
  context: CommandContext,
  options: SetOptions,
  [id = '', stream = '']: readonly string[],
): Promise<void> {
  await requireIntegration(context, id);
  const { interval, cron, timezone, enable, disable, unpark } = options;
  const schedule = {
    intervalMinutes: interval === undefined ? null : wholeNumber(interval, '--interval', { min: 1, max: 44_640 }),
    cron: cron ?? null,
    timezone: timezone ?? null,
  };
  const now = new Date();
  checkSchedule(schedule, now);
  const change = {
    ...(interval !== undefined || cron !== undefined ? { schedule } : {}),
    ...(enable === true ? { enabled: true } : {}),
    ...(disable === true ? { enabled: false } : {}),
    ...(unpark === true ? { unpark } : {}),
  };
  if (Object.keys(change).length === 0)
    throw new AppError('usage.invalid', 'expected --interval, --cron, --enable, --disable or --unpark');
  const { api } = await context.session();
  const key = { integrationId: id, stream };
  if (!(await api.tx({ kind: 'ops' }, (tx) => changeStream(tx, key, { ...change, now })))) throw notFound(stream);
  context.output.result({ id, stream, changed: true }, () => context.output.line('changed'));
}

async function reset(
  context: CommandContext,
  _options: object,
  [id = '', stream = '']: readonly string[],
): Promise<void> {
  await requireIntegration(context, id);
  const { api } = await context.session();
  if (!(await api.tx({ kind: 'ops' }, (tx) => resetStream(tx, { integrationId: id, stream }, new Date()))))
    throw notFound(stream);
  context.output.result({ id, stream, reset: true }, () => context.output.line('its next run reads everything again'));
}

async function backfill(
  context: CommandContext,
  options: { readonly from: string; readonly to?: string },
  [id = '', stream = '']: readonly string[],
): Promise<void> {
  const from = instant(options.from, '--from');
  const to = options.to === undefined ? null : instant(options.to, '--to');
  await requireIntegration(context, id);
  const { api, queue } = await context.session();
  const deps = { queue, clock: systemClock, costOf };
  const request = { integrationId: id, stream, from, to, trigger: 'manual' } as const;
  const begun = await api.tx({ kind: 'ops' }, (tx) => backfillIn(tx, deps, request));
  context.output.result(begun, () =>
    context.output.line(`${begun.runId} ${begun.coalesced ? 'follows or joins another backfill' : 'queued'}`),
  );
}

export const registerStreams: Registration = (program, run) => {
  const streams = program.command('streams').description('kinds of record of an integration');
  subcommand(streams, 'list <integration>', 'its streams').action(run(list));
  subcommand(streams, 'set <integration> <stream>', 'change schedule or state')
    .option('--interval <minutes>', 'every so many minutes')
    .option('--cron <expression>', 'at these times, with --timezone')
    .option('--timezone <zone>', 'IANA zone of --cron')
    .option('--enable', 'fetch it')
    .option('--disable', 'do not fetch it')
    .option('--unpark', 'try again after a person acted')
    .action(run(set));
  subcommand(streams, 'backfill <integration> <stream>', 'read a window of the past; the position stays where it is')
    .requiredOption('--from <instant>', 'where it begins; a date or an instant')
    .option('--to <instant>', 'where it ends, exclusive (default: when the run begins)')
    .action(run(backfill));
  subcommand(streams, 'reset <integration> <stream>', 'forget the position: the next run reads everything').action(
    run(reset),
  );
};
