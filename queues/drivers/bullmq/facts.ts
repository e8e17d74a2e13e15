// What a Redis says of itself, for a person who wants it checked before he trusts it. It changes nothing there.

import { Cluster } from 'ioredis';
import type { Secret } from '../../../src/core/secret.ts';
import { openClient } from './engine.ts';
import { toConnectError } from './errors.ts';
import { factOf } from './preflight.ts';
import { parseRedisUrl } from './redis-url.ts';

export interface RedisFacts {
  readonly version: string;
  /** `noeviction` is the one under which no job is dropped; empty when the server does not tell. */
  readonly evictionPolicy: string;
  readonly appendOnly: boolean;
  /** Null: the server does not tell. */
  readonly snapshots: boolean | null;
}

/** Of each master. Throws `config.invalid` for a refused login, `queue.engine_failed` when nobody answers. */
export async function readRedisFacts(url: Secret): Promise<readonly RedisFacts[]> {
  const client = openClient(parseRedisUrl(url), 'commands');
  let lastError: unknown;
  client.on('error', (error: unknown) => (lastError = error));
  try {
    await client.connect();
    const nodes = client instanceof Cluster ? client.nodes('master') : [client];
    return await Promise.all(
      nodes.map(async (node) => {
        const info = await node.info();
        // Managed servers often forbid CONFIG.
        const save = await node.config('GET', 'save').catch(() => null);
        return {
          version: factOf(info, 'redis_version'),
          evictionPolicy: factOf(info, 'maxmemory_policy'),
          appendOnly: factOf(info, 'aof_enabled') === '1',
          snapshots: Array.isArray(save) ? (save[1] ?? '') !== '' : null,
        };
      }),
    );
  } catch (error) {
    throw toConnectError(lastError ?? error);
  } finally {
    client.disconnect();
  }
}
