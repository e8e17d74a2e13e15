// What proofs of webhooks are checked against, remembered for a short while: hashes of accounts' tokens, and our apps' secrets,
// which are opened here and nowhere else.

import { SECOND_MS } from '../core/duration.ts';
import type { Clock } from '../core/clock.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { Secret } from '../core/secret.ts';
import type { Database } from '../db/database.ts';
import { findSecretHash } from '../store/event-receivers.ts';
import { findWebhookApp } from '../store/webhook-apps.ts';
import type { Opener } from '../vault/opener.ts';
import type { SealContext } from '../vault/sealer.ts';

export interface WebhookApp {
  readonly secret: Secret;
  /** SHA-256. */
  readonly verifyTokenHash: Uint8Array;
}

export interface WebhookSecrets {
  /** SHA-256 of an account's token; null: it has none. `fresh` asks the database although the answer is known. */
  tokenHash(platform: PlatformId, account: string, fresh?: 'fresh'): Promise<Uint8Array | null>;
  /** Null: there is no such app. Throws `vault.*`. */
  app(platform: PlatformId, appId: string, fresh?: 'fresh'): Promise<WebhookApp | null>;
}

export interface WebhookSecretsDeps {
  /** Pool of the api role. */
  readonly db: Database;
  readonly clock: Pick<Clock, 'mono'>;
  /** Of the webhooks' own keys; asked when the first app is needed. */
  readonly opener: () => Promise<Opener>;
}

const KNOWN_MS = 30 * SECOND_MS;
const MAX_KNOWN = 10_000;

/** What the secret of an app is bound to. */
export function webhookAppContext(platform: PlatformId, appId: string): SealContext {
  return { purpose: 'webhook_app', userId: '', integrationId: appId, platform, version: 1 };
}

function createMemory<V>(clock: Pick<Clock, 'mono'>, find: (platform: PlatformId, name: string) => Promise<V>) {
  const known = new Map<string, { readonly value: V; readonly until: number }>();
  return async (platform: PlatformId, name: string, fresh?: 'fresh'): Promise<V> => {
    const key = `${platform} ${name}`;
    const held = known.get(key);
    if (fresh === undefined && held !== undefined && held.until > clock.mono()) return held.value;
    const value = await find(platform, name);
    known.delete(key);
    if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value!);
    known.set(key, { value, until: clock.mono() + KNOWN_MS });
    return value;
  };
}

export function createWebhookSecrets({ db, clock, opener }: WebhookSecretsDeps): WebhookSecrets {
  return {
    tokenHash: createMemory(clock, (platform, account) => findSecretHash(db, platform, account)),
    app: createMemory(clock, async (platform, appId) => {
      const stored = await findWebhookApp(db, platform, appId);
      if (stored === null) return null;
      const secret = (await opener()).open(stored, webhookAppContext(platform, appId));
      return { secret, verifyTokenHash: stored.verifyTokenHash };
    }),
  };
}
