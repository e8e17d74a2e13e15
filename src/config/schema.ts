// Every environment variable that Tidemark reads, by section. Adding a line here is all it takes to have it checked,
// documented in `.env.example` and suggested to whoever misspells it.

import { z } from 'zod';
import { PLATFORM_IDS, type PlatformId } from '../core/platforms.ts';
import { baseAddress, networks, postgresAddress, redisAddress } from './addresses.ts';
import { KEEPING } from './keep-variables.ts';
import { PROCESSES } from './process-variables.ts';
import { json, trueOrFalse, variable, wholeNumber, type ValueOf, type Variable } from './variable.ts';

const text = z.string().trim().min(1);

/** Overrides of one rate rule; what is left out keeps the rule's own value. */
const rateOverride = z
  .strictObject({
    requests: z.int().positive(),
    perMs: z.int().positive(),
    burst: z.int().positive(),
    perDay: z.int().positive(),
    interactiveReserve: z.number().min(0).max(1),
  })
  .partial();

const limits = json.pipe(
  z.record(z.string().regex(/^[a-z]+\.[\w.-]+$/, 'a rule is named <platform>.<name>'), rateOverride),
);

interface Login {
  readonly about: string;
  readonly unset: string;
  readonly user: string;
}

function databaseLogin({ about, unset, user }: Login): Variable<ValueOf<typeof postgresLogin>, undefined> {
  return variable({ ...postgresLogin, about, unset, example: `postgres://${user}:password@db.internal:5432/tidemark` });
}

const postgresLogin = variable({
  about: '',
  expected: 'an address postgres://user:password@host:port/database',
  default: undefined,
  example: '',
  secret: true,
  schema: postgresAddress,
});

const DATABASE = {
  DATABASE_URL: databaseLogin({
    about: "Login of this process's own role.",
    unset: 'an embedded PostgreSQL starts under TIDEMARK_DATA_DIR',
    user: 'tidemark_worker',
  }),
  DIRECT_DATABASE_URL: databaseLogin({
    about: 'The same login without a connection pooler in between, for LISTEN.',
    unset: 'DATABASE_URL',
    user: 'tidemark_worker',
  }),
  OWNER_DATABASE_URL: databaseLogin({
    about: 'Login that owns the tables; only `tidemark migrate` uses it.',
    unset: 'DATABASE_URL',
    user: 'tidemark_owner',
  }),
  READ_DATABASE_URL: databaseLogin({
    about: 'Login for reports, possibly on a replica.',
    unset: 'DATABASE_URL',
    user: 'tidemark_readonly',
  }),
  SCHEDULER_DATABASE_URL: databaseLogin({
    about: 'Login of the scheduler when it shares a process with the api.',
    unset: 'DATABASE_URL',
    user: 'tidemark_scheduler',
  }),
  TIDEMARK_DATA_DIR: variable({
    about: 'Folder of the embedded PostgreSQL and of generated keys.',
    expected: 'the path of a folder',
    default: undefined,
    unset: '.tidemark in the current folder; for root, who hands the server to another user, /var/lib/tidemark',
    example: '/var/lib/tidemark',
    schema: text,
  }),
};

const QUEUE = {
  REDIS_URL: variable({
    about: 'Redis of the queue: with it the engine is BullMQ, for many machines; all processes must have the same one.',
    expected: 'redis://, rediss://, redis-cluster://host,host or redis-sentinel://host,host/name',
    default: undefined,
    unset: 'the engine is pg-boss, and the queue lives in PostgreSQL',
    example: 'redis://redis.internal:6379/0',
    secret: true,
    schema: redisAddress,
  }),
  TIDEMARK_REDIS_ALLOW_EVICTION: trueOrFalse({
    about: 'Starts although Redis may throw keys away (a maxmemory-policy other than noeviction), jobs among them.',
    default: false,
  }),
};

const HTTP = {
  PORT: wholeNumber({
    about: 'Port of the HTTP server; 0 takes a free one.',
    default: 8080,
    min: 0,
    max: 65_535,
  }),
  HOST: variable({
    about: 'Address that the HTTP server listens on; 0.0.0.0 opens it to the network.',
    expected: 'a host name or an IP address',
    default: '127.0.0.1',
    example: '0.0.0.0',
    schema: z.string().regex(/^[\w.:-]+$/),
  }),
  TIDEMARK_PUBLIC_URL: variable({
    about: 'Where browsers reach the HTTP server: platforms send users back there who connect an account.',
    expected: 'an http or https address without credentials, query and fragment',
    default: undefined,
    unset: 'accounts are connected with files of credentials only',
    example: 'https://tidemark.example.com',
    schema: baseAddress,
  }),
  TIDEMARK_TRUSTED_PROXIES: variable({
    about: 'Proxies in front of the HTTP server whose X-Forwarded-* headers say who asks, and whether over TLS.',
    expected: 'IP addresses or networks, separated by commas',
    default: undefined,
    unset: 'such headers are not believed',
    example: '10.0.0.0/8',
    schema: z.string().regex(/^[\d.a-f:/]+(?:\s*,\s*[\d.a-f:/]+)*$/i),
  }),
  TIDEMARK_EGRESS_ALLOW: variable({
    about: 'Private networks that names of platforms may resolve to, as behind a proxy of your own.',
    expected: 'networks like 10.1.0.0/16, separated by commas',
    default: undefined,
    unset: 'connectors reach public addresses only',
    example: '10.1.0.0/16',
    schema: networks,
  }),
  TIDEMARK_API_RATE_PER_MINUTE: wholeNumber({
    about: 'Requests that one API token may send to one api process per minute; 0 sets no limit.',
    default: 6_000,
    min: 0,
    max: 10_000_000,
  }),
};

const KEYS = {
  TIDEMARK_PUBLIC_KEYS: variable({
    about: 'Public keys that credentials are sealed to, as `tidemark keys generate` prints them.',
    expected: '<id>:<base64 of 32 bytes>, several separated by commas, the current one first',
    default: undefined,
    unset: 'the public halves of the key file',
    example: '3f9a0c5be27d1846:c29tZSBwdWJsaWMga2V5IG9mIDMyIGJ5dGVzISEhISE=',
    schema: z.string().regex(/^\s*[0-9a-f]{16}:[\w+/]{43}=\s*(?:,\s*[0-9a-f]{16}:[\w+/]{43}=\s*)*$/),
  }),
  TIDEMARK_SECRET_KEYS_FILE: variable({
    about: 'File with the secret keys; only workers may read it.',
    expected: 'the path of a key file',
    default: undefined,
    unset: 'secrets/vault-keys.json in TIDEMARK_DATA_DIR, made at the first start',
    example: '/etc/tidemark/vault-keys.json',
    schema: text,
  }),
  TIDEMARK_WEBHOOK_KEYS_FILE: variable({
    about: 'File with the keys that open app secrets, by which signed webhooks are checked; only the api may read it.',
    expected: 'the path of a key file',
    default: undefined,
    unset: 'secrets/webhook-keys.json in TIDEMARK_DATA_DIR, made when the first app is stored',
    example: '/etc/tidemark/webhook-keys.json',
    schema: text,
  }),
  TIDEMARK_BACKUP_DAYS: wholeNumber({
    about: 'How many days backups of the database are kept: for so long a retired key is still needed to read them.',
    default: 30,
    min: 0,
    max: 36_500,
  }),
};

function baseUrl(platform: PlatformId): Variable<string, undefined> {
  return variable({
    about: `Where to reach ${platform} instead of its official address: a proxy or a simulator.`,
    expected: 'an http or https address without credentials, query and fragment',
    default: undefined,
    unset: 'the official address',
    example: `http://127.0.0.1:9000/${platform}`,
    schema: baseAddress,
  });
}

export type BaseUrlName<P extends PlatformId = PlatformId> = `${Uppercase<P>}_BASE_URL`;

export function baseUrlName(platform: PlatformId): BaseUrlName {
  return `${platform.toUpperCase() as Uppercase<PlatformId>}_BASE_URL`;
}

const PLATFORMS = {
  TIDEMARK_EGRESS_ID: variable({
    about: 'Name of the outgoing address; processes behind one address share limits that platforms count per address.',
    expected: 'letters, digits, dots, dashes and underscores, at most 64',
    default: 'default',
    example: 'office-nat',
    schema: z.string().regex(/^[\w.-]{1,64}$/),
  }),
  TIDEMARK_LIMITS: variable({
    about: 'Overrides of rate rules by their name.',
    expected: 'JSON {"<rule>": {"requests", "perMs", "burst", "perDay", "interactiveReserve"}}',
    default: '{}',
    example: '{"upwork.api":{"requests":6000,"perMs":60000,"burst":500}}',
    schema: limits,
  }),
  ...(Object.fromEntries(PLATFORM_IDS.map((id) => [baseUrlName(id), baseUrl(id)])) as Record<
    BaseUrlName,
    Variable<string, undefined>
  >),
};

/** The sections in the order of `.env.example`. */
export const SECTIONS = {
  'Database and storage': DATABASE,
  Queue: QUEUE,
  HTTP,
  'Keys of credentials': KEYS,
  'Platforms and their limits': PLATFORMS,
  'How long data is kept': KEEPING,
  Processes: PROCESSES,
} as const;

export const VARIABLES = { ...DATABASE, ...QUEUE, ...HTTP, ...KEYS, ...PLATFORMS, ...KEEPING, ...PROCESSES };

export type VariableName = keyof typeof VARIABLES;
export type Values = { readonly [Name in VariableName]: ValueOf<(typeof VARIABLES)[Name]> };
