// The HTTP server on a free port, with tokens in a real database and jobs in memory.

import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { JobQueue } from '../../queues/port.ts';
import type { ApiDeps } from '../../src/api/call.ts';
import { createApiServer, type ApiServer, type ApiServerOptions } from '../../src/api/server.ts';
import { connectorOf } from '../../src/app/connectors.ts';
import { createFindToken } from '../../src/api/find-token.ts';
import { createRunWatch } from '../../src/api/run-watch.ts';
import { boardDeps } from '../../src/dashboard/bull-board/board-deps.ts';
import { createQueueBoard } from '../../src/dashboard/bull-board/board.ts';
import type { Scope } from '../../src/core/scopes.ts';
import { insertApiToken, revokeApiToken } from '../../src/store/api-tokens.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { generateKeyPair, publicRing } from '../../src/vault/key-ring.ts';
import { createSealer } from '../../src/vault/sealer.ts';
import { createToken, hashToken } from '../../src/vault/token.ts';
import type { Database } from '../../src/db/database.ts';
import { createWebhookSecrets } from '../../src/webhooks/webhook-secrets.ts';
import { memoryQueue } from './memory-queue.ts';

export interface TestApiOptions extends Omit<Partial<ApiServerOptions>, 'deps'> {
  readonly deps?: Partial<ApiDeps>;
  readonly queue?: JobQueue;
  /** When it is stopped; default: with the test. `afterAll` for a server of the whole file. */
  readonly whenOver?: (stop: () => Promise<void>) => void;
}

/** Started, and stopped by itself. */
export async function startApi(
  db: Database,
  { queue = memoryQueue([]), whenOver = onTestFinished, deps = {}, ...given }: TestApiOptions = {},
): Promise<ApiServer> {
  const runs = createRunWatch({ db, clock: systemClock, log: silentLog });
  await runs.loop.start();
  whenOver(() => runs.loop.stop());
  const server = createApiServer({
    host: '127.0.0.1',
    port: 0,
    findToken: createFindToken({ db, clock: systemClock }),
    trustedProxies: [],
    ratePerMinute: 0,
    deps: {
      db,
      queue,
      clock: systemClock,
      log: silentLog,
      connectorOf,
      sealer: async () => createSealer(publicRing([generateKeyPair().publicKey])),
      runs,
      publicUrl: 'https://tidemark.test',
      baseUrls: {},
      ...deps,
    },
    readiness: async () => ({ database: { status: 'ok' } }),
    metrics: async () => ({ contentType: 'text/plain', text: 'tidemark_up 1\n' }),
    webhookSecrets: createWebhookSecrets({
      db,
      clock: systemClock,
      opener: () => Promise.reject(new Error('this server has no keys of webhooks')),
    }),
    queueBoard: createQueueBoard(
      '/queues',
      boardDeps({
        db,
        queue,
        clock: systemClock,
        datastore: async () => ({ version: '18.4', port: 5432, uptimeSeconds: 60, connections: 3 }),
      }),
    ),
    log: silentLog,
    ...given,
  });
  await server.start();
  whenOver(() => server.stop());
  return server;
}

export interface IssueOptions {
  readonly expiresAt?: Date;
  readonly revoked?: boolean;
}

/** The text of a new token. */
export async function issueToken(db: Database, scopes: readonly Scope[], options: IssueOptions = {}): Promise<string> {
  const text = createToken().reveal();
  const { id } = await insertApiToken(db, {
    name: 'test',
    tokenHash: hashToken(text),
    scopes,
    expiresAt: options.expiresAt ?? null,
  });
  if (options.revoked) await revokeApiToken(db, id, new Date());
  return text;
}

export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** As a browser sends it: any name, the token as password. */
export function basic(token: string, name = 'anyone'): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${name}:${token}`).toString('base64')}` };
}
