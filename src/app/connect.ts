// Connecting an account: the integration, its streams and its sealed credential in one transaction. Needs public keys only.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { AppError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { Database } from '../db/database.ts';
import { credentialVersion, insertCredential, replaceCredential } from '../store/credentials.ts';
import { addIntegration, setIntegrationStatus, type Integration } from '../store/integrations.ts';
import { putOAuthApp } from '../store/oauth-apps.ts';
import type { Schedule } from '../store/streams.ts';
import type { User } from '../store/users.ts';
import { oauthAppContext, sealCredential } from '../sync/credential-vault.ts';
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

async function sealerOf(config: Config): Promise<Sealer> {
  return createSealer(await loadPublicKeys(config));
}

function expiryOf({ auth }: AnyConnector, credential: Secret<unknown>): Date | null {
  return auth.kind === 'oauth2' ? auth.expiresAt(credential.reveal()) : null;
}

export async function connectAccount({
  api,
  config,
  connector,
  user,
  schedule,
  settings,
  credential,
  now,
}: NewAccount): Promise<Integration> {
  const sealer = await sealerOf(config);
  const { platform } = connector;
  return await api.tx({ kind: 'ops' }, async (tx) => {
    const integration = await addIntegration(tx, {
      userId: user.id,
      platformId: platform,
      settings,
      status: 'connected',
      schedule,
      streams: connector.streams.map(({ name, defaultIntervalMinutes }) => ({
        name,
        intervalMinutes: defaultIntervalMinutes,
      })),
      now,
    });
    const target = {
      integrationId: integration.id,
      userId: user.id,
      version: 1,
      expiresAt: expiryOf(connector, credential),
    };
    await insertCredential(tx, sealCredential(sealer, target, credential, platform));
    return integration;
  });
}

export interface Replacement extends Target {
  readonly integration: Integration;
  readonly credential: Secret<unknown>;
  readonly now: Date;
}

/** Stores new credentials and connects the integration again; the new version. */
export async function replaceCredentials({
  api,
  config,
  connector,
  integration,
  credential,
  now,
}: Replacement): Promise<number> {
  const sealer = await sealerOf(config);
  return await api.tx({ kind: 'ops' }, async (tx) => {
    const version = ((await credentialVersion(tx, integration.id)) ?? 0) + 1;
    const target = {
      integrationId: integration.id,
      userId: integration.userId,
      version,
      expiresAt: expiryOf(connector, credential),
    };
    const sealed = sealCredential(sealer, target, credential, connector.platform);
    if (version === 1) await insertCredential(tx, sealed);
    else if (!(await replaceCredential(tx, sealed)))
      throw new AppError('credential.refresh_conflict', 'the credentials were replaced at the same moment: try again');
    await setIntegrationStatus(tx, { id: integration.id, status: 'connected', code: null, message: null, now });
    return version;
  });
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
