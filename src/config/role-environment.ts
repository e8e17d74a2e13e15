// The environment that a supervised process gets: the parent's, with this process's own logins and without the secrets
// of the others. An api that never sees the path of the key file cannot be talked into reading it.

import type { VariableName } from './schema.ts';

/** `front` is api and scheduler in one process. */
export type ProcessRole = 'api' | 'scheduler' | 'front' | 'worker';

const OWNER_ONLY: readonly VariableName[] = ['OWNER_DATABASE_URL'];
const WORKER_ONLY: readonly VariableName[] = ['TIDEMARK_SECRET_KEYS_FILE'];
const FRONT_ONLY: readonly VariableName[] = [
  'READ_DATABASE_URL',
  'SCHEDULER_DATABASE_URL',
  'TIDEMARK_WEBHOOK_KEYS_FILE',
];

const WITHHELD: Readonly<Record<ProcessRole, readonly VariableName[]>> = {
  api: [...OWNER_ONLY, ...WORKER_ONLY, 'SCHEDULER_DATABASE_URL'],
  scheduler: [...OWNER_ONLY, ...WORKER_ONLY, 'TIDEMARK_WEBHOOK_KEYS_FILE'],
  front: [...OWNER_ONLY, ...WORKER_ONLY],
  worker: [...OWNER_ONLY, ...FRONT_ONLY],
};

/**
 * `env` for a process of `role`, with `own` set last: the logins and settings that are this process's alone. A front
 * process loses the key file's path, so `own` must give it TIDEMARK_PUBLIC_KEYS, or it would seal to keys of its own.
 */
export function roleEnvironment(
  role: ProcessRole,
  own: Readonly<Partial<Record<VariableName, string>>>,
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const withheld: readonly string[] = WITHHELD[role];
  const kept = Object.entries(env).filter(([name]) => !withheld.includes(name));
  return { ...Object.fromEntries(kept), ...onlyLogin(env), ...own };
}

/** With the owner's login alone there is nothing to withhold; without any, the child would start a database of its own. */
function onlyLogin({ DATABASE_URL, OWNER_DATABASE_URL }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return !DATABASE_URL && OWNER_DATABASE_URL ? { DATABASE_URL: OWNER_DATABASE_URL } : {};
}
