// tidemark users: the people whose accounts are synced.

import path from 'node:path';
import { AppError } from '../../core/errors.ts';
import { openDatabase } from '../../db/database.ts';
import { exportUser } from '../../ops/export-user.ts';
import { addUser, listUsers, removeUser } from '../../store/users.ts';
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
  const user = await requireUser(context, emailOrId);
  if (yes !== true) throw new AppError('usage.invalid', `this deletes ${user.email} with all synced data: add --yes`);
  const { api } = await context.session();
  await api.tx({ kind: 'ops' }, (tx) => removeUser(tx, user.id));
  context.output.result({ id: user.id, removed: true }, () => context.output.line(`removed ${user.email}`));
}

async function exportData(
  context: CommandContext,
  { out }: { readonly out?: string },
  [emailOrId = '']: readonly string[],
): Promise<void> {
  const { output, signal } = context;
  const user = await requireUser(context, emailOrId);
  const folder = path.resolve(out ?? `tidemark-export-${user.id}`);
  const { urls } = await context.session();
  const readers = openDatabase({ url: urls.of('tidemark_readonly'), role: 'tidemark_readonly', poolSize: 1 });
  const progress = createProgress('tables', output);
  try {
    const onTable = (done: number, total: number, table: string): void => progress.update(done, total, table);
    const index = await exportUser(readers, { user, folder, signal, onTable });
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
    await readers.close();
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
