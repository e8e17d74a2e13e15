// tidemark rollup: asks for the daily metrics of a range of days again.

import { AppError } from '../../core/errors.ts';
import { DAY_MS } from '../../core/duration.ts';
import { markDirtyDays } from '../../store/dirty-days.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { requireUser } from '../lookup.ts';

interface RollupOptions {
  readonly user: string;
  readonly from: string;
  readonly to: string;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MOST_DAYS = 3_700;

function parseDay(text: string, option: string): number {
  const at = DAY.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(at))
    throw new AppError('usage.invalid', `${option}: expected a day like 2026-10-01, got ${JSON.stringify(text)}`);
  return at;
}

function daysBetween(from: string, to: string): readonly string[] {
  const first = parseDay(from, '--from');
  const count = (parseDay(to, '--to') - first) / DAY_MS + 1;
  if (count < 1 || count > MOST_DAYS)
    throw new AppError('usage.invalid', `expected --from to --to to be 1 to ${MOST_DAYS} days`);
  return Array.from({ length: count }, (_, index) => new Date(first + index * DAY_MS).toISOString().slice(0, 10));
}

async function rollup(context: CommandContext, { user: emailOrId, from, to }: RollupOptions): Promise<void> {
  const days = daysBetween(from, to);
  const { id: userId } = await requireUser(context, emailOrId);
  const { api } = await context.session();
  // The scheduler turns marks into jobs; a mark that is there already costs nothing.
  await api.tx({ kind: 'ops' }, (tx) => markDirtyDays(tx, userId, days));
  context.output.result({ days: days.length }, () =>
    context.output.line(`${days.length} days marked to be rolled up again`),
  );
}

export const registerRollup: Registration = (program, run) => {
  subcommand(program, 'rollup', 'compute daily metrics again')
    .requiredOption('--user <email-or-id>', 'whose days')
    .requiredOption('--from <day>', 'first day, in the user’s zone')
    .requiredOption('--to <day>', 'last day')
    .action(run(rollup));
};
