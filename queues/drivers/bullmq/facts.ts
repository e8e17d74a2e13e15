// What a Redis says of itself, for a person who wants it checked before he trusts it. It changes nothing there.

import type { Secret } from '../../../src/core/secret.ts';
import { connectAll, mastersOf, openClient } from './engine.ts';
import { toConnectError } from './errors.ts';
import { factOf, serverFactsOf, type ServerFacts } from './preflight.ts';
import { parseRedisUrl } from './redis-url.ts';

export interface RedisFacts extends ServerFacts {
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
    await connectAll([client]);
    return await Promise.all(
      mastersOf(client).map(async (node) => {
        const info = await node.info();
        // Managed servers often forbid CONFIG.
        const save = await node.config('GET', 'save').catch(() => null);
        return {
          ...serverFactsOf(info),
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
