// Connecting an account from a process's configuration, in a transaction of its own. Needs public keys only.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { AppError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { Database } from '../db/database.ts';
import { addAccount, renewAccount } from '../ops/accounts.ts';
import type { Integration } from '../store/integrations.ts';
import { putOAuthApp } from '../store/oauth-apps.ts';
import type { Schedule } from '../store/streams.ts';
import type { User } from '../store/users.ts';
import { oauthAppContext } from '../sync/credential-vault.ts';
import { createSealer, type Sealer } from '../vault/sealer.ts';
import { loadPublicKeys } from './keys.ts';

interface Target {
  /** Pool of the api role. */
  readonly api: Database;
  readonly config: Config;
  readonly connector: AnyConnector;
}

export interface NewAccount extends Target {
  readonly user: User;
  readonly schedule: Schedule;
  /** Read through the connector's schema. */
  readonly settings: unknown;
  readonly credential: Secret<unknown>;
  readonly now: Date;
}

export async function sealerOf(config: Config): Promise<Sealer> {
  return createSealer(await loadPublicKeys(config));
}

/** Connects an account in a transaction of its own. */
export async function connectAccount({ api, config, user, ...account }: NewAccount): Promise<Integration> {
  const sealer = await sealerOf(config);
  return await api.tx({ kind: 'ops' }, (tx) => addAccount(tx, { ...account, sealer, userId: user.id }));
}

export interface Replacement extends Target {
  readonly integration: Integration;
  readonly credential: Secret<unknown>;
  readonly now: Date;
}

/** Stores new credentials and connects the integration again; the new version. */
export async function replaceCredentials({ api, config, ...replacement }: Replacement): Promise<number> {
  const sealer = await sealerOf(config);
  return await api.tx({ kind: 'ops' }, (tx) => renewAccount(tx, { ...replacement, sealer }));
}

const appSchema = z.strictObject({
  client_id: z.string().min(1).max(500),
  client_secret: z.string().min(1).max(2_000),
});

async function readApp(file: string): Promise<z.output<typeof appSchema>> {
  try {
    return appSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // Neither the parser nor the schema is quoted: both would quote the secret.
    throw new AppError('credential.invalid', `expected {"client_id": …, "client_secret": …} in ${file}`);
  }
}

/** Stores client id and sealed secret of our app at a platform. */
export async function putApp({ api, config, connector, file }: Target & { readonly file: string }): Promise<void> {
  if (connector.auth.kind !== 'oauth2')
    throw new AppError('usage.invalid', `${connector.displayName} has no app credentials`);
  const { client_id: clientId, client_secret: clientSecret } = await readApp(file);
  const sealer = await sealerOf(config);
  const { platform } = connector;
  const { ciphertext, wrappedKey, keyId } = sealer.seal(new Secret(clientSecret), oauthAppContext(platform, 1));
  await api.tx({ kind: 'ops' }, (tx) =>
    putOAuthApp(tx, { platform, clientId, version: 1, ciphertext, wrappedKey, keyId }),
  );
}
