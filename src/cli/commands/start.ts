// tidemark start: keeps the processes of the chosen roles alive. It holds the embedded database, prepares schema and keys
// on a machine where nobody configured them, and hands each process its own login and nothing else's.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabaseUrls, type DatabaseUrls } from '../../app/database-urls.ts';
import { loadPublicKeys, secretKeysFile } from '../../app/keys.ts';
import { migrateAt } from '../../app/migrations.ts';
import type { Config } from '../../config/config.ts';
import { roleEnvironment, type ProcessRole } from '../../config/role-environment.ts';
import { AppError } from '../../core/errors.ts';
import { runProcess } from '../../lifecycle/process-main.ts';
import { createSupervisor } from '../../lifecycle/supervisor.ts';
import type { ChildSpec } from '../../lifecycle/supervised-child.ts';
import type { EventLog } from '../../telemetry/event-log.ts';
import { renderPublicKeys } from '../../vault/key-ring.ts';
import type { CommandContext, Registration } from '../command.ts';

const ENTRY = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../workers/main.ts');
const ROLES = ['all', 'api', 'scheduler', 'worker'] as const;
type Role = (typeof ROLES)[number];

type Environment = NonNullable<Parameters<typeof roleEnvironment>[1]>;

/** Logins of the embedded database; on a server of the owner's the environment has them already. */
function logins(role: ProcessRole, { of, server }: DatabaseUrls): Environment {
  if (server === null) return {};
  if (role === 'worker') return { DATABASE_URL: of('tidemark_worker').reveal() };
  if (role === 'scheduler') return { DATABASE_URL: of('tidemark_scheduler').reveal() };
  return { DATABASE_URL: of('tidemark_api').reveal(), SCHEDULER_DATABASE_URL: of('tidemark_scheduler').reveal() };
}

async function childOf(role: ProcessRole, config: Config, urls: DatabaseUrls): Promise<ChildSpec> {
  const keys: Environment =
    role === 'worker'
      ? { TIDEMARK_SECRET_KEYS_FILE: secretKeysFile(config) }
      : { TIDEMARK_PUBLIC_KEYS: renderPublicKeys((await loadPublicKeys(config)).keys) };
  const name = role === 'front' ? 'api,scheduler' : role;
  return { role, entry: ENTRY, args: [name], env: () => roleEnvironment(role, { ...logins(role, urls), ...keys }) };
}

function processesOf(role: Role): readonly ProcessRole[] {
  return role === 'all' ? ['front', 'worker'] : [role];
}

function toRole(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (role === undefined)
    throw new AppError('usage.invalid', `--role: expected ${ROLES.join(', ')}, got ${JSON.stringify(text)}`);
  return role;
}

/** The embedded database must be ready before the children ask it whether they know its schema. */
async function prepare(config: Config, log: EventLog, signal: AbortSignal): Promise<DatabaseUrls> {
  const urls = await openDatabaseUrls(config, log);
  if (urls.server !== null) await migrateAt(urls, log, signal);
  return urls;
}

async function start({ config, log, signal }: CommandContext, { role }: { readonly role: string }): Promise<void> {
  const roles = processesOf(toRole(role));
  const urls = await prepare(config, log, signal);
  try {
    const children = await Promise.all(roles.map((process) => childOf(process, config, urls)));
    const supervisor = createSupervisor({ children, drainMs: config.drainMs, log });
    process.exitCode = await runProcess({
      services: [supervisor],
      drainMs: supervisor.stopWithinMs,
      log,
      ended: supervisor.refused,
    });
  } finally {
    await urls.server?.stop();
  }
}

export const registerStart: Registration = (program, run) => {
  program
    .command('start')
    .description('run Tidemark until it is asked to end (SIGTERM drains, a second one exits)')
    .option('--role <role>', `${ROLES.join(', ')}`, 'all')
    .action(run(start));
};
