// The layout as data: every module with its rank, and the packages that only one module may import. A file imports from
// its own module or from a lower rank, never sideways and never up.

export interface Module {
  readonly rank: number;
  /** Folder, or a file prefix for modules that share a folder. */
  readonly path: string;
}

/** First match wins, so that a folder inside another one is listed before it. */
export const MODULES: readonly Module[] = [
  { rank: 0, path: 'src/core/' },
  { rank: 1, path: 'src/config/' },
  { rank: 1, path: 'src/telemetry/' },
  { rank: 1, path: 'src/api/contract/' },
  { rank: 2, path: 'src/lifecycle/' },
  { rank: 2, path: 'src/db/' },
  { rank: 3, path: 'src/limits/' },
  { rank: 3, path: 'src/store/' },
  { rank: 3, path: 'src/vault/' },
  { rank: 3, path: 'src/embedded-postgres/' },
  { rank: 4, path: 'queues/drivers/pgboss/' },
  { rank: 4, path: 'queues/drivers/bullmq/' },
  { rank: 3, path: 'queues/' },
  { rank: 4, path: 'src/http/' },
  { rank: 5, path: 'src/connectors/contract/' },
  { rank: 5, path: 'src/connectors/toolkit/' },
  { rank: 6, path: 'src/connectors/ozon/' },
  { rank: 6, path: 'src/connectors/telegram/' },
  { rank: 6, path: 'src/connectors/upwork/' },
  { rank: 6, path: 'src/connectors/whatsapp/' },
  { rank: 6, path: 'src/connectors/wildberries/' },
  { rank: 6, path: 'src/sync/' },
  { rank: 6, path: 'src/rollups/' },
  { rank: 6, path: 'src/scheduler/' },
  { rank: 7, path: 'src/webhooks/' },
  { rank: 7, path: 'src/messages/' },
  { rank: 7, path: 'src/ops/' },
  { rank: 8, path: 'src/api/' },
  { rank: 8, path: 'src/dashboard/' },
  { rank: 9, path: 'src/app/' },
  { rank: 10, path: 'packages/client/src/' },
  { rank: 10, path: 'workers/' },
  { rank: 10, path: 'src/cli/' },
  { rank: 11, path: 'test/' },
];

/** Where each package may be imported, besides tests; packages that are not listed may be imported anywhere. */
export const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  pino: ['src/telemetry/'],
  'prom-client': ['src/telemetry/'],
  pg: ['src/db/'],
  'node-pg-migrate': ['src/db/'],
  'libsodium-wrappers': ['src/vault/'],
  bullmq: ['queues/drivers/bullmq/'],
  ioredis: ['queues/drivers/bullmq/', 'src/limits/'],
  'pg-boss': ['queues/drivers/pgboss/'],
  axios: ['src/http/'],
  'p-retry': ['src/http/'],
  croner: ['src/scheduler/'],
  fastify: ['src/api/', 'src/dashboard/'],
  '@bull-board/api': ['src/dashboard/'],
  '@bull-board/fastify': ['src/dashboard/'],
  '@bull-board/ui': ['src/dashboard/'],
  commander: ['src/cli/'],
  'cli-progress': ['src/cli/'],
};

/** What a connector may know of Tidemark: never the database, the stores, the queue or the vault. */
export const CONNECTOR_MAY_IMPORT: readonly string[] = [
  'src/core/',
  'src/telemetry/',
  'src/limits/governor.ts',
  'src/http/http-client.ts',
  'src/connectors/contract/',
  'src/connectors/toolkit/',
];

export function moduleOf(file: string): Module {
  const found = MODULES.find((module) => file.startsWith(module.path));
  if (found === undefined)
    throw new Error(`${file} is in no module of test/architecture/ranks.ts: add its folder there`);
  return found;
}
