// tidemark doctor: what is configured, what works, and which protections are active.

import type { Check } from '../../app/check.ts';
import { openDoctorSession, runChecks } from '../../app/doctor.ts';
import type { DatabaseSession } from '../../app/session.ts';
import { AppError } from '../../core/errors.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';

const MARKS = { ok: '✔', weak: '!', failed: '✘' } as const;

/** Only the database: what is wrong with the queue's engine is one finding among others, and must not hide them. */
async function check({ config, log, signal, command }: CommandContext): Promise<readonly Check[]> {
  let session: Promise<DatabaseSession> | undefined;
  try {
    return await runChecks(config, log, () => (session ??= openDoctorSession({ config, log, signal, command })));
  } finally {
    await (await session?.catch(() => undefined))?.close();
  }
}

async function doctor(context: CommandContext): Promise<void> {
  const { output } = context;
  const checks = await check(context);
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
