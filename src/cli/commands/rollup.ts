// tidemark rollup and verify: computes daily metrics of a range of days again, and says whether they are what the facts say.

import { systemClock } from '../../core/clock.ts';
import { DAY_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { markRange, waitForRange, type RangeDeps } from '../../ops/roll-range.ts';
import { addVerified, NOTHING_VERIFIED, verifyUser } from '../../ops/verify-metrics.ts';
import { DAY_MODEL } from '../../rollups/definitions.ts';
import { listUsers, type User } from '../../store/users.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { requireUser } from '../lookup.ts';
import { table } from '../output.ts';
import { createProgress } from '../progress.ts';

interface RollupOptions {
  readonly user?: string;
  readonly from: string;
  readonly to: string;
}

type VerifyOptions = Partial<RollupOptions>;

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MOST_DAYS = 3_700;
/** Lines of a table for people; `--json` has all. */
const MOST_LINES = 200;
const PAGE = 500;

function parseDay(text: string, option: string): number {
  const at = DAY.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // 2026-02-30 is no day, though some parsers take it for the second of March.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text)
    throw new AppError('usage.invalid', `${option}: expected a day like 2026-10-01, got ${JSON.stringify(text)}`);
  return at;
}

function checkRange({ from, to }: VerifyOptions): void {
  const first = from === undefined ? undefined : parseDay(from, '--from');
  const last = to === undefined ? undefined : parseDay(to, '--to');
  if (first === undefined || last === undefined) return;
  const count = (last - first) / DAY_MS + 1;
  if (count < 1 || count > MOST_DAYS)
    throw new AppError('usage.invalid', `expected --from to --to to be 1 to ${MOST_DAYS} days`);
}

/** The one that was named, or everybody. */
async function usersOf(context: CommandContext, emailOrId: string | undefined): Promise<readonly User[]> {
  if (emailOrId !== undefined) return [await requireUser(context, emailOrId)];
  const { api } = await context.session();
  const users: User[] = [];
  for (let after: string | undefined; ;) {
    const page = await api.tx({ kind: 'ops' }, (tx) =>
      listUsers(tx, { limit: PAGE, ...(after === undefined ? {} : { after }) }),
    );
    users.push(...page);
    if (page.length < PAGE) return users;
    after = page.at(-1)!.id;
  }
}

async function rollup(context: CommandContext, { user, from, to }: RollupOptions): Promise<void> {
  checkRange({ from, to });
  const users = await usersOf(context, user);
  const { api } = await context.session();
  const { output, signal } = context;
  const deps: RangeDeps = { api, clock: systemClock, model: DAY_MODEL, signal };
  let days = 0;
  for (const { id: userId } of users) {
    signal.throwIfAborted();
    days += await markRange(deps, { userId, from, to });
  }
  const userId = user === undefined ? null : users[0]!.id;
  const progress = createProgress('days', output);
  const onProgress = (done: number, total: number): void => progress.update(done, total);
  let left: number;
  try {
    left = await waitForRange(deps, { userId, from, to, days, onProgress });
  } finally {
    progress.stop();
  }
  output.result({ users: users.length, days, left }, () =>
    output.line(`${days} days of ${users.length} users marked, ${Math.max(0, days - left)} rolled up`),
  );
  if (left > 0)
    throw new AppError(
      'run.unsuccessful',
      `${left} days wait to be rolled up: are a scheduler and a worker running? They will be rolled up once these are`,
    );
}

async function verify(context: CommandContext, { user, from, to }: VerifyOptions): Promise<void> {
  checkRange({ from, to });
  const users = await usersOf(context, user);
  const { api } = await context.session();
  const { output, signal } = context;
  const progress = createProgress('users', output);
  let all = NOTHING_VERIFIED;
  const sealed: { readonly userId: string; readonly day: string }[] = [];
  try {
    for (const [index, { id: userId }] of users.entries()) {
      const { sealedDays, ...found } = await verifyUser(api, { userId, from, to }, DAY_MODEL, signal);
      sealed.push(...sealedDays.map((day) => ({ userId, day })));
      all = addVerified(all, found);
      progress.update(index + 1, users.length);
    }
  } finally {
    progress.stop();
  }
  const { differences, checked, waiting } = all;
  output.result({ users: users.length, checked, waiting, sealed, differences }, () => {
    const lines = [
      ...differences.map(({ userId, day, what, stored, computed }) => [userId, day, what, stored, computed]),
      ...sealed.map(({ userId, day }) => [userId, day, 'sealed', null, null]),
    ];
    if (lines.length > 0) output.line(table(['user', 'day', 'what', 'stored', 'computed'], lines.slice(0, MOST_LINES)));
    if (lines.length > MOST_LINES) output.line(`and ${lines.length - MOST_LINES} more: --json has them all`);
    output.line(
      `${checked} days computed again, ${differences.length} differences, ${sealed.length} sealed, ${waiting} about to be rolled up`,
    );
  });
  if (differences.length > 0)
    throw new AppError('metrics.different', `${differences.length} values are not what the facts say`);
}

export const registerRollup: Registration = (program, run) => {
  subcommand(program, 'rollup', 'compute daily metrics again')
    .option('--user <email-or-id>', 'whose days; without it everybody’s')
    .requiredOption('--from <day>', 'first day, in the user’s zone')
    .requiredOption('--to <day>', 'last day')
    .action(run(rollup));
  subcommand(program, 'verify', 'compare daily metrics with the facts; fails on a difference')
    .option('--user <email-or-id>', 'whose days; without it everybody’s')
    .option('--from <day>', 'first day, in the user’s zone; without it from the first')
    .option('--to <day>', 'last day; without it to the last')
    .action(run(verify));
};
