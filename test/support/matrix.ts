// Who may see and touch which tenant's rows: the matrix of `migrations/0001_access.sql` as data, the tables as the
// catalog has them, and one row per user in each of them. The expectations here are never derived from the policies.

import { randomUUID } from 'node:crypto';
import type { DatabaseRole, TxScope } from '../../src/db/database.ts';
import { ident } from '../../src/db/sql.ts';
import type { TestDatabase } from './postgres.ts';

export type TableClass = 'domain' | 'control' | 'shared';
export type RuntimeRole = Exclude<DatabaseRole, 'tidemark_owner'>;

export const RUNTIME_ROLES: readonly RuntimeRole[] = [
  'tidemark_api',
  'tidemark_scheduler',
  'tidemark_worker',
  'tidemark_readonly',
  'tidemark_backup',
];

/** The class of every table with tenants' rows. Partitions have their parent's. */
export const TENANT_TABLES: Readonly<Record<string, TableClass>> = {
  users: 'control',
  integrations: 'control',
  integration_credentials: 'control',
  integration_streams: 'control',
  oauth_exchanges: 'control',
  oauth_exchange_secrets: 'control',
  stream_generations: 'domain',
  sync_logs: 'control',
  sync_quarantine: 'control',
  import_history: 'control',
  platform_metrics: 'control',
  dirty_days: 'control',
  retention_passes: 'control',
  job_ledger: 'shared',
  job_logs: 'shared',
  upwork_profiles: 'domain',
  jobs: 'domain',
  proposals: 'domain',
  contracts: 'domain',
  time_entries: 'domain',
  payments: 'domain',
  offers: 'domain',
  conversations: 'domain',
  message_keys: 'domain',
  messages: 'domain',
  chat_members: 'domain',
  platform_events: 'domain',
  phone_numbers: 'domain',
  message_templates: 'domain',
  messaging_analytics: 'domain',
  message_statuses: 'domain',
  webhook_inbox: 'domain',
  outbound_messages: 'domain',
  orders: 'domain',
  products: 'domain',
  prices: 'domain',
  stocks: 'domain',
  sales: 'domain',
  finance_entries: 'domain',
  returns: 'domain',
  reviews: 'domain',
  questions: 'domain',
  supplies: 'domain',
  product_daily_stats: 'domain',
  seller_accounts: 'domain',
  user_metrics: 'domain',
  analytics: 'domain',
  sealed_inputs: 'domain',
  metric_adjustments: 'domain',
};

/** Tables on which neither the api nor the scheduler holds any grant: bookkeeping of the sync itself. */
export const WORKER_TABLES: ReadonlySet<string> = new Set(['stream_generations', 'message_keys']);

/** Tables without row level security, and why they may be. */
export const OPEN_TABLES: Readonly<Record<string, string>> = {
  pgmigrations: 'names of migrations; every process compares them with its own at its start',
  settings: 'facts of the installation, nobody in particular',
  platforms: 'the catalogue of platforms, the same for everybody',
  oauth_apps: 'credentials of the installation, not of a tenant; sealed columns are kept back by column grants',
  api_tokens: 'operators, not tenants; only hashes, and only the api may read them',
  idempotency_keys: 'answers given to tokens of operators and services, who see control-plane rows of all users anyway',
  console_sessions: 'operators, not tenants; only hashes',
  audit_logs: 'what operators did; only the api and the backup may read it',
  security_logs: 'events of the doors and the vault; only the api and the backup may read them',
  credential_openings: 'ids of runs and keys, chained per integration; written by a function, read by api and backup',
  door_guesses: 'addresses that brought wrong tokens, nobody in particular',
  workers: 'processes of the installation',
  event_receivers: 'accounts that are listened to, shared by all tenants that connected one; of secrets only hashes',
  webhook_apps: 'apps of the installation; their secrets are sealed to the key of the webhooks',
  rate_buckets: 'state of quotas under opaque keys',
  platform_metric_horizons: 'since when metrics are kept, nobody in particular',
  queue_controls: 'limits of queues, which belong to nobody',
  queue_history: 'numbers of queues, which belong to nobody',
  queue_history_writers: 'marks of processes that write them',
  fair_shares: 'turn numbers of fair queueing: no tenant data, and admission compares all users in one statement',
};

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly generated: boolean;
  /** Text of the check constraints that name this column. */
  readonly checks: string;
}

export interface Table {
  readonly name: string;
  readonly parent: string | null;
  readonly partitioned: boolean;
  readonly secured: boolean;
  readonly forced: boolean;
  readonly columns: readonly Column[];
}

/** Every table of schema public, partitions included. */
export async function readTables(database: TestDatabase): Promise<readonly Table[]> {
  return await database.asSuperuser<Table>(`
    select c.relname as name,
      (select p.relname from pg_inherits i join pg_class p on p.oid = i.inhparent where i.inhrelid = c.oid) as parent,
      c.relkind = 'p' as partitioned, c.relrowsecurity as secured, c.relforcerowsecurity as forced,
      (select jsonb_agg(jsonb_build_object(
          'name', a.attname,
          'type', format_type(a.atttypid, null),
          'required', a.attnotnull and not a.atthasdef and a.attidentity = '',
          'generated', a.attgenerated <> '' or a.attidentity <> '',
          'checks', coalesce((select string_agg(pg_get_constraintdef(k.oid), ' ') from pg_constraint k
            where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum]), '')) order by a.attnum)
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    order by c.relname`);
}

/** The column that says whose row it is, or null. */
export function userColumnOf({ name, columns }: Pick<Table, 'name' | 'columns'>): string | null {
  if (name === 'users') return 'id';
  return columns.some((column) => column.name === 'user_id') ? 'user_id' : null;
}

export function classOf({ name, parent }: Table): TableClass | undefined {
  return TENANT_TABLES[parent ?? name];
}

function textFor(checks: string): string {
  const [, listed] = /ARRAY\['([^']*)'/.exec(checks) ?? [];
  if (listed !== undefined) return listed;
  if (checks.includes('[A-Z]{3}')) return 'USD';
  if (checks.includes('@')) return `${randomUUID()}@example.com`;
  return randomUUID();
}

const VALUES: Readonly<Record<string, () => unknown>> = {
  uuid: randomUUID,
  boolean: () => false,
  date: () => '2026-01-01',
  jsonb: () => '{}',
  bytea: () => Buffer.from(randomUUID()),
  'timestamp with time zone': () => new Date(),
};

function valueFor({ type, checks }: Column): unknown {
  if (type === 'text') return textFor(checks);
  if (type.endsWith('[]')) return [];
  return VALUES[type]?.() ?? 1;
}

export interface Insert {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** A row of `userId` that satisfies the table's own checks; its foreign keys may point nowhere. */
export function insertFor(table: Table, userId: string): Insert {
  const userColumn = userColumnOf(table);
  const filled = table.columns.filter(({ name, required }) => required || name === userColumn);
  const names = filled.map(({ name }) => ident(name)).join(', ');
  const places = filled.map((_column, index) => `$${index + 1}`).join(', ');
  return {
    text: `insert into ${ident(table.name)} (${names}) values (${places})`,
    values: filled.map((column) => (column.name === userColumn ? userId : valueFor(column))),
  };
}

/** What a scope opens: nobody's rows, those of user A, or everybody's. */
export type Reach = 'nobody' | 'own' | 'everybody';

export interface NamedScope {
  readonly name: string;
  readonly scope: TxScope;
  /** False for a lease token that nobody was given. */
  readonly genuine: boolean;
}

/** The matrix itself. */
export function expectedReach(role: RuntimeRole, tableClass: TableClass, { scope, genuine }: NamedScope): Reach {
  switch (role) {
    case 'tidemark_backup':
      return 'everybody';
    case 'tidemark_scheduler':
      return tableClass === 'domain' ? 'nobody' : 'everybody';
    case 'tidemark_worker':
      if (tableClass === 'shared') return 'everybody';
      return scope.kind === 'lease' && genuine ? 'own' : 'nobody';
    case 'tidemark_api':
    case 'tidemark_readonly':
      if (scope.kind === 'user') return 'own';
      return scope.kind === 'ops' && tableClass !== 'domain' ? 'everybody' : 'nobody';
  }
}
