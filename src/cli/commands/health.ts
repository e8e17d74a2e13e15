// tidemark health: whether the process of a role runs beside this command and works; exit code 0 or 1.

import { checkHealth, type CheckedRole } from '../../app/health.ts';
import { AppError } from '../../core/errors.ts';
import { EXIT_FAILED } from '../../lifecycle/exit-code.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';

const ROLES = ['api', 'scheduler', 'worker'] as const satisfies readonly CheckedRole[];

async function health({ config, output }: CommandContext, options: { readonly role: string }): Promise<void> {
  const role = ROLES.find((known) => known === options.role);
  if (role === undefined)
    throw new AppError('usage.invalid', `--role: expected ${ROLES.join(', ')}, got ${JSON.stringify(options.role)}`);
  const found = await checkHealth(config, role);
  output.result({ role, ...found }, () =>
    output.line(found.status === 'ok' ? 'ok' : `${found.status}: ${found.reason ?? ''}`),
  );
  if (found.status !== 'ok') process.exitCode = EXIT_FAILED;
}

export const registerHealth: Registration = (program, run) => {
  subcommand(program, 'health', 'whether a role’s process on this machine works; exit code 0 or 1')
    .requiredOption('--role <role>', ROLES.join(', '))
    .action(run(health));
};
