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
import type { Service } from '../../lifecycle/service.ts';
import { createSupervisor } from '../../lifecycle/supervisor.ts';
import type { ChildSpec } from '../../lifecycle/supervised-child.ts';
import type { EventLog } from '../../telemetry/event-log.ts';
import { renderPublicKeys } from '../../vault/key-ring.ts';
import type { CommandContext, Registration } from '../command.ts';

const ENTRY = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../workers/main.ts');
const ROLES = ['all', 'api', 'scheduler', 'worker'] as const;
type Role = (typeof ROLES)[number];
/** For the embedded database, after the children are gone. */
const DATABASE_STOP_MS = 10_000;

type Environment = NonNullable<Parameters<typeof roleEnvironment>[1]>;

/** Logins of the embedded database; on a server of the owner's the environment has them already. */
function logins(role: ProcessRole, { of, server }: DatabaseUrls): Environment {
  if (server === null) return {};
  if (role === 'worker') return { DATABASE_URL: of('tidemark_worker').reveal() };
  if (role === 'scheduler') return { DATABASE_URL: of('tidemark_scheduler').reveal() };
  return { DATABASE_URL: of('tidemark_api').reveal(), SCHEDULER_DATABASE_URL: of('tidemark_scheduler').reveal() };
}

/** What the children are given: logins and keys. A service, so that a signal during its start is a drain like any other. */
interface Ground extends Service {
  environmentOf(role: ProcessRole): NodeJS.ProcessEnv;
}

function createGround(config: Config, log: EventLog): Ground {
  const stopping = new AbortController();
  let urls: DatabaseUrls | undefined;
  let publicKeys = '';
  return {
    name: 'ground',
    async start() {
      urls = await openDatabaseUrls(config, log);
      // The schema must be current before a child asks whether it knows it; on a server of the owner's he does that.
      if (urls.server !== null) await migrateAt(urls, log, stopping.signal);
      publicKeys = renderPublicKeys((await loadPublicKeys(config)).keys);
    },
    async stop() {
      stopping.abort();
      await urls?.server?.stop();
    },
    environmentOf(role) {
      if (urls === undefined) throw new AppError('internal', 'the ground is not laid yet');
      const keys: Environment =
        role === 'worker'
          ? { TIDEMARK_SECRET_KEYS_FILE: secretKeysFile(config) }
          : { TIDEMARK_PUBLIC_KEYS: publicKeys };
      return roleEnvironment(role, { ...logins(role, urls), ...keys });
    },
  };
}

function processesOf(role: Role): readonly ProcessRole[] {
  return role === 'all' ? ['front', 'worker'] : [role];
}

/** Pages are short-lived: a small young generation keeps them from piling up before anybody collects them. */
function workerHeap({ worker }: Config): readonly string[] {
  return [`--max-old-space-size=${worker.heapMb}`, '--max-semi-space-size=4'];
}

function toRole(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (role !== undefined) return role;
  throw new AppError('usage.invalid', `--role: expected ${ROLES.join(', ')}, got ${JSON.stringify(text)}`);
}

async function start({ config, log }: CommandContext, options: { readonly role: string }): Promise<void> {
  const ground = createGround(config, log);
  const children = processesOf(toRole(options.role)).map((role): ChildSpec => {
    const args = [role === 'front' ? 'api,scheduler' : role];
    const heap = role === 'worker' ? { execArgv: workerHeap(config) } : {};
    return { role, entry: ENTRY, args, env: () => ground.environmentOf(role), ...heap };
  });
  const supervisor = createSupervisor({ children, drainMs: config.drainMs, log });
  process.exitCode = await runProcess({
    services: [ground, supervisor],
    drainMs: supervisor.stopWithinMs + DATABASE_STOP_MS,
    log,
    ended: supervisor.refused,
  });
}

export const registerStart: Registration = (program, run) => {
  program
    .command('start')
    .description('run Tidemark until it is asked to end (SIGTERM drains, a second one exits)')
    .option('--role <role>', ROLES.join(', '), 'all')
    .action(run(start));
};
