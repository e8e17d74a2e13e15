// tidemark audit: who changed what, security events, and each use of a credential.

import { AppError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import { listAudit } from '../../store/audit-logs.ts';
import { listOpenings, verifyOpenings } from '../../store/credential-openings.ts';
import { listSecurityEvents } from '../../store/security-logs.ts';
import { subcommand, type CommandContext, type Registration } from '../command.ts';
import { wholeNumber } from '../input.ts';
import { table } from '../output.ts';

interface LimitOption {
  readonly limit: string;
}

const limitOf = ({ limit }: LimitOption): number => wholeNumber(limit, '--limit', { min: 1, max: 1_000 });

function integrationOf([id = '']: readonly string[]): string {
  if (!isUuid(id)) throw new AppError('usage.invalid', `expected the id of an integration, got ${JSON.stringify(id)}`);
  return id;
}

async function changes(
  { output, session }: CommandContext,
  { target, ...options }: LimitOption & { readonly target?: string },
): Promise<void> {
  const { api } = await session();
  const logs = await listAudit(api, { target, limit: limitOf(options) });
  output.result({ logs }, () => {
    const rows = logs.map((log) => [
      log.at,
      log.tokenName ?? log.login,
      log.action,
      log.target,
      log.reason,
      log.outcome,
    ]);
    output.line(table(['at', 'who', 'what', 'on', 'why', 'outcome'], rows));
  });
}

async function security(
  { output, session }: CommandContext,
  { event, ...options }: LimitOption & { readonly event?: string },
): Promise<void> {
  const { api } = await session();
  const logs = await listSecurityEvents(api, { event, limit: limitOf(options) });
  output.result({ logs }, () => {
    const rows = logs.map((log) => [
      log.at,
      log.severity,
      log.event,
      log.tokenName,
      log.address,
      JSON.stringify(log.details),
    ]);
    output.line(table(['at', 'severity', 'event', 'token', 'from', 'details'], rows));
  });
}

async function openings(
  { output, session }: CommandContext,
  options: LimitOption,
  args: readonly string[],
): Promise<void> {
  const integrationId = integrationOf(args);
  const { api } = await session();
  const lines = await listOpenings(api, { integrationId, limit: limitOf(options) });
  output.result({ openings: lines }, () => {
    const rows = lines.map((line) => [
      line.seq,
      line.at,
      line.reason,
      line.runId ?? line.jobId,
      line.workerId,
      line.keyId,
    ]);
    output.line(table(['line', 'at', 'why', 'run or job', 'worker', 'key'], rows));
  });
}

async function verify({ output, session }: CommandContext, _options: object, args: readonly string[]): Promise<void> {
  const integrationId = integrationOf(args);
  const { api } = await session();
  const chain = await verifyOpenings(api, integrationId);
  output.result({ integrationId, ...chain }, () => {
    if (chain.brokenAt === null) output.line(`${chain.lines} lines, each follows from the ones before it`);
  });
  if (chain.brokenAt !== null)
    throw new AppError(
      'audit.chain_broken',
      `expected a whole chain of ${chain.lines} lines, line ${chain.brokenAt} does not fit`,
    );
}

export const registerAudit: Registration = (program, run) => {
  const audit = program.command('audit').description('who did what, newest first');
  subcommand(audit, 'changes', 'actions, and changed rows of the control plane')
    .option('--target <name>', 'only of this one, like users/<id>')
    .option('--limit <n>', 'how many', '20')
    .action(run(changes));
  subcommand(audit, 'security', 'sign-ins, refused tokens, locked addresses, keys, credentials that did not open')
    .option('--event <name>', 'only these, like door.locked')
    .option('--limit <n>', 'how many', '20')
    .action(run(security));
  subcommand(audit, 'openings <integration>', 'each use of its credentials')
    .option('--limit <n>', 'how many', '20')
    .action(run(openings));
  subcommand(audit, 'verify <integration>', 'compute the chain of its openings again').action(run(verify));
};
