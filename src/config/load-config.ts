// The environment becomes one frozen object, or one error that lists everything that is wrong with it. The only place
// of Tidemark that reads `process.env`, besides `role-environment.ts`, which hands it on to child processes.

import path from 'node:path';
import { PLATFORM_IDS } from '../core/platforms.ts';
import type { Config, DatabaseConfig } from './config.ts';
import { contradictions, invalidConfig, invalidValue, unknownVariables, type Problem } from './problems.ts';
import { baseUrlName, VARIABLES, type Values, type VariableName } from './schema.ts';
import type { Variable } from './variable.ts';

export type { Config } from './config.ts';

/** What the defaults depend on besides the environment. */
export interface Host {
  readonly cwd: string;
  readonly isRoot: boolean;
}

/**
 * Reads the settings from `env`; an empty value counts as absent.
 * Throws AppError `config.invalid` (kind `config`) with every problem in message and details; the CLI exits 2 on it.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env, host: Host = thisHost()): Config {
  const problems = unknownVariables(env);
  const values = readValues(env, problems);
  problems.push(...contradictions(values, env));
  if (problems.length > 0) throw invalidConfig(problems);
  return deepFreeze(toConfig(values as Values, host));
}

function thisHost(): Host {
  return { cwd: process.cwd(), isRoot: process.getuid?.() === 0 };
}

/** Every variable by its schema; what does not fit is left out and becomes a problem. */
function readValues(env: NodeJS.ProcessEnv, problems: Problem[]): Partial<Values> {
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(VARIABLES) as [VariableName, Variable<unknown>][]) {
    const given = env[name] === '' ? undefined : env[name];
    const text = given ?? spec.default;
    if (text === undefined) continue;
    const parsed = spec.schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else problems.push(invalidValue(name, text, parsed.error.issues));
  }
  return values;
}

function toConfig(values: Values, { cwd, isRoot }: Host): Config {
  const secretKeysFile = values.TIDEMARK_SECRET_KEYS_FILE;
  // Root hands the server to an unprivileged user, who could not enter a clone below /root.
  const dataDir = path.resolve(cwd, values.TIDEMARK_DATA_DIR ?? (isRoot ? '/var/lib/tidemark' : '.tidemark'));
  const webhookKeysFile = values.TIDEMARK_WEBHOOK_KEYS_FILE;
  return {
    database: toDatabase(values),
    queue: {
      engine: values.REDIS_URL === undefined ? 'pgboss' : 'bullmq',
      redisUrl: values.REDIS_URL,
      allowEviction: values.TIDEMARK_REDIS_ALLOW_EVICTION,
    },
    http: {
      host: values.HOST,
      port: values.PORT,
      publicUrl: values.TIDEMARK_PUBLIC_URL,
      trustedProxies: values.TIDEMARK_TRUSTED_PROXIES?.split(',').map((address) => address.trim()) ?? [],
      ratePerMinute: values.TIDEMARK_API_RATE_PER_MINUTE,
    },
    dataDir,
    keys: {
      publicKeys: values.TIDEMARK_PUBLIC_KEYS,
      secretKeysFile: secretKeysFile === undefined ? undefined : path.resolve(cwd, secretKeysFile),
      webhookKeysFile:
        webhookKeysFile === undefined
          ? path.join(dataDir, 'secrets', 'webhook-keys.json')
          : path.resolve(cwd, webhookKeysFile),
      backupDays: values.TIDEMARK_BACKUP_DAYS,
    },
    egressId: values.TIDEMARK_EGRESS_ID,
    egressAllow: values.TIDEMARK_EGRESS_ALLOW ?? [],
    logLevel: values.LOG_LEVEL,
    baseUrls: toBaseUrls(values),
    limits: values.TIDEMARK_LIMITS,
    retention: values.TIDEMARK_RETENTION,
    keep: values.TIDEMARK_KEEP,
    worker: {
      concurrency: values.TIDEMARK_WORKER_CONCURRENCY,
      heapMb: values.TIDEMARK_WORKER_HEAP_MB,
      heartbeatMs: values.TIDEMARK_HEARTBEAT_MS,
      leaseTtlMs: values.TIDEMARK_LEASE_TTL_MS,
      maxBlockedMs: values.TIDEMARK_MAX_BLOCKED_MS,
      sliceMs: values.TIDEMARK_SLICE_MS,
    },
    scheduler: { tickMs: values.TIDEMARK_SCHEDULER_TICK_MS },
    drainMs: values.TIDEMARK_DRAIN_MS,
  };
}

function toDatabase(values: Values): DatabaseConfig {
  // One login is enough, and it is then the owner's: every transaction takes its role with `set local role`.
  const url = values.DATABASE_URL ?? values.OWNER_DATABASE_URL;
  return {
    mode: url === undefined ? 'embedded' : 'external',
    url,
    directUrl: values.DIRECT_DATABASE_URL ?? url,
    ownerUrl: values.OWNER_DATABASE_URL ?? url,
    readUrl: values.READ_DATABASE_URL ?? url,
    schedulerUrl: values.SCHEDULER_DATABASE_URL ?? url,
  };
}

function toBaseUrls(values: Values): Config['baseUrls'] {
  const given = PLATFORM_IDS.map((id) => [id, values[baseUrlName(id)]] as const);
  return Object.fromEntries(given.filter(([, url]) => url !== undefined));
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) deepFreeze(member as object);
  }
  return Object.freeze(value);
}
