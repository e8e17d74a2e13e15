// tidemark jobs replay: dead letters back to work, all that a filter matches; with --preview only what that would be.

import type { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import type { DeadFilter, ReplayPreview } from '../../../queues/port.ts';
import { subcommand, type CommandContext, type Runner } from '../command.ts';
import { instant, jsonObject, wholeNumber } from '../input.ts';
import { table } from '../output.ts';

interface ReplayOptions {
  readonly queue?: string;
  readonly kind?: string;
  readonly user?: string;
  readonly code?: string;
  readonly payload?: string;
  readonly before?: string;
  readonly after?: string;
  readonly limit: string;
  readonly preview?: true;
}

function toFilter({ queue, kind, user, code, payload, before, after }: ReplayOptions): DeadFilter {
  if (user !== undefined && !isUuid(user))
    throw new AppError('usage.invalid', `--user: expected the id of a user, got ${JSON.stringify(user)}`);
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(kind === undefined ? {} : { kind }),
    ...(user === undefined ? {} : { userId: user }),
    ...(code === undefined ? {} : { code }),
    ...(payload === undefined ? {} : { payload: jsonObject(payload, '--payload') }),
    ...(before === undefined ? {} : { diedBefore: instant(before, '--before') }),
    ...(after === undefined ? {} : { diedAfter: instant(after, '--after') }),
  };
}

function previewText({ total, blocked, groups }: ReplayPreview): string {
  if (total === 0) return 'no dead letter matches';
  const rows = groups.map(({ jobs, queue, kind, code }) => [jobs, queue, kind, code]);
  const stays = blocked === 0 ? '' : `; ${blocked} would stay: another job holds their unique key`;
  return `${table(['jobs', 'queue', 'kind', 'error'], rows)}\ndead letters: ${total}${stays}`;
}

async function replay({ output, session }: CommandContext, options: ReplayOptions): Promise<void> {
  const filter = toFilter(options);
  const limit = wholeNumber(options.limit, '--limit', { min: 1, max: 100_000 });
  const { queue } = await session();
  if (options.preview === true) {
    const preview = await queue.previewReplay(filter);
    output.result(preview, () => output.line(previewText(preview)));
    return;
  }
  const replayed = await queue.replay(filter, limit);
  output.result(replayed, () => output.line(`${replayed.replayed} queued again, ${replayed.left} left`));
}

export function registerReplay(jobs: Command, run: Runner): void {
  subcommand(jobs, 'replay', 'dead letters again, longest dead first')
    .option('--queue <name>', 'only of this queue')
    .option('--kind <kind>', 'only of this kind')
    .option('--user <id>', 'only in this name')
    .option('--code <code>', 'only with this error')
    .option('--payload <json>', 'only with these fields')
    .option('--before <instant>', 'only those that died before')
    .option('--after <instant>', 'only those that died after')
    .option('--limit <n>', 'how many at most', '1000')
    .option('--preview', 'only say what matches')
    .action(run(replay));
}
