// tidemark users: the people whose accounts are synced.

import path from 'node:path';
import { AppError } from '../../core/errors.ts';
import { inBackupsUntil } from '../../app/backups.ts';
import type { DatabaseUrls } from '../../app/database-urls.ts';
import { systemClock } from '../../core/clock.ts';
import { openDatabase, type Tx } from '../../db/database.ts';
import { exportUser } from '../../ops/export-user.ts';
import { removeUser } from '../../ops/remove-user.ts';
import { vacuumSealed } from '../../store/credentials.ts';
import { countRowsOfUser } from '../../store/exports.ts';
import { addUser, listUsers } from '../../store/users.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { requireUser } from '../lookup.ts';
import { createProgress } from '../progress.ts';
import { table } from '../output.ts';

interface AddOptions {
  readonly email: string;
  readonly name: string;
  readonly timezone?: string;
  readonly currency?: string;
}

async function add(
  { output, session }: CommandContext,
  { email, name, timezone, currency }: AddOptions,
): Promise<void> {
  const { api } = await session();
  const user = await api.tx({ kind: 'ops' }, (tx) =>
    addUser(tx, { email, name, timezone, reportingCurrency: currency }),
  );
  output.result(user, () => output.line(user.id));
}

async function list({ output, session }: CommandContext): Promise<void> {
  const { api } = await session();
  const users = await api.tx({ kind: 'ops' }, (tx) => listUsers(tx));
  output.result({ users }, () => {
    output.line(
      table(
        ['id', 'email', 'name', 'zone', 'currency'],
        users.map((user) => [user.id, user.email, user.name, user.timezone, user.reportingCurrency]),
      ),
    );
  });
}

async function remove(
  context: CommandContext,
  { yes }: { readonly yes?: true },
  [emailOrId = '']: readonly string[],
): Promise<void> {
  const { output, signal, config } = context;
  const user = await requireUser(context, emailOrId);
  if (yes !== true) throw new AppError('usage.invalid', `this deletes ${user.email} with all synced data: add --yes`);
  const { api, queue, urls } = await context.session();
  const rows = await api.tx({ kind: 'user', userId: user.id }, (tx) => countRowsOfUser(tx, user.id));
  const progress = createProgress('jobs', output);
  const inTx = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => api.tx({ kind: 'ops' }, work);
  const onJobs = (removed: number): void => progress.update(removed, null);
  const jobs = await removeUser({ queue, clock: systemClock, inTx, onJobs }, user.id, signal).finally(() =>
    progress.stop(),
  );
  if (jobs === null) throw new AppError('not_found', `no user has the id ${user.id}`);
  const swept = await sweepKeys(urls);
  const until = inBackupsUntil(config, systemClock.now());
  output.result({ id: user.id, removed: true, jobs, rows, swept, inBackupsUntil: until }, () => {
    output.line(table(['removed from', 'rows'], Object.entries(rows)));
    output.line(`removed ${user.email}, ${jobs} jobs and the keys of his credentials`);
    if (!swept) output.line('the pages that they were on are reused after the next vacuum of the database');
    output.line(
      `backups made before now still hold all of it until ${until.toISOString().slice(0, 10)} (TIDEMARK_BACKUP_DAYS)`,
    );
    output.line('audit_logs and the chains of openings keep his ids, and nothing else of him');
  });
}

/** The pages on which the keys were are cleared at once where the owner's login is at hand. */
async function sweepKeys(urls: DatabaseUrls): Promise<boolean> {
  const owner = openDatabase({ url: urls.of('tidemark_owner'), role: 'tidemark_owner', poolSize: 1 });
  try {
    return await vacuumSealed(owner);
  } finally {
    await owner.close();
  }
}

async function exportData(
  context: CommandContext,
  { out }: { readonly out?: string },
  [emailOrId = '']: readonly string[],
): Promise<void> {
  const { output, signal } = context;
  const user = await requireUser(context, emailOrId);
  const folder = path.resolve(out ?? `tidemark-export-${user.id}`);
  const { api } = await context.session();
  const progress = createProgress('tables', output);
  try {
    const onTable = (done: number, total: number, table: string): void => progress.update(done, total, table);
    const index = await exportUser(api, { user, folder, signal, onTable });
    progress.stop();
    output.result({ folder, ...index }, () => {
      const filled = index.tables.filter(({ rows }) => rows > 0);
      output.line(
        table(
          ['table', 'rows'],
          filled.map((each) => [each.table, each.rows]),
        ),
      );
      output.line(`written to ${folder} (readable by you only); credentials are not in it`);
    });
  } finally {
    progress.stop();
  }
}

export const registerUsers: Registration = (program, run) => {
  const users = program.command('users').description('people whose accounts are synced');
  subcommand(users, 'add', 'add a user; prints the id')
    .requiredOption('--email <address>', 'unique')
    .requiredOption('--name <name>', 'full name')
    .option('--timezone <zone>', 'IANA zone whose days count (default UTC)')
    .option('--currency <code>', 'ISO 4217 (default USD)')
    .action(run(add));
  subcommand(users, 'list', 'all users').action(run(list));
  subcommand(users, 'export <email-or-id>', 'write all that is kept about a user into a new folder')
    .option('--out <folder>', 'default: tidemark-export-<id> here')
    .action(run(exportData));
  subcommand(users, 'remove <email-or-id>', 'delete a user and everything synced for him')
    .option('--yes', 'really')
    .action(run(remove));
};
