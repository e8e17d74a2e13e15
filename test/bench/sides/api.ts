// The API over a queue, as the api process has it, with a token that may enqueue.

import { createFindToken } from '../../../src/api/find-token.ts';
import { createRunWatch } from '../../../src/api/run-watch.ts';
import { createApiServer } from '../../../src/api/server.ts';
import { connectorOf } from '../../../src/app/connectors.ts';
import { systemClock as clock } from '../../../src/core/clock.ts';
import type { Database } from '../../../src/db/database.ts';
import { insertApiToken } from '../../../src/store/api-tokens.ts';
import { silentLog as log } from '../../../src/telemetry/event-log.ts';
import { generateKeyPair, publicRing } from '../../../src/vault/key-ring.ts';
import { createSealer } from '../../../src/vault/sealer.ts';
import { createToken, hashToken } from '../../../src/vault/token.ts';
import type { JobQueue } from '../../../queues/port.ts';

export interface BenchApi {
  /** Throws an Error for any answer that is no success. */
  post(path: string, body: unknown): Promise<void>;
  close(): Promise<void>;
}

export async function openBenchApi(db: Database, queue: JobQueue): Promise<BenchApi> {
  const token = createToken().reveal();
  await insertApiToken(db, { name: 'bench', tokenHash: hashToken(token), scopes: ['enqueue'], expiresAt: null });
  const runs = createRunWatch({ db, clock, log });
  const server = createApiServer({
    host: '127.0.0.1',
    port: 0,
    trustedProxies: [],
    ratePerMinute: 0,
    findToken: createFindToken({ db, clock }),
    deps: {
      db,
      queue,
      clock,
      log,
      connectorOf,
      sealer: async () => createSealer(publicRing([generateKeyPair().publicKey])),
      runs,
      publicUrl: undefined,
      baseUrls: {},
    },
    readiness: async () => ({}),
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    webhookSecrets: { tokenHash: async () => null, app: async () => null },
    queueBoard: (_app, _options, done) => done(),
    log,
  });
  await server.start();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return {
    async post(path, body) {
      const response = await fetch(server.address + path, { method: 'POST', headers, body: JSON.stringify(body) });
      if (!response.ok) throw new Error(`expected a success from ${path}, got ${await response.text()}`);
      await response.arrayBuffer();
    },
    close: () => server.stop(),
  };
}
