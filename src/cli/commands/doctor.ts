// tidemark doctor: what is configured, what works, and which protections are active.

import { runChecks } from '../../app/doctor.ts';
import { AppError } from '../../core/errors.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';

const MARKS = { ok: '✔', weak: '!', failed: '✘' } as const;

async function doctor({ output, config, log, session }: CommandContext): Promise<void> {
  const checks = await runChecks(config, log, session);
  output.result({ checks }, () => {
    for (const { name, status, finding, advice } of checks) {
      output.line(`${MARKS[status]} ${name}: ${finding}`);
      if (advice !== undefined) output.line(`    ${advice}`);
    }
  });
  const failed = checks.filter(({ status }) => status === 'failed').length;
  if (failed > 0) throw new AppError('internal', `${failed} of ${checks.length} checks failed`);
}

export const registerDoctor: Registration = (program, run) => {
  subcommand(program, 'doctor', 'check configuration, database, keys and protections').action(run(doctor));
};
